//! All rules, compiled; and what they say of a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use hashbrown::HashMap;
use serde::Serialize;

use crate::batch::Batch;
use crate::error::Error;
use crate::keywords::Keywords;
use crate::mapping::{Gate, Mappings};
use crate::matcher::Predicate;
use crate::naive::{self, Reason};
use crate::program::{self, Builder, Field, FieldNumber, Link, Node, Owner};
use crate::reach::{self, Reach};
use crate::rule::Rule;
use crate::run;

/// Rules compiled with mappings. Immutable: a change of rules compiles a new one, which is put in the place of the old
/// behind an [`Arc`].
pub struct Engine {
    rules: Vec<Arc<Rule>>,
    reaches: Vec<Reach>,
    pub(crate) gates: Vec<GateProgram>,
    pub(crate) fields: Vec<Field>,
    pub(crate) links: Vec<(Link, Predicate)>,
    /// Fields that gates test; they are scanned for every row.
    pub(crate) gate_fields: BTreeSet<FieldNumber>,
    pub(crate) predicates: usize,
}

/// One gate with the rules behind it.
pub(crate) struct GateProgram {
    pub node: Node,
    /// Fields that the rules behind it test.
    pub fields: BTreeSet<FieldNumber>,
    /// The keywords that they look for.
    pub keywords: Option<Keywords>,
    pub rules: Vec<(u32, Node)>,
}

/// A rule fired on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hit {
    pub row: u32,
    /// Index into [`Engine::rules`].
    pub rule: u32,
}

/// What the rules said of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// By row, then by rule; each pair once.
    pub hits: Vec<Hit>,
    /// Columns whose type has no text (nested or binary), so that no rule could look into them.
    pub unreadable: Vec<String>,
}

/// What an engine is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    pub rules: usize,
    pub fields: usize,
    /// Distinct tests over all rules.
    pub predicates: usize,
    /// Bytes held by automata and tables, regular expressions not counted.
    pub matcher_bytes: usize,
}

/// A gate while rules are being put behind it.
struct OpenGate {
    node: Node,
    rules: Vec<(u32, Node)>,
}

impl Engine {
    /// Compiles `rules` with `mappings`. A rule whose log source is not mapped is kept and cannot fire;
    /// [`Engine::reach`] says why.
    pub fn compile(rules: Vec<Arc<Rule>>, mappings: &Mappings) -> Engine {
        let mut builder = Builder::default();
        let mut open: Vec<OpenGate> = Vec::new();
        let mut places: HashMap<*const Gate, usize> = HashMap::new();
        // Keeps made-up gates alive, so that no two have the same address.
        let mut reaches: Vec<Reach> = Vec::with_capacity(rules.len());
        for (number, rule) in (0..).zip(&rules) {
            let gates = mappings.gates(&rule.logsource);
            let mut can_hold = Vec::with_capacity(gates.len());
            for gate in &gates {
                let parts = rule.conditions.iter().map(|condition| builder.condition(condition, gate));
                let node = program::or(parts.collect());
                can_hold.push(node != Node::False);
                if node == Node::False {
                    continue;
                }
                let place = *places.entry(Arc::as_ptr(gate)).or_insert_with(|| {
                    let node = builder.condition(&gate.condition, &gate.unmapped());
                    open.push(OpenGate { node, rules: Vec::new() });
                    open.len() - 1
                });
                open[place].rules.push((number, node));
            }
            reaches.push(reach::of(rule, gates, &can_hold));
        }
        let parts = builder.finish();
        let mut gate_fields = BTreeSet::new();
        for gate in &open {
            gate_fields.extend(Needs::of([&gate.node], &parts.owners).fields);
        }
        let gates = open.into_iter().map(|gate| {
            let needs = Needs::of(gate.rules.iter().map(|(_, node)| node), &parts.owners);
            let wanted = parts.keywords.iter().filter(|(_, predicate)| needs.keywords.contains(predicate));
            let keywords = Keywords::build(wanted.map(|(test, predicate)| (test, *predicate)));
            let keywords = (!needs.keywords.is_empty()).then_some(keywords);
            GateProgram { node: gate.node, fields: needs.fields, keywords, rules: gate.rules }
        });
        Engine {
            rules,
            reaches,
            gates: gates.collect(),
            fields: parts.fields,
            links: parts.links,
            gate_fields,
            predicates: parts.owners.len(),
        }
    }

    /// The rules, in the order of their numbers.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// For each rule, in the order of [`Engine::rules`], its gates and fields and whether it can fire at all.
    pub fn reaches(&self) -> &[Reach] {
        &self.reaches
    }

    /// The columns that decide which rules fire, those that name the log source included; `None`: any column may,
    /// because some rules look for keywords.
    pub fn columns(&self) -> Option<BTreeSet<&str>> {
        let by_keywords = self.gates.iter().any(|gate| gate.keywords.is_some());
        (!by_keywords).then(|| self.fields.iter().map(|field| field.name.as_str()).collect())
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        let matchers: usize = self.fields.iter().map(|field| field.matcher.memory_bytes()).sum();
        let keywords = self.gates.iter().filter_map(|gate| gate.keywords.as_ref());
        let keywords: usize = keywords.map(|keywords| keywords.matcher.memory_bytes()).sum();
        Size {
            rules: self.rules.len(),
            fields: self.fields.len(),
            predicates: self.predicates,
            matcher_bytes: matchers + keywords,
        }
    }

    /// Which rules fire on which rows. Columns are source fields; the reserved `@product`, `@category` and `@service`
    /// name the log source where it is known.
    pub fn evaluate(&self, batch: &RecordBatch) -> Hits {
        run::evaluate(self, batch)
    }

    /// Why rule number `rule` fires on `row`: the predicates that held, each with its field and value. `None`: it does
    /// not fire.
    pub fn explain(&self, rule: usize, batch: &RecordBatch, row: usize) -> Result<Option<Vec<Reason>>, Error> {
        let rules = self.rules.len();
        let (Some(found), Some(reach)) = (self.rules.get(rule), self.reaches.get(rule)) else {
            return Err(Error::NoSuchRule { rule, rules });
        };
        let rows = batch.num_rows();
        if row >= rows {
            return Err(Error::NoSuchRow { row, rows });
        }
        // One row of the batch is read sooner than all.
        let batch = batch.slice(row, 1);
        let batch = Batch::new(&batch);
        let event = batch.row(0);
        let gates = reach.gates.iter().map(|open| &open.gate);
        Ok(gates
            .filter(|gate| naive::reasons(&gate.condition, &gate.unmapped(), &event).is_some())
            .find_map(|gate| found.conditions.iter().find_map(|one| naive::reasons(one, gate, &event))))
    }
}

/// What must be scanned before expressions can be read.
#[derive(Default)]
struct Needs {
    fields: BTreeSet<FieldNumber>,
    /// Those that look for keywords.
    keywords: BTreeSet<Predicate>,
}

impl Needs {
    fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>, owners: &[Owner]) -> Needs {
        let mut needs = Needs::default();
        for node in nodes {
            node.for_each(&mut |predicate| match owners[predicate as usize] {
                Owner::Field(field) => drop(needs.fields.insert(field)),
                Owner::Fields(left, right) => needs.fields.extend([left, right]),
                Owner::Keywords => drop(needs.keywords.insert(predicate)),
            });
        }
        needs
    }
}

impl Gate {
    /// The gate as it tests itself: by source fields, not by those of the rules behind it.
    pub(crate) fn unmapped(&self) -> Gate {
        Gate { fields: BTreeMap::new(), absent: BTreeSet::new(), ..self.clone() }
    }
}
