//! Whether a rule can fire at all, and on what: the ground of "why did it not fire?".

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::LogSource;
use crate::mapping::Gate;
use crate::rule::Rule;

/// The ways by which events reach a rule.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The gates of its log source; none when the log source is not mapped.
    pub gates: Vec<OpenGate>,
    /// Why the rule cannot fire on any event; `None`: it can.
    pub unreachable: Option<String>,
}

/// A gate as one rule uses it.
#[derive(Debug, Clone)]
pub struct OpenGate {
    pub gate: Arc<Gate>,
    /// The fields that the rule tests, and where they are.
    pub fields: Vec<FieldUse>,
    /// Whether the condition can hold with the fields that such events carry.
    pub can_hold: bool,
}

/// Where a field of a rule is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldUse {
    /// As the rule calls it.
    pub field: String,
    /// As the source calls it; `None`: such events never carry it.
    pub column: Option<String>,
}

/// `can_hold` tells for each gate whether the condition is more than a constant falsehood.
pub(crate) fn of(rule: &Rule, gates: Vec<Arc<Gate>>, can_hold: &[bool]) -> Reach {
    let mut names = BTreeSet::new();
    rule.for_each_item(&mut |_, item| names.extend(item.field.as_deref()));
    let gates: Vec<OpenGate> = gates
        .into_iter()
        .zip(can_hold)
        .map(|(gate, can_hold)| {
            let fields = names
                .iter()
                .map(|name| FieldUse { field: (*name).to_owned(), column: gate.column(name).map(str::to_owned) });
            OpenGate { fields: fields.collect(), can_hold: *can_hold, gate: Arc::clone(&gate) }
        })
        .collect();
    let unreachable = match gates.as_slice() {
        [] => Some(no_gate(&rule.logsource)),
        gates if gates.iter().any(|gate| gate.can_hold) => None,
        gates => {
            let missing: BTreeSet<&str> = gates
                .iter()
                .flat_map(|gate| &gate.fields)
                .filter(|one| one.column.is_none())
                .map(|one| &*one.field)
                .collect();
            let missing: Vec<&str> = missing.into_iter().collect();
            Some(format!(
                "its condition can never hold: no known event of {} carries {}",
                rule.logsource,
                missing.join(", ")
            ))
        }
    };
    Reach { gates, unreachable }
}

fn no_gate(logsource: &LogSource) -> String {
    format!("no mapping knows the log source {logsource}; add it to a file of mappings")
}
