//! One evaluation of one batch: scan what the gates need, then only what the open gates need, then the conditions.

use arrow_array::RecordBatch;
use hashbrown::{HashMap, HashSet};

use crate::batch::{Batch, holds_keywords};
use crate::bitmap::{Bitmap, count, numbers};
use crate::column::Column;
use crate::engine::{Engine, GateProgram, Hit, Hits};
use crate::keywords::{Keywords, candidates};
use crate::matcher::{Matcher, Predicate, Scratch};
use crate::naive::related;
use crate::program::{FieldNumber, Link};
use crate::rows::Rows;
use crate::verdicts::{GroupNumber, Verdicts};

/// Puts `batch` to all rules of `engine`.
pub(crate) fn evaluate(engine: &Engine, batch: &RecordBatch) -> Hits {
    let batch = Batch::new(batch);
    if batch.rows == 0 {
        return Hits { hits: Vec::new(), unreadable: batch.unreadable };
    }
    let everything = Rows::all(batch.rows);
    let verdicts = Verdicts::new(engine.predicates, batch.rows);
    let mut run =
        Run { engine, batch: &batch, verdicts, scratch: Scratch::default(), found: Vec::new(), lowered: Vec::new() };
    for field in &engine.gate_fields {
        run.scan_field(*field, &everything);
    }
    run.verdicts.settle();
    let gates = engine.gates.iter();
    let open = gates.filter_map(|gate| Some((gate, run.verdicts.rows(&gate.node, &everything)?)));
    let open: Vec<(&GateProgram, Rows)> = open.collect();
    run.scan_behind(&open);
    run.verdicts.settle();
    let mut hits = Vec::new();
    for (gate, within) in &open {
        for (rule, node) in &gate.rules {
            if let Some(rows) = run.verdicts.rows(node, within) {
                rows.for_each(|row| hits.push(Hit { row, rule: *rule }));
            }
        }
    }
    hits.sort_unstable();
    hits.dedup();
    Hits { hits, unreadable: batch.unreadable }
}

/// The keywords of an open gate, and the rows behind it.
struct Sought<'a> {
    keywords: &'a Keywords,
    rows: &'a Rows,
    count: usize,
}

struct Run<'a> {
    engine: &'a Engine,
    batch: &'a Batch<'a>,
    verdicts: Verdicts,
    scratch: Scratch,
    /// Predicates of the text that is being scanned.
    found: Vec<Predicate>,
    /// The texts that are being sieved, in lower case.
    lowered: Vec<u8>,
}

/// For each distinct text of a column the group of the rows that have it, found when the text first comes up.
struct Memo(Vec<GroupNumber>);

const NOT_SCANNED: GroupNumber = GroupNumber::MAX;
/// The text passes no test.
const NO_GROUP: GroupNumber = GroupNumber::MAX - 1;

impl Memo {
    fn new(column: &Column<'_>) -> Memo {
        Memo(vec![NOT_SCANNED; column.distinct()])
    }

    /// Texts that are not among `candidates` pass no test.
    fn leave_out_all_but(&mut self, candidates: &Bitmap) {
        self.0.fill(NO_GROUP);
        numbers(candidates.iter().copied()).for_each(|code| self.0[code] = NOT_SCANNED);
    }
}

impl Run<'_> {
    /// Scans each field in the rows where a rule that tests it may fire.
    fn scan_behind(&mut self, open: &[(&GateProgram, Rows)]) {
        let engine = self.engine;
        let words = self.batch.rows.div_ceil(64);
        let mut wanted: HashMap<FieldNumber, Rows> = HashMap::new();
        for (gate, within) in open {
            for field in &gate.fields {
                wanted.entry(*field).or_insert_with(Rows::none).unite(within, words);
            }
        }
        for (field, rows) in &wanted {
            if !engine.gate_fields.contains(field) {
                self.scan_field(*field, rows);
            }
        }
        for (link, predicate) in &engine.links {
            if let Some(rows) = wanted.get(&link.left) {
                self.scan_link(link, *predicate, rows);
            }
        }
        let keywords: Vec<Sought<'_>> = open
            .iter()
            .filter_map(|(gate, rows)| Some(Sought { keywords: gate.keywords.as_ref()?, rows, count: rows.len() }))
            .collect();
        if !keywords.is_empty() {
            let batch = self.batch;
            let columns = batch.columns.iter().filter(|(name, _)| holds_keywords(name));
            columns.for_each(|(_, column)| self.scan_keywords(&keywords, column));
        }
    }

    /// Looks into one column for the keywords of all open gates.
    fn scan_keywords(&mut self, gates: &[Sought<'_>], column: &Column<'_>) {
        // For few rows their texts are scanned sooner than all texts are sieved.
        let many = |gate: &Sought<'_>| gate.count >= column.distinct() / 8;
        let (sieved, scanned): (Vec<_>, Vec<_>) =
            gates.iter().partition(|gate| gate.keywords.has_sieve() && many(gate));
        let keywords: Vec<&Keywords> = sieved.iter().map(|gate| gate.keywords).collect();
        let candidates = candidates(&keywords, column, &mut self.lowered);
        for (number, gate) in sieved.into_iter().chain(scanned).enumerate() {
            let mut memo = Memo::new(column);
            if let Some(candidates) = candidates.as_ref().and_then(|candidates| candidates.get(number)) {
                if count(candidates) == 0 {
                    continue;
                }
                memo.leave_out_all_but(candidates);
            }
            self.scan_column(column, &gate.keywords.matcher, gate.rows, memo);
        }
    }

    fn scan_field(&mut self, field: FieldNumber, rows: &Rows) {
        let field = &self.engine.fields[field as usize];
        let batch = self.batch;
        let Some(column) = batch.column(&field.name) else { return };
        if let Some(present) = field.present {
            self.verdicts.put(present, column.with_value(rows));
        }
        self.scan_column(column, &field.matcher, rows, Memo::new(column));
    }

    fn scan_column(&mut self, column: &Column<'_>, matcher: &Matcher, rows: &Rows, mut memo: Memo) {
        if matcher.is_empty() {
            return;
        }
        column.for_each_code(rows, |row, code| {
            let group = &mut memo.0[code as usize];
            if *group == NOT_SCANNED {
                *group = self.scan_text(column.text(code), matcher);
            }
            if *group != NO_GROUP {
                self.verdicts.add(*group, row);
            }
        });
    }

    fn scan_text(&mut self, text: &str, matcher: &Matcher) -> GroupNumber {
        self.found.clear();
        matcher.scan(text, &mut self.scratch, &mut self.found);
        if self.found.is_empty() { NO_GROUP } else { self.verdicts.group(&self.found) }
    }

    /// Compares two fields row by row; each pair of texts once.
    fn scan_link(&mut self, link: &Link, predicate: Predicate, rows: &Rows) {
        let names = [link.left, link.right].map(|field| self.engine.fields[field as usize].name.as_str());
        let batch = self.batch;
        let [Some(left), Some(right)] = names.map(|name| batch.column(name)) else { return };
        let mut different: HashSet<(u32, u32)> = HashSet::new();
        let mut held = Vec::new();
        rows.for_each(|row| {
            let at = row as usize;
            let mut pairs = left.codes(at).flat_map(|one| right.codes(at).map(move |two| (one, two)));
            if pairs.any(|(one, two)| {
                let known = different.contains(&(one, two));
                let holds = !known && related(left.text(one), right.text(two), link.by, link.cased);
                if !holds {
                    different.insert((one, two));
                }
                holds
            }) {
                held.push(row);
            }
        });
        self.verdicts.put_list(predicate, held);
    }
}
