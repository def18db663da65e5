//! Work cut into slices, one thread each.

use std::num::NonZeroUsize;

/// `work` for every index below `count`, in order. Small jobs stay on the caller's thread.
pub(crate) fn map<T: Send>(count: usize, workers: NonZeroUsize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    const WORTH_A_THREAD: usize = 64;
    let workers = workers.get().min(count / WORTH_A_THREAD);
    if workers < 2 {
        return (0..count).map(work).collect();
    }
    // More slices than threads, dealt out like cards, so that a heavy stretch is shared.
    let next = std::sync::atomic::AtomicUsize::new(0);
    let slice = (count / (workers * 8)).max(1);
    let mut done: Vec<(usize, Vec<T>)> = std::thread::scope(|scope| {
        let deal = || {
            let mut mine = Vec::new();
            loop {
                let start = next.fetch_add(slice, std::sync::atomic::Ordering::Relaxed);
                if start >= count {
                    return mine;
                }
                mine.push((start, (start..(start + slice).min(count)).map(&work).collect()));
            }
        };
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(deal)).collect();
        let mut all = deal();
        for other in others {
            match other.join() {
                Ok(slices) => all.extend(slices),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    done.sort_unstable_by_key(|(start, _)| *start);
    done.into_iter().flat_map(|(_, slice)| slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_input() {
        let check = |count: usize, workers: usize| {
            let workers = NonZeroUsize::new(workers).expect("not zero");
            assert_eq!(map(count, workers, |index| index * 3), (0..count).map(|index| index * 3).collect::<Vec<_>>());
        };
        for count in [0, 1, 63, 64, 129, 1_000, 4_097] {
            check(count, 1);
            check(count, 2);
            check(count, 7);
        }
    }
}
