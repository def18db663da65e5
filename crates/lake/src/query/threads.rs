//! The threads on which queries run: apart from those that accept and judge records, and behind them where there are fewer
//! processors than work.

use tokio::runtime::{Builder, Runtime};

/// How much less urgent than the rest of the program queries are, in steps of Unix niceness: a thread of intake gets about
/// three times the processor of one of a query while both have work, and a query all of it otherwise.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;
#[cfg(target_os = "linux")]
const LEAST_URGENT: i32 = 19;

/// Starts `count` threads.
pub(super) fn start(count: usize) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(count.max(1)).thread_name("query").enable_all();
    #[cfg(target_os = "linux")]
    giving_way(&mut builder);
    builder.build()
}

/// On Linux niceness is a thread's own; elsewhere it would be the whole program's. A thread that another one of them has
/// started would begin with its niceness: so it is set, not added.
#[cfg(target_os = "linux")]
fn giving_way(builder: &mut Builder) {
    let Ok(own) = rustix::process::getpriority_process(None) else { return };
    builder.on_thread_start(move || {
        if let Err(error) = rustix::process::setpriority_process(None, (own + NICENESS).min(LEAST_URGENT)) {
            tracing::warn!(%error, "queries run as urgently as intake");
        }
    });
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn queries_are_less_urgent_than_those_who_ask() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let runtime = start(1).unwrap();
        let theirs = runtime.block_on(runtime.spawn(async move { own() })).unwrap();
        assert_eq!(theirs, (own() + NICENESS).min(LEAST_URGENT));
    }
}
