//! What [`Node::Derive`](super::Node::Derive) computes: rows made of whole inputs, in memory.
//!
//! The binder puts every expression that reads one input row into a projection below, so a method names positions of
//! columns only. `scan` is the exception: its conditions read what was matched before.

use super::Expr;

/// One computation over whole inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// `make-graph`. Inputs: source and target of every edge; then node tables, each with its id first. Output: the id,
    /// the properties, and how many edges come in and go out.
    GraphNodes(GraphNodes),
    /// `graph-mark-components`. Inputs: nodes (id first), edges (source, target first). Output: the nodes and the number
    /// of their component, in order of appearance.
    GraphComponents {
        /// Both ways must be possible, not one.
        strong: bool,
    },
    /// `graph-match` and `graph-shortest-paths`. Inputs: nodes (id first), edges (source, target first). Output: one column
    /// for each of [`GraphMatch::outputs`].
    GraphMatch(GraphMatch),
    /// `scan`. Output: the input's columns, the declared ones, and the number of the match if asked for. Rows keep the
    /// order of the input.
    Scan(Scan),
    /// `reduce`. Input: the text first, then rows to keep if `keep_rows`. Output: the pattern, its count and a
    /// representative; with `keep_rows` after the kept columns, one row for each input row.
    Reduce {
        /// Share of the rows that a term needs to count as common.
        threshold: f64,
        /// Characters that separate terms; empty: all but letters and digits.
        separators: String,
        keep_rows: bool,
    },
    /// `rows_near`: the rows around those where the last column is true, without that column, in their order.
    RowsNear { before: u64, after: u64 },
    /// `rolling_percentile`. Input: dimensions, axis, value. Output: the bin, the dimensions, the nearest-rank percentile of
    /// the values in the bin and in those before it.
    RollingPercentile { percent: f64, step: Expr, bins: u64 },
    /// Plugins over who was active when. Input: dimensions, id, axis; a second input holds ids to leave out, where one is.
    Activity(Activity),
    /// `autocluster` and `basket`. Output: number, count, percent, then the columns.
    Patterns(Patterns),
    /// `diffpatterns`. Input: the side (true: the first set; false: the second) before the rest.
    DiffPatterns(Patterns),
    /// `funnel_sequence_completion`. Input: id, axis, state. Output: bin, state, period, number of ids.
    FunnelCompletion { span: Bins, states: Vec<String>, periods: Vec<i64> },
    /// `funnel_sequence`. Input: id, axis, state. Output: bin, the states beside the sequence, number of ids, some of the
    /// ids.
    FunnelSequence { span: Bins, states: Vec<String>, most_between: Expr, sides: FunnelSides },
    /// `sequence_detect`. Input: dimensions, axis, then a bool for each step. Output: the dimensions, where each step was
    /// taken, how long it took from the first to the last.
    SequenceDetect { dimensions: usize, most_between: Expr, most_overall: Expr },
}

/// Which neighbours of a sequence are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunnelSides {
    /// The state before and the state after.
    Both,
    Before,
    After,
}

/// Where the columns of the node tables go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNodes {
    /// For each node table, the property that each of its columns after the id fills.
    pub tables: Vec<Vec<usize>>,
    /// How many properties there are.
    pub properties: usize,
    /// Properties that hold the id itself.
    pub ids: Vec<usize>,
}

/// Which way an edge may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Forward,
    Backward,
    Either,
}

/// What may come twice in one match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cycles {
    /// Nodes and edges.
    All,
    /// Nodes; an edge comes once.
    UniqueEdges,
    /// Nothing.
    None,
}

/// A pattern of nodes and edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphMatch {
    /// `Some(all)`: only the shortest paths between the first and the last node; all of them, or one.
    pub shortest: Option<bool>,
    pub cycles: Cycles,
    /// For each node of the pattern the bool columns that must be true.
    pub nodes: Vec<Vec<usize>>,
    /// In the order of the pattern.
    pub edges: Vec<GraphStep>,
    pub outputs: Vec<MatchOutput>,
}

/// One edge of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphStep {
    /// Positions in [`GraphMatch::nodes`], as written from left to right.
    pub left: usize,
    pub right: usize,
    pub direction: Direction,
    /// Edges in a row, least and most; `None`: exactly one, whose columns can be read.
    pub length: Option<(u32, u32)>,
    /// Bool columns that must be true on every edge.
    pub constraints: Vec<usize>,
}

/// One column of a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchOutput {
    /// A column of the node at this place of the pattern.
    Node { node: usize, column: usize },
    /// A column of the one edge at this place of the pattern.
    Edge { edge: usize, column: usize },
    /// A column over the edges of a path, or over the nodes between them.
    Path { edge: usize, inner: bool, column: usize, fold: PathFold },
}

/// What becomes of the values along a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathFold {
    /// An array.
    Array,
    /// Are all true?
    All,
    /// Is one true?
    Any,
}

/// The steps of a `scan`.
///
/// Expressions are over: the input's columns, the declared ones, then for each step again as many: the row that the step
/// matched last in the sequence at hand (null where it has none).
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Columns of the input.
    pub width: usize,
    /// Values of the declared columns before any assignment.
    pub defaults: Vec<Expr>,
    pub steps: Vec<ScanStep>,
    pub match_id: bool,
}

/// One step of a `scan`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanStep {
    /// A row may match the next step though none matched this one.
    pub optional: bool,
    pub output: ScanOutput,
    pub condition: Expr,
    /// Columns (of the input or declared) and their new values.
    pub assignments: Vec<(usize, Expr)>,
}

