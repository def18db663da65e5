//! The room: a handle to the state database and to what is known of the channels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::Timestamp;
use kernel::message::Means;
use parking_lot::Mutex;
use store::Store;
use tokio::sync::Notify;

use crate::arrival::Reading;
use crate::channel::{Channel, ChannelState};
use crate::fact_tables::FACT_TABLES;

/// The room. Cloning is cheap.
#[derive(Clone)]
pub struct Courier {
    pub(crate) store: Store,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    channels: Mutex<Vec<Arc<dyn Channel>>>,
    states: Mutex<BTreeMap<String, ChannelState>>,
    /// Who may speak on a channel that asks nobody for a login; a channel that is not there lets everybody speak.
    allowed: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// Wakes senders and the keeper.
    pub(crate) wake: Notify,
}

impl Courier {
    /// The room on a state database. Makes its tables known to KQL.
    pub fn new(store: Store) -> Courier {
        store.register_fact_tables(FACT_TABLES);
        let shared = Shared {
            channels: Mutex::default(),
            states: Mutex::default(),
            allowed: Mutex::default(),
            wake: Notify::new(),
        };
        Courier { store, shared: Arc::new(shared) }
    }

    /// From now on only these senders and devices are believed on a channel; `None`: whoever speaks.
    pub fn allow(&self, channel: &str, senders: Option<BTreeSet<String>>) {
        let mut allowed = self.shared.allowed.lock();
        match senders {
            Some(senders) => drop(allowed.insert(channel.to_owned(), senders)),
            None => drop(allowed.remove(channel)),
        }
    }

    /// What of a delivery is of somebody who may speak on the channel. The rest is told as a finding beside the bytes.
    pub(crate) fn only_allowed(&self, channel: &str, mut reading: Reading) -> Reading {
        let allowed = self.shared.allowed.lock();
        let Some(senders) = allowed.get(channel) else { return reading };
        let mut strangers = BTreeSet::new();
        reading.items.retain(|item| {
            let known = item.sender().is_none_or(|sender| senders.contains(sender));
            if let (false, Some(sender)) = (known, item.sender()) {
                strangers.insert(sender.to_owned());
            }
            known
        });
        for stranger in strangers {
            reading.note(format!(
                "{stranger} may not speak on channel {channel}: put it on the channel's list, or find out who it is"
            ));
        }
        reading
    }

    /// Connects a way out. A means has one channel; a later one takes its place.
    pub fn connect(&self, channel: Arc<dyn Channel>) {
        let mut channels = self.shared.channels.lock();
        channels.retain(|known| known.means() != channel.means());
        channels.push(channel);
    }

    /// The way out by a means.
    pub(crate) fn channel(&self, means: Means) -> Option<Arc<dyn Channel>> {
        self.shared.channels.lock().iter().find(|channel| channel.means() == means).cloned()
    }

    /// Every way out.
    pub fn channels(&self) -> Vec<Arc<dyn Channel>> {
        self.shared.channels.lock().clone()
    }

    /// House time.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// There is something to do.
    pub(crate) fn wake(&self) {
        self.shared.wake.notify_waiters();
    }

    /// How each channel fares, by name.
    pub fn channel_states(&self) -> Vec<ChannelState> {
        self.shared.states.lock().values().cloned().collect()
    }

    /// Makes a channel known before anything happens on it.
    pub fn expect_channel(&self, name: &str, kind: &str) {
        self.note(name, |state| kind.clone_into(&mut state.kind));
    }

    /// A channel is connected, or is not and why.
    pub fn note_connection(&self, name: &str, outcome: Result<(), String>) {
        let now = self.now();
        self.note(name, |state| {
            let (connected, problem) = (outcome.is_ok(), outcome.err());
            if state.connected != connected {
                state.since = now;
            }
            state.connected = connected;
            state.problem = problem;
        });
    }

    /// Something was dropped before it was kept.
    pub fn note_dropped(&self, name: &str) {
        self.note(name, |state| state.dropped += 1);
    }

    pub(crate) fn note(&self, name: &str, change: impl FnOnce(&mut ChannelState)) {
        let now = self.now();
        let mut states = self.shared.states.lock();
        let state = states.entry(name.to_owned()).or_insert_with(|| ChannelState {
            name: name.to_owned(),
            kind: String::new(),
            connected: false,
            since: now,
            problem: None,
            received: 0,
            duplicates: 0,
            sent: 0,
            failed: 0,
            faulty: 0,
            dropped: 0,
            last_received: None,
        });
        change(state);
    }
}
