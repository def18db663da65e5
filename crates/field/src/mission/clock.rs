//! House time was set back: no mission may be left with a contact that is due in a future that will not be.

use kernel::{Actor, Timestamp};

use super::commands::{interval, write_record};
use super::decide::Acted;
use super::records;
use super::sheet::Mission;
use crate::error::Error;
use crate::log::NewEntry;
use crate::room::Field;
use crate::speech::say;

impl Field {
    /// After somebody set house time to the machine's clock: whoever is on the road owes a contact within their interval
    /// from now, or sooner.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; nothing is written then.
    pub async fn hold_to_the_clock(&self, actor: &Actor, reason: &str) -> Result<(), Error> {
        let mut turn = self.turn(actor, reason).await?;
        let mut held = Vec::new();
        for before in records::open_in(&mut turn.tx).await? {
            let interval_us = interval(&turn.directory, &before.area, before.origin.as_ref());
            let Some(mission) = held_to(&before, turn.now(), interval_us).filter(|_| before.is_ours()) else {
                continue;
            };
            if let Some(due) = mission.due {
                let due = crate::line::both(due, turn.now(), turn.directory.zone());
                held.push(say!("{label}: next contact by {due}", label = mission.label(), due));
            }
            let acted = Acted { mission, notes: Vec::new(), contact: false };
            write_record(&mut turn, Some(&before), &acted, "hold-to-clock").await?;
        }
        let entry = NewEntry { outcome: held, ..NewEntry::words("note", say!("the clock was set: {reason}", reason)) };
        turn.log(entry).await?;
        turn.finish().await.map(drop)
    }
}

/// A mission whose contacts lie in the future, as if the last had been now. `None`: it is well as it is.
fn held_to(before: &Mission, now: Timestamp, interval_us: i64) -> Option<Mission> {
    let latest = now.plus_micros(interval_us);
    let mut mission = before.clone();
    let hold = |due: &mut Option<Timestamp>, last: &mut Option<Timestamp>| {
        *due = due.map(|due| due.min(latest));
        *last = last.map(|last| last.min(now));
    };
    hold(&mut mission.due, &mut mission.last_contact);
    for vehicle in &mut mission.convoy {
        hold(&mut vehicle.due, &mut vehicle.last_contact);
    }
    if mission == *before {
        return None;
    }
    mission.updated = now;
    mission.version += 1;
    Some(mission)
}
