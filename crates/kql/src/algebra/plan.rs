//! Relational operators with resolved schemas.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::expr::Expr;
use super::method::Method;
use crate::functions::FunctionSpec;

/// One operator and the columns that it gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub node: Node,
    /// Output columns, in order. Names are unique.
    pub schema: Vec<ColumnSchema>,
    /// The operator in the query text.
    pub span: Span,
}

/// Position in [`Query::shared`](super::Query::shared).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SharedId(pub usize);

/// Operators. Expressions are over the schema of `input` unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A stored table; the schema lists all its columns (prune by use).
    Table { name: String },
    /// Constant rows: `datatable`; also the single empty row under `print`.
    Values { rows: Vec<Vec<Value>> },
    /// `range name from start to stop step step`, one column; constants, stop included.
    Range { start: Expr, stop: Expr, step: Expr },
    /// A plan that is computed once.
    Shared(SharedId),
    /// Files that hold rows; refuse unless the administrator allows the place.
    External(ExternalSource),
    /// The rows of one expansion inside [`Node::Apply`].
    ApplyInput,
    /// Keeps rows where `predicate` is true (not null, not false).
    Filter { input: Box<Plan>, predicate: Expr },
    /// Computes every output column: `project*`, `extend`, and the renaming parts of other operators. One expression
    /// per output column.
    Project { input: Box<Plan>, columns: Vec<Expr> },
    /// As [`Node::Project`], where expressions may hold window functions that read rows in the order of `input`.
    Window { input: Box<Plan>, columns: Vec<Expr> },
    /// Groups; output is the keys, then the outputs of each aggregate. No keys: one row, also of no input. Null keys
    /// form a group. Keys are never dynamic.
    Aggregate { input: Box<Plan>, keys: Vec<Expr>, aggregates: Vec<AggregateCall> },
    /// Rows once each; null equals null.
    Distinct { input: Box<Plan> },
    /// A stable order. `top` is this under [`Node::Take`].
    Sort { input: Box<Plan>, keys: Vec<SortKey> },
    /// At most `rows` rows: the first ones when the input is ordered, else any.
    Take { input: Box<Plan>, rows: u64 },
    /// At most `rows` rows at random.
    Sample { input: Box<Plan>, rows: u64 },
    /// Joins on equality of all keys; null equals null. Output: left columns then right columns, except semi and anti
    /// kinds, which give one side. `lookup` is this under a [`Node::Project`]. Absent values are null (string: empty).
    Join { kind: JoinKind, left: Box<Plan>, right: Box<Plan>, keys: Vec<JoinKey> },
    /// Concatenation; all inputs have the schema of the union (the binder adds projections, `withsource` included).
    Union { inputs: Vec<Plan> },
    /// `mv-expand`: one row per element; several columns advance together, the longest wins, the others give null.
    /// A null gives one row with null, an empty array none. Output: the input's columns with replaced ones in
    /// place, then new ones, then the item index (long, from 0) where `index` is set.
    Expand {
        input: Box<Plan>,
        columns: Vec<ExpandColumn>,
        /// Position of the item index among the output columns.
        index: Option<usize>,
        /// Elements per input row at most.
        limit: Option<u64>,
        /// `bagexpansion=array`: a bag entry gives `[key, value]` instead of `{key: value}`.
        bag_as_array: bool,
    },
    /// `mv-apply`: `input` is a [`Node::Expand`]; for the rows of each of *its* input rows, `body` runs over
    /// [`Node::ApplyInput`] (the Expand's schema). Output: `keep` columns of the Expand's input, then the body's.
    Apply { input: Box<Plan>, body: Box<Plan>, keep: Vec<usize> },
    /// `partition`: for the rows of each value of `keys`, `body` runs over [`Node::ApplyInput`] (the schema of `input`).
    /// Output: what the bodies give, one after another in any order.
    Partition { input: Box<Plan>, keys: Vec<Expr>, body: Box<Plan> },
    /// Rows that a method makes of its whole inputs, held in memory; refuse with a limit, not with fewer rows.
    Derive { inputs: Vec<Plan>, method: Method },
    /// A graph: never an answer, only the input of [`Node::Derive`]. No engine sees it.
    Graph(Box<Graph>),
    /// `parse` and `parse-where`: appends or replaces columns from `source` by `pattern`.
    Parse {
        input: Box<Plan>,
        /// String.
        source: Expr,
        kind: ParseKind,
        /// Regex flags (`i`, `s`, `m`, `U`), for [`ParseKind::Regex`].
        flags: String,
        pattern: Vec<ParsePart>,
        /// Drop rows that do not match (`parse-where`) instead of giving nulls.
        drop_unmatched: bool,
    },
    /// `make-series`: per group one row: keys, then one dynamic array per aggregate, then the axis as an array. Schema in
    /// that order.
    MakeSeries {
        input: Box<Plan>,
        series: Vec<Series>,
        /// Datetime or number.
        axis: Expr,
        /// Constants; absent means the least (greatest) axis value of all rows. The end is exclusive.
        from: Option<Expr>,
        to: Option<Expr>,
        step: Expr,
        keys: Vec<Expr>,
        /// Without keys and without a row in range: one row of defaults instead of none.
        nonempty: bool,
    },
}

