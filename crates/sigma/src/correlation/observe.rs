//! From the hits of a batch to observations: the values of the fields that correlations ask for.

use std::sync::Arc;

use arrow_array::RecordBatch;
use kernel::Timestamp;

use super::{Correlations, Observation};
use crate::batch::{Batch, Row};
use crate::engine::{Engine, Hit};
use crate::mapping::Gate;
use crate::naive::{self, Event};

impl Correlations {
    /// The hits of correlated rules among `hits`, which `engine` found in `batch`. `event` gives time and name of the
    /// event in a row.
    pub fn observe(
        &self,
        engine: &Engine,
        batch: &RecordBatch,
        hits: &[Hit],
        event: &dyn Fn(usize) -> (Timestamp, String),
    ) -> Vec<Observation> {
        let wanted = hits.iter().filter(|hit| self.fields(hit.rule).is_some());
        let mut wanted = wanted.peekable();
        if wanted.peek().is_none() {
            return Vec::new();
        }
        let batch = Batch::new(batch);
        let observations = wanted.filter_map(|hit| {
            let fields = self.fields(hit.rule)?;
            let row = hit.row as usize;
            let cells = batch.row(row);
            let gate = open_gate(engine, hit.rule as usize, &cells);
            let value = |field: &String| cell(&cells, gate.map_or(Some(field.as_str()), |gate| gate.column(field))?);
            let (time, name) = event(row);
            let values = fields.iter().map(value).collect();
            Some(Observation { rule: hit.rule, time, event: name.into(), values })
        });
        observations.collect()
    }
}

/// The way by which the event reached the rule, which says what its fields are called.
fn open_gate<'a>(engine: &'a Engine, rule: usize, row: &Row<'_>) -> Option<&'a Gate> {
    let reach = engine.reaches().get(rule)?;
    match reach.gates.as_slice() {
        [only] => Some(&*only.gate),
        gates => {
            let conditions = &engine.rules()[rule].conditions;
            let fits = |gate: &Gate| {
                naive::reasons(&gate.condition, &gate.unmapped(), row).is_some()
                    && conditions.iter().any(|one| naive::reasons(one, gate, row).is_some())
            };
            gates.iter().map(|open| &*open.gate).find(|gate| fits(gate))
        }
    }
}

/// The value of a field; of several values their list, each in quotes.
fn cell(row: &Row<'_>, column: &str) -> Option<Arc<str>> {
    match row.values(column).as_slice() {
        [] => None,
        [one] => Some((*one).into()),
        several => {
            let quoted: Vec<String> = several.iter().map(|one| format!("{one:?}")).collect();
            Some(format!("[{}]", quoted.join(",")).into())
        }
    }
}