/// Which matching rows a step gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanOutput {
    All,
    /// The last of a series of matches.
    Last,
    None,
}

/// Bins of an axis; both ends included. All are constants once resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    pub start: Expr,
    pub end: Expr,
    pub step: Expr,
}

/// A plugin over who was active when.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    pub measure: ActivityMeasure,
    pub span: Bins,
}

/// What is measured in each bin. Expressions are constants once resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum ActivityMeasure {
    /// `activity_counts_metrics`: bin, dimensions, rows, ids, ids never seen before, ids so far.
    Counts,
    /// `activity_metrics`: bin, dimensions, ids, ids that the bin before lacks, share kept, share lost.
    Metrics,
    /// `new_activity_metrics`: bin of the first sight, bin, dimensions, new, kept, lost, share kept, share lost.
    NewMetrics { cohort: Option<Expr> },
    /// `active_users_count`: bin, dimensions, ids that appeared in `least` periods of the time before.
    ActiveUsers { lookback: Expr, period: Expr, least: i64 },
    /// `session_count`: bin, dimensions, sessions with a row in the bin; a longer pause than `lookback` ends one.
    Sessions { lookback: Expr },
    /// `activity_engagement`: bin, dimensions, ids of the bin, ids of the bins within `outer`, the share of the first.
    /// Without a start and an end (both null) the bins are those of the rows.
    Engagement { outer: Expr },
    /// `sliding_window_counts`: bin, dimensions, rows and ids of the bins within `lookback`.
    SlidingWindow { lookback: Expr },
}

/// What `autocluster`, `basket` and `diffpatterns` look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Patterns {
    pub kind: PatternKind,
    /// Column with the weight of a row; not part of a pattern.
    pub weight: Option<usize>,
    /// Most columns that a pattern fixes.
    pub most_columns: usize,
    /// For each column, what stands for any value.
    pub wildcards: Vec<Expr>,
}

/// How patterns are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PatternKind {
    /// All that at least this share of the rows fits.
    Basket { threshold: f64 },
    /// Few, by the weighted geometric mean of coverage (weight `size`) and share of fixed columns.
    Clusters { size: f64 },
    /// All whose shares differ by at least so much.
    Difference { threshold: f64 },
}

impl Method {
    /// The expressions of the method itself.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Method::Scan(scan) => {
                let steps = scan.steps.iter().flat_map(|step| {
                    std::iter::once(&step.condition).chain(step.assignments.iter().map(|(_, value)| value))
                });
                scan.defaults.iter().chain(steps).collect()
            }
            Method::Patterns(patterns) | Method::DiffPatterns(patterns) => patterns.wildcards.iter().collect(),
            Method::RollingPercentile { step, .. } => vec![step],
            Method::FunnelCompletion { span, .. } => vec![&span.start, &span.end, &span.step],
            Method::FunnelSequence { span, most_between, .. } => {
                vec![&span.start, &span.end, &span.step, most_between]
            }
            Method::SequenceDetect { most_between, most_overall, .. } => vec![most_between, most_overall],
            Method::Activity(Activity { measure, span }) => {
                let mut found = vec![&span.start, &span.end, &span.step];
                match measure {
                    ActivityMeasure::Counts | ActivityMeasure::Metrics => {}
                    ActivityMeasure::NewMetrics { cohort } => found.extend(cohort),
                    ActivityMeasure::ActiveUsers { lookback, period, .. } => found.extend([lookback, period]),
                    ActivityMeasure::Engagement { outer: lookback }
                    | ActivityMeasure::Sessions { lookback }
                    | ActivityMeasure::SlidingWindow { lookback } => found.push(lookback),
                }
                found
            }
            Method::GraphNodes(_)
            | Method::GraphComponents { .. }
            | Method::GraphMatch(_)
            | Method::Reduce { .. }
            | Method::RowsNear { .. } => Vec::new(),
        }
    }

    /// As [`Method::expressions`], to change them.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Method::Scan(scan) => {
                let steps = scan.steps.iter_mut().flat_map(|step| {
                    std::iter::once(&mut step.condition).chain(step.assignments.iter_mut().map(|(_, value)| value))
                });
                scan.defaults.iter_mut().chain(steps).collect()
            }
            Method::Patterns(patterns) | Method::DiffPatterns(patterns) => patterns.wildcards.iter_mut().collect(),
            Method::RollingPercentile { step, .. } => vec![step],
            Method::FunnelCompletion { span, .. } => vec![&mut span.start, &mut span.end, &mut span.step],
            Method::FunnelSequence { span, most_between, .. } => {
                vec![&mut span.start, &mut span.end, &mut span.step, most_between]
            }
            Method::SequenceDetect { most_between, most_overall, .. } => vec![most_between, most_overall],
            Method::Activity(Activity { measure, span }) => {
                let mut found = vec![&mut span.start, &mut span.end, &mut span.step];
                match measure {
                    ActivityMeasure::Counts | ActivityMeasure::Metrics => {}
                    ActivityMeasure::NewMetrics { cohort } => found.extend(cohort),
                    ActivityMeasure::ActiveUsers { lookback, period, .. } => found.extend([lookback, period]),
                    ActivityMeasure::Engagement { outer: lookback }
                    | ActivityMeasure::Sessions { lookback }
                    | ActivityMeasure::SlidingWindow { lookback } => found.push(lookback),
                }
                found
            }
            Method::GraphNodes(_)
            | Method::GraphComponents { .. }
            | Method::GraphMatch(_)
            | Method::Reduce { .. }
            | Method::RowsNear { .. } => Vec::new(),
        }
    }
}