/// The two tables of a graph. Columns whose names begin with `$` are not shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// `$id`, properties, `$in`, `$out`, then properties that operators added.
    pub nodes: Plan,
    /// `$source`, `$target`, properties.
    pub edges: Plan,
}

/// One aggregate function over a group.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateCall {
    /// The plain function: the `-if` forms arrive as the plain one with `filter`.
    pub function: &'static FunctionSpec,
    /// `count`: none. `arg_max`/`arg_min`: the compared value, then the carried columns. `take_any`: the columns.
    /// `percentile`: the value, then one or several constant percents. `make_set`/`make_list`: the value, then an optional limit.
    pub args: Vec<Expr>,
    /// Only rows where this is true.
    pub filter: Option<Expr>,
    /// Types of the output columns: as many as `args` for `arg_max`, `arg_min`, `take_any`; one per percent for
    /// `percentiles`; otherwise one.
    pub outputs: Vec<ScalarType>,
    pub span: Span,
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    pub expr: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

/// All kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Left rows are first reduced to one per key (which one is unspecified), then inner. KQL's default.
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    RightSemi,
    /// Also `anti`, `leftantisemi`.
    LeftAnti,
    RightAnti,
}

/// `left == right`; both of one type, each over its side.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinKey {
    pub left: Expr,
    pub right: Expr,
}

/// One column that `mv-expand` unfolds.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandColumn {
    /// Dynamic, over the input.
    pub source: Expr,
    /// Position among the output columns; its type there is the target of `to typeof(…)`, else dynamic. A
    /// value of another kind becomes null.
    pub output: usize,
}

/// How `parse` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParseKind {
    /// All or nothing per row: text must match entirely and every conversion must succeed.
    Simple,
    /// Text must match; a conversion that fails gives null in that column alone.
    Relaxed,
    /// Texts are regular expressions, columns match lazily up to the next text.
    Regex,
}

/// One part of a `parse` pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsePart {
    /// Text (or expression, for regex) that must stand here.
    Text(String),
    /// `*`: anything.
    Skip,
    /// A column: position among the output columns and its type. A string takes the shortest run up to the next
    /// text, another type the longest run that reads as that type.
    Column { output: usize, scalar: ScalarType },
}

/// One series of `make-series`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub calls: Vec<AggregateCall>,
    /// Over the outputs of `calls`: the value of a bin.
    pub value: Expr,
    /// What an empty bin gives; constant.
    pub default: Expr,
}

/// `externaldata (schema) [uris] with (…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalSource {
    pub uris: Vec<String>,
    /// `format='csv'`, `ignoreFirstRecord=true`, …, values as written, quotes removed.
    pub properties: Vec<(String, String)>,
}
