//! What becomes of a dispatch when something happens to it: a pure function, so that it can be tried exhaustively.

use kernel::Timestamp;
use kernel::message::{Address, DeliveryState};

use super::record::Outgoing;

/// The first pause after a failed try; it doubles.
const FIRST_PAUSE_US: i64 = 5_000_000;
const LONGEST_PAUSE_US: i64 = 300_000_000;

/// Something happened to a dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The next hop took it. A network that sends receipts will say more.
    Accepted { receipts_follow: bool },
    /// It failed and may work later.
    Failed { problem: String, retry_after_s: Option<u32> },
    /// It will never work by this means: a wrong address, a refusal.
    Refused { problem: String },
    /// A receipt says that the recipient has it. It was sent to the address at `place`.
    Delivered { place: usize },
    /// A receipt or a bounce says that it was lost on the way.
    Lost { place: usize, problem: String },
    /// Its time has come: patience or validity is over.
    Due,
    /// The desk took it back.
    Withdrawn { reason: String },
}

/// One change that the desk is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub state: DeliveryState,
    pub address: Option<Address>,
    pub problem: Option<String>,
}

/// A dispatch after something happened, and what the desk is told. Nothing changed: no news and an equal record.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    pub record: Outgoing,
    pub news: Vec<News>,
}

/// Decides. `chance` spreads retries: 0 up to 1,000,000 gives a pause of 75 % up to 125 %.
pub fn after(before: &Outgoing, happening: &Happening, now: Timestamp, chance: u32) -> After {
    let mut turn = Turn { record: before.clone(), news: Vec::new(), now };
    match happening {
        Happening::Accepted { receipts_follow } => turn.accepted(*receipts_follow),
        Happening::Failed { problem, retry_after_s } => turn.failed(problem, *retry_after_s, chance),
        Happening::Refused { problem } => turn.refused(problem),
        Happening::Delivered { place } => turn.delivered(*place),
        Happening::Lost { place, problem } => turn.lost(*place, problem),
        Happening::Due => turn.due(),
        Happening::Withdrawn { reason } => turn.withdrawn(reason),
    }
    if turn.record != *before {
        turn.record.updated = now;
        turn.record.version = before.version + 1;
    }
    After { record: turn.record, news: turn.news }
}

struct Turn {
    record: Outgoing,
    news: Vec<News>,
    now: Timestamp,
}

impl Turn {
    fn tell(&mut self, state: DeliveryState, about_address: bool, problem: Option<&str>) {
        let address = about_address.then(|| self.record.address().clone());
        self.news.push(News { state, address, problem: problem.map(str::to_owned) });
    }

    fn waits(&self) -> bool {
        self.record.open && self.record.state == DeliveryState::Queued
    }

    fn accepted(&mut self, receipts_follow: bool) {
        if !self.waits() {
            return;
        }
        self.record.state = DeliveryState::Sent;
        self.record.problem = None;
        self.record.tries += 1;
        self.record.open = receipts_follow;
        self.record.due = self.patience_ends();
        self.tell(DeliveryState::Sent, true, None);
    }

    /// When the next means has its turn; for the last one, when nothing more is awaited.
    fn patience_ends(&self) -> Timestamp {
        if !self.record.has_next() {
            return self.record.expires.max(self.now);
        }
        self.record.since.plus_micros(i64::from(self.record.patience_s) * 1_000_000).max(self.now)
    }

    fn failed(&mut self, problem: &str, retry_after_s: Option<u32>, chance: u32) {
        if !self.waits() {
            return;
        }
        self.record.tries += 1;
        self.record.problem = Some(problem.to_owned());
        let pause = retry_after_s.map_or_else(|| pause_us(self.record.tries, chance), |s| i64::from(s) * 1_000_000);
        let next = self.now.plus_micros(pause);
        if self.record.has_next() && next >= self.patience_ends() {
            self.next_address(problem);
        } else if next >= self.record.expires {
            self.dead(problem);
        } else {
            self.record.due = next;
        }
    }

    fn refused(&mut self, problem: &str) {
        if !self.waits() {
            return;
        }
        self.record.tries += 1;
        self.next_address(problem);
    }

    /// Gives up the current address.
    fn next_address(&mut self, problem: &str) {
        if !self.record.has_next() {
            self.dead(problem);
            return;
        }
        self.tell(DeliveryState::Failed, true, Some(problem));
        self.record.place += 1;
        self.record.state = DeliveryState::Queued;
        self.record.open = true;
        self.record.tries = 0;
        self.record.since = self.now;
        self.record.due = self.now;
        self.record.problem = Some(problem.to_owned());
    }

    /// Nothing is left to try.
    fn dead(&mut self, problem: &str) {
        self.tell(DeliveryState::Failed, true, Some(problem));
        self.close(DeliveryState::Undeliverable, Some(problem));
    }

    fn close(&mut self, state: DeliveryState, problem: Option<&str>) {
        self.record.state = state;
        self.record.open = false;
        self.record.due = self.now;
        self.record.problem = problem.map(str::to_owned);
        self.tell(state, state == DeliveryState::Delivered, problem);
    }

    /// Whoever has it has it, by whichever means; also after it was given up.
    fn delivered(&mut self, place: usize) {
        if matches!(self.record.state, DeliveryState::Delivered) {
            return;
        }
        self.record.place = place.min(self.record.addresses.len().saturating_sub(1));
        self.close(DeliveryState::Delivered, None);
    }

    fn lost(&mut self, place: usize, problem: &str) {
        // About a means that was given up already, or about something that is settled.
        if place != self.record.place || self.record.state != DeliveryState::Sent {
            return;
        }
        self.next_address(problem);
    }

    fn due(&mut self) {
        if !self.record.open || self.now < self.record.due.min(self.record.expires) {
            return;
        }
        match self.record.state {
            DeliveryState::Queued if self.now >= self.record.expires => {
                if self.record.tries == 0 && self.record.place == 0 {
                    self.close(DeliveryState::Expired, Some("its time was over before it could be sent"));
                } else {
                    let problem = self.record.problem.clone().unwrap_or_else(|| "its time was over".to_owned());
                    self.dead(&problem);
                }
            }
            // It is for the sender.
            DeliveryState::Queued => {}
            DeliveryState::Sent if self.record.has_next() && self.now < self.record.expires => {
                let waited = format!("no receipt within {} s", self.record.patience_s);
                self.next_address(&waited);
            }
            // The last means took it, and its network said nothing.
            DeliveryState::Sent => self.record.open = false,
            DeliveryState::Delivered
            | DeliveryState::Failed
            | DeliveryState::Undeliverable
            | DeliveryState::Expired
            | DeliveryState::Withdrawn => self.record.open = false,
        }
    }

    fn withdrawn(&mut self, reason: &str) {
        match self.record.state {
            DeliveryState::Queued if self.record.open => self.close(DeliveryState::Withdrawn, Some(reason)),
            // What left cannot be called back; only no other means is tried.
            DeliveryState::Sent => self.record.open = false,
            DeliveryState::Queued
            | DeliveryState::Delivered
            | DeliveryState::Failed
            | DeliveryState::Undeliverable
            | DeliveryState::Expired
            | DeliveryState::Withdrawn => {}
        }
    }
}

/// Doubles from five seconds to five minutes, spread by a quarter either way.
fn pause_us(tries: u32, chance: u32) -> i64 {
    let whole = FIRST_PAUSE_US.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(LONGEST_PAUSE_US);
    whole * 3 / 4 + whole / 2 * i64::from(chance.min(1_000_000)) / 1_000_000
}
