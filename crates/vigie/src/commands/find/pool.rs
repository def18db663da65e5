//! Work on all cores, its results in the order of the work.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use anyhow::Result;

/// Results that may wait for an earlier one to be taken.
const AHEAD: usize = 16;

/// Does `work` on each item of `items` on all cores, and hands the results to `take` in the order of the items. When
/// `take` fails, no new item is begun.
pub fn in_order<I: Send, P: Send>(
    items: impl Iterator<Item = I> + Send,
    work: impl Fn(I) -> P + Sync,
    mut take: impl FnMut(P) -> Result<()>,
) -> Result<()> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let source = Mutex::new(items.enumerate());
    let (sender, receiver) = sync_channel::<(usize, P)>(AHEAD);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, source, work) = (sender.clone(), &source, &work);
            scope.spawn(move || {
                loop {
                    let next = source.lock().ok().and_then(|mut source| source.next());
                    let Some((number, item)) = next else { return };
                    // Nobody listens any more when taking failed.
                    if sender.send((number, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, part) in receiver {
            waiting.insert(number, part);
            while let Some(part) = waiting.remove(&next) {
                take(part)?;
                next += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_a_failure_ends_the_work() {
        let mut taken = Vec::new();
        let outcome = in_order(
            0..200_u64,
            |item| {
                std::thread::sleep(std::time::Duration::from_micros((item * 7_919) % 300));
                item * 2
            },
            |result| {
                taken.push(result);
                anyhow::ensure!(taken.len() < 100, "enough");
                Ok(())
            },
        );
        assert!(outcome.is_err());
        assert_eq!(taken, (0..100).map(|item| item * 2).collect::<Vec<u64>>());
    }
}
