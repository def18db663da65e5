//! Where each Sigma log source is found in the events of Vigie: gates and field names, as data.
//!
//! A mapping file lists log sources. Each has gates, any of which lets an event through; a gate may rename fields and
//! say which Sigma fields its events never carry.
//!
//! ```yaml
//! - logsource: { product: windows, category: process_creation }
//!   gates:
//!     - name: Sysmon 1
//!       when: { Channel: Microsoft-Windows-Sysmon/Operational, EventID: 1 }
//!     - name: Security 4688
//!       when: { Channel: Security, EventID: 4688 }
//!       fields: { Image: NewProcessName }
//!       absent: [Hashes]
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::LogSource;
use crate::detection::{Condition, Detection, Named};
use crate::lower;

/// Every log source that is known.
#[derive(Debug, Clone, Default)]
pub struct Mappings {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    logsource: LogSource,
    gates: Vec<Arc<Gate>>,
}

/// One way in which events of a log source arrive.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Short, for people: `Sysmon 1`.
    pub name: String,
    pub logsource: LogSource,
    /// What an event must be to pass.
    pub condition: Condition,
    /// Sigma field to source field, where the names differ.
    pub fields: BTreeMap<String, String>,
    /// Sigma fields that such events never carry.
    pub absent: BTreeSet<String>,
}

/// A mapping file cannot be used; its author is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct BadMapping {
    pub file: String,
    /// With the place.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFile {
    logsource: LogSource,
    gates: Vec<GateFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateFile {
    name: String,
    when: yaml_serde::Mapping,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    absent: BTreeSet<String>,
}

/// The files that Vigie ships.
const SHIPPED: [(&str, &str); 4] = [
    ("windows.yml", include_str!("../../../content/mappings/windows.yml")),
    ("unix.yml", include_str!("../../../content/mappings/unix.yml")),
    ("network.yml", include_str!("../../../content/mappings/network.yml")),
    ("cloud.yml", include_str!("../../../content/mappings/cloud.yml")),
];

impl Mappings {
    /// Those that Vigie ships.
    pub fn shipped() -> Mappings {
        let mut mappings = Mappings::default();
        for (name, text) in SHIPPED {
            mappings.add(name, text).expect("the shipped mappings are checked by a test");
        }
        mappings
    }

    /// Adds one file. A log source that is already known is replaced.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), BadMapping> {
        let bad = |reason: String| BadMapping { file: name.to_owned(), reason };
        let files: Vec<EntryFile> = yaml_serde::from_str(text).map_err(|error| bad(error.to_string()))?;
        for file in files {
            let entry = Entry::new(file).map_err(bad)?;
            match self.entries.iter_mut().find(|known| known.logsource == entry.logsource) {
                Some(known) => *known = entry,
                None => self.entries.push(entry),
            }
        }
        Ok(())
    }

    /// Adds every `.yml` and `.yaml` file of a folder, in the order of their names.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), BadMapping> {
        let bad = |reason: String| BadMapping { file: folder.display().to_string(), reason };
        for file in walkdir::WalkDir::new(folder).sort_by_file_name() {
            let file = file.map_err(|error| bad(error.to_string()))?;
            if file.path().extension().is_none_or(|end| end != "yml" && end != "yaml") {
                continue;
            }
            let name = file.path().display().to_string();
            let text = std::fs::read_to_string(file.path())
                .map_err(|error| BadMapping { file: name.clone(), reason: error.to_string() })?;
            self.add(&name, &text)?;
        }
        Ok(())
    }

    /// The gates of `wanted`, any of which an event must pass.
    ///
    /// The log source itself if it is known; otherwise all that are more specific; otherwise, when category and
    /// service are both given, what passes for both. Empty: the log source is not known.
    pub fn gates(&self, wanted: &LogSource) -> Vec<Arc<Gate>> {
        if let Some(entry) = self.entries.iter().find(|entry| entry.logsource == *wanted) {
            return entry.gates.clone();
        }
        let within = |entry: &&Entry| {
            let pairs = wanted.attributes().into_iter().zip(entry.logsource.attributes());
            pairs.into_iter().all(|(wanted, given)| wanted.is_none() || wanted == given)
        };
        let gates: Vec<_> = self.entries.iter().filter(within).flat_map(|entry| entry.gates.clone()).collect();
        if !gates.is_empty() {
            return gates;
        }
        match (&wanted.category, &wanted.service) {
            (Some(_), Some(_)) => {
                let by_category = self.gates(&LogSource { service: None, ..wanted.clone() });
                let by_service = self.gates(&LogSource { category: None, ..wanted.clone() });
                let both = by_category.iter().flat_map(|first| by_service.iter().map(|second| both(first, second)));
                both.collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every log source that is known.
    pub fn logsources(&self) -> impl Iterator<Item = &LogSource> {
        self.entries.iter().map(|entry| &entry.logsource)
    }
}

/// A gate that lets pass what both do; where they rename a field differently, the first wins.
fn both(first: &Gate, second: &Gate) -> Arc<Gate> {
    let mut fields = second.fields.clone();
    fields.extend(first.fields.clone());
    Arc::new(Gate {
        name: format!("{} and {}", first.name, second.name),
        logsource: first.logsource.clone(),
        condition: Condition::And(vec![first.condition.clone(), second.condition.clone()]),
        fields,
        absent: first.absent.union(&second.absent).cloned().collect(),
    })
}

impl Entry {
    fn new(file: EntryFile) -> Result<Entry, String> {
        let logsource = file.logsource;
        if file.gates.is_empty() {
            return Err(format!("{logsource} has no gate; leave the entry out"));
        }
        let gates = file.gates.into_iter().map(|gate| {
            let name = gate.name;
            let refused = |reason: String| format!("{logsource}, gate `{name}`: {reason}");
            if gate.when.is_empty() {
                return Err(refused("`when` is empty; it would let every event through".to_owned()));
            }
            let detection: Detection = lower::mapping(&gate.when).map_err(|refusal| refused(refusal.reason))?;
            let named = Named { name: name.clone(), detection };
            Ok(Arc::new(Gate {
                condition: Condition::Detection(Arc::new(named)),
                name,
                logsource: logsource.clone(),
                fields: gate.fields,
                absent: gate.absent,
            }))
        });
        let gates = gates.collect::<Result<_, String>>()?;
        Ok(Entry { logsource, gates })
    }
}

impl Gate {
    /// The source field that holds the Sigma field `name` in such events; `None`: they never carry it.
    pub fn column<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.absent.contains(name) {
            return None;
        }
        Some(self.fields.get(name).map_or(name, String::as_str))
    }
}
