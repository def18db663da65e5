//! One evaluation of one batch: scan what the gates need, then only what the open gates need, then the conditions.

use arrow_array::RecordBatch;
use hashbrown::{HashMap, HashSet};

use crate::batch::{Batch, holds_keywords};
use crate::bitmap::{Bitmap, Verdicts, count, full, set_rows};
use crate::column::Column;
use crate::engine::{Engine, Hit, Hits};
use crate::keywords::{Keywords, candidates};
use crate::matcher::{Matcher, Predicate, Scratch};
use crate::naive::related;
use crate::program::{FieldNumber, Link};

/// Puts `batch` to all rules of `engine`.
pub(crate) fn evaluate(engine: &Engine, batch: &RecordBatch) -> Hits {
    let batch = Batch::new(batch);
    if batch.rows == 0 {
        return Hits { hits: Vec::new(), unreadable: batch.unreadable };
    }
    let everything = full(batch.rows);
    let verdicts = Verdicts::new(engine.predicates, batch.rows);
    let mut run =
        Run { engine, batch: &batch, verdicts, scratch: Scratch::default(), found: Vec::new(), lowered: Vec::new() };
    for field in &engine.gate_fields {
        run.scan_field(*field, &everything);
    }
    let open: Vec<Option<Bitmap>> =
        engine.gates.iter().map(|gate| run.verdicts.rows(&gate.node, &everything)).collect();
    run.scan_behind(&open);
    let mut hits = Vec::new();
    for (gate, within) in engine.gates.iter().zip(&open) {
        let Some(within) = within else { continue };
        for (rule, node) in &gate.rules {
            let Some(rows) = run.verdicts.rows(node, within) else { continue };
            hits.extend(set_rows(&rows).map(|row| Hit { row: row_number(row), rule: *rule }));
        }
    }
    hits.sort_unstable();
    hits.dedup();
    Hits { hits, unreadable: batch.unreadable }
}

fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("a batch has fewer than 2^32 rows")
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

/// The verdict words of each distinct text of a column, found when the text first comes up.
struct Memo {
    /// For each text its part of `starts`; [`NOT_SCANNED`] until then.
    parts: Vec<(u32, u32)>,
    starts: Vec<u32>,
}

const NOT_SCANNED: (u32, u32) = (u32::MAX, u32::MAX);

impl Memo {
    fn new(column: &Column<'_>) -> Memo {
        Memo { parts: vec![NOT_SCANNED; column.distinct()], starts: Vec::new() }
    }

    /// Texts that are not among `candidates` pass no test.
    fn leave_out_all_but(&mut self, candidates: &[u64]) {
        self.parts.fill((0, 0));
        set_rows(candidates).for_each(|code| self.parts[code] = NOT_SCANNED);
    }
}

impl Run<'_> {
    /// Scans each field in the rows where a rule that tests it may fire.
    fn scan_behind(&mut self, open: &[Option<Bitmap>]) {
        let engine = self.engine;
        let mut wanted: HashMap<FieldNumber, Bitmap> = HashMap::new();
        for (gate, within) in engine.gates.iter().zip(open) {
            let Some(within) = within else { continue };
            for field in &gate.fields {
                wanted.entry(*field).and_modify(|rows| unite(rows, within)).or_insert_with(|| within.clone());
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
        let gates = engine.gates.iter().zip(open);
        let keywords: Vec<(&Keywords, &Bitmap)> =
            gates.filter_map(|(gate, within)| gate.keywords.as_ref().zip(within.as_ref())).collect();
        if !keywords.is_empty() {
            let batch = self.batch;
            let columns = batch.columns.iter().filter(|(name, _)| holds_keywords(name));
            columns.for_each(|(_, column)| self.scan_keywords(&keywords, column));
        }
    }

    /// Looks into one column for the keywords of all open gates.
    fn scan_keywords(&mut self, gates: &[(&Keywords, &Bitmap)], column: &Column<'_>) {
        // For few rows their texts are scanned sooner than all texts are sieved.
        let many = |rows: &Bitmap| count(rows) >= column.distinct() / 8;
        let (sieved, scanned): (Vec<_>, Vec<_>) =
            gates.iter().partition(|(keywords, rows)| keywords.has_sieve() && many(rows));
        let keywords: Vec<&Keywords> = sieved.iter().map(|(keywords, _)| *keywords).collect();
        let candidates = candidates(&keywords, column, &mut self.lowered);
        for (number, (keywords, rows)) in sieved.into_iter().chain(scanned).enumerate() {
            let mut memo = Memo::new(column);
            if let Some(candidates) = candidates.as_ref().and_then(|candidates| candidates.get(number)) {
                if count(candidates) == 0 {
                    continue;
                }
                memo.leave_out_all_but(candidates);
            }
            self.scan_column(column, &keywords.matcher, None, rows, memo);
        }
    }

    fn scan_field(&mut self, field: FieldNumber, rows: &[u64]) {
        let field = &self.engine.fields[field as usize];
        let batch = self.batch;
        if let Some(column) = batch.column(&field.name) {
            self.scan_column(column, &field.matcher, field.present, rows, Memo::new(column));
        }
    }

    fn scan_column(
        &mut self,
        column: &Column<'_>,
        matcher: &Matcher,
        present: Option<Predicate>,
        rows: &[u64],
        mut memo: Memo,
    ) {
        if matcher.is_empty() && present.is_none() {
            return;
        }
        column.for_each_code(rows, |row, code| {
            if memo.parts[code as usize] == NOT_SCANNED {
                self.scan_text(column.text(code), code, matcher, present, &mut memo);
            }
            let (from, to) = memo.parts[code as usize];
            for start in &memo.starts[from as usize..to as usize] {
                self.verdicts.set(*start, row);
            }
        });
    }

    fn scan_text(&mut self, text: &str, code: u32, matcher: &Matcher, present: Option<Predicate>, memo: &mut Memo) {
        self.found.clear();
        self.found.extend(present);
        matcher.scan(text, &mut self.scratch, &mut self.found);
        let from = memo.starts.len();
        memo.starts.extend(self.found.iter().map(|predicate| self.verdicts.start(*predicate)));
        let place = |at: usize| u32::try_from(at).expect("a batch has fewer than 2^32 matches");
        memo.parts[code as usize] = (place(from), place(memo.starts.len()));
    }

    /// Compares two fields row by row; each pair of texts once.
    fn scan_link(&mut self, link: &Link, predicate: Predicate, rows: &[u64]) {
        let names = [link.left, link.right].map(|field| self.engine.fields[field as usize].name.as_str());
        let batch = self.batch;
        let [Some(left), Some(right)] = names.map(|name| batch.column(name)) else { return };
        let mut different: HashSet<(u32, u32)> = HashSet::new();
        for row in set_rows(rows) {
            let mut pairs = left.codes(row).flat_map(|one| right.codes(row).map(move |two| (one, two)));
            let held = pairs.any(|(one, two)| {
                let known = different.contains(&(one, two));
                let holds = !known && related(left.text(one), right.text(two), link.by, link.cased);
                if !holds {
                    different.insert((one, two));
                }
                holds
            });
            if held {
                let start = self.verdicts.start(predicate);
                self.verdicts.set(start, row);
            }
        }
    }
}

fn unite(rows: &mut Bitmap, with: &[u64]) {
    rows.iter_mut().zip(with).for_each(|(word, more)| *word |= more);
}
