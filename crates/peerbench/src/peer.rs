//! rsigma-eval, one event at a time, as its users call it.

use std::sync::Arc;

use anyhow::{Context, Result};
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::{LogSource, SigmaCollection, parse_sigma_yaml};
use serde_json::Value;
use sigma::Rule;

/// An engine with the same rules, in one collection: it builds its indexes anew for each that is added.
pub fn engine(rules: &[Arc<Rule>]) -> Result<Engine> {
    let mut collection = SigmaCollection::new();
    for rule in rules {
        collection.rules.extend(parse_sigma_yaml(&rule.text).context("a rule that we have loaded")?.rules);
    }
    let mut engine = Engine::new();
    engine.add_collection(&collection)?;
    Ok(engine)
}

/// An event as the peer reads it, and the log source that routes it to the rules it concerns.
pub struct Event {
    json: Value,
    source: LogSource,
}

impl Event {
    /// Reads a line.
    pub fn read(line: &str) -> Result<Event> {
        let json: Value = serde_json::from_str(line).context("a line of events is JSON")?;
        let source = source(&json);
        Ok(Event { json, source })
    }
}

/// How many matches there are over `events`, every rule put to every event.
pub fn matches(engine: &Engine, events: &[Event]) -> usize {
    events.iter().map(|event| engine.evaluate(&JsonEvent::borrow(&event.json)).len()).sum()
}

/// The same, where only rules are asked whose log source does not contradict that of the event.
pub fn matches_routed(engine: &Engine, events: &[Event]) -> usize {
    let matched = |event: &Event| engine.evaluate_pruned(&JsonEvent::borrow(&event.json), &event.source).len();
    events.iter().map(matched).sum()
}

/// Categories of Sysmon's event ids, in their order from 1.
const SYSMON: [&str; 26] = [
    "process_creation",
    "file_change",
    "network_connection",
    "sysmon_status",
    "process_termination",
    "driver_load",
    "image_load",
    "create_remote_thread",
    "raw_access_thread",
    "process_access",
    "file_event",
    "registry_add",
    "registry_set",
    "registry_rename",
    "create_stream_hash",
    "sysmon_status",
    "pipe_created",
    "pipe_created",
    "wmi_event",
    "wmi_event",
    "wmi_event",
    "dns_query",
    "file_delete",
    "clipboard_change",
    "process_tampering",
    "file_delete",
];

/// Sysmon tells the category, any other channel the service.
fn source(json: &Value) -> LogSource {
    let channel = json["Channel"].as_str().unwrap_or("");
    let id = json["EventID"].as_u64().and_then(|id| usize::try_from(id).ok()).unwrap_or(0);
    let sysmon = channel.contains("Sysmon").then(|| id.checked_sub(1).and_then(|at| SYSMON.get(at))).flatten();
    let powershell = channel.contains("PowerShell/Operational");
    let category = match (sysmon, channel, id) {
        (Some(category), ..) => Some(*category),
        (None, "Security", 4688) => Some("process_creation"),
        (None, _, 4104) if powershell => Some("ps_script"),
        (None, _, 4103) if powershell => Some("ps_module"),
        _ => None,
    };
    let service = match channel {
        _ if category.is_some() => None,
        "Security" => Some("security"),
        "System" => Some("system"),
        "Application" => Some("application"),
        _ if powershell => Some("powershell"),
        "Windows PowerShell" => Some("powershell-classic"),
        _ => Some("other"),
    };
    LogSource {
        product: Some("windows".to_owned()),
        category: category.map(str::to_owned),
        service: service.map(str::to_owned),
        ..LogSource::default()
    }
}
