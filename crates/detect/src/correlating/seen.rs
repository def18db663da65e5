//! The events behind sightings, for as long as an alert may name them.

use std::collections::HashMap;

use kernel::{Entity, Timestamp};
use serde::{Deserialize, Serialize};

use super::Sighting;

/// Bytes of records that are kept; beyond that the earliest events keep their entities alone. The lake has the records.
const MOST_RAW_BYTES: usize = 32 << 20;

/// Events by `_ItemId`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    events: HashMap<String, Event>,
    raw_bytes: usize,
    /// Nothing before this is kept.
    from: Option<Timestamp>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    pub time: Timestamp,
    pub entities: Vec<Entity>,
    pub raw: String,
}

impl Seen {
    pub(super) fn take(&mut self, sightings: &[Sighting]) {
        for Sighting { item_id, time, entities, raw, .. } in sightings {
            self.events.entry(item_id.clone()).or_insert_with(|| {
                self.raw_bytes += raw.len();
                Event { time: *time, entities: entities.clone(), raw: raw.clone() }
            });
        }
        if self.raw_bytes > MOST_RAW_BYTES {
            self.drop_records();
        }
    }

    pub(super) fn get(&self, item_id: &str) -> Option<&Event> {
        self.events.get(item_id)
    }

    /// Forgets, now and then, the events before `time`.
    pub(super) fn forget_before(&mut self, time: Timestamp) {
        const PAUSE_US: i64 = 10_000_000;
        if self.from.is_some_and(|from| time < from.plus_micros(PAUSE_US)) {
            return;
        }
        self.from = Some(time);
        self.events.retain(|_, event| event.time >= time);
        self.raw_bytes = self.events.values().map(|event| event.raw.len()).sum();
    }

    /// Drops the records of the earlier half.
    fn drop_records(&mut self) {
        let mut times: Vec<Timestamp> = self.events.values().map(|event| event.time).collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        for event in self.events.values_mut().filter(|event| event.time <= middle) {
            event.raw = String::new();
        }
        self.raw_bytes = self.events.values().map(|event| event.raw.len()).sum();
    }
}
