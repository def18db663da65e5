//! The syntax tree, as written: nothing resolved. Broken text gives a tree with [`ExprKind::Missing`] in the gaps.

use kernel::diagnostic::Span;
use kernel::value::{ScalarType, Value};

/// A whole text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    pub statements: Vec<Statement>,
}

/// One statement; they are separated by `;`.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `let name = value`
    Let { name: Name, value: Expr },
    /// `let name = (parameters) { body }`
    LetFunction { name: Name, function: Function },
    /// The last one gives the answer.
    Query(Expr),
    /// `declare query_parameters(name: type = default, …)`
    Parameters(Vec<ParameterDecl>),
    /// `declare pattern name = (a: string)[path: string] { … }`
    Pattern(Pattern),
    /// `set option = value`
    Set { option: Name, value: Option<Expr>, span: Span },
    /// `alias …`, `restrict …`
    Other { name: Name, span: Span },
}

/// Tables by constant texts; without arms it only says that the name is a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    pub name: Name,
    /// How many texts stand in the brackets of a call.
    pub arguments: usize,
    pub arms: Vec<PatternArm>,
}

/// `("a", "b").["path"] = { body }`
#[derive(Debug, Clone, PartialEq)]
pub struct PatternArm {
    pub arguments: Vec<String>,
    pub path: Option<String>,
    pub body: Vec<Statement>,
}

/// A user-defined function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// `view () {…}`: a pattern of table names finds it.
    pub view: bool,
    pub parameters: Vec<ParameterDecl>,
    pub body: Vec<Statement>,
    pub span: Span,
}

/// One parameter of a user-defined function.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterDecl {
    pub name: Name,
    pub kind: ParameterKind,
    pub default: Option<Expr>,
}

/// What a parameter takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterKind {
    Scalar(ScalarType),
    /// Needed columns; `any` for `(*)`.
    Table {
        columns: Vec<(Name, ScalarType)>,
        any: bool,
    },
}

/// An identifier, brackets and quotes removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// An expression, scalar or tabular.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

/// Kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Literal(Value, ScalarType),
    /// A name; may hold `*` where wildcards are allowed.
    Name(String),
    /// `base.name`
    Member {
        base: Box<Expr>,
        name: Name,
    },
    /// `base[index]`
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    Call {
        function: Name,
        args: Vec<Argument>,
    },
    Negate(Box<Expr>),
    /// All of, or any of: chains are flat.
    Logical {
        all: bool,
        operands: Vec<Expr>,
    },
    /// Every other infix operator, by its spelling.
    Infix {
        op: Name,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `value in (…)`, `has_any`, `has_all` and negations, by spelling.
    Membership {
        op: Name,
        value: Box<Expr>,
        list: Vec<Expr>,
    },
    Between {
        negated: bool,
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `source | operator | …`; no source where the first operator makes rows.
    Pipe {
        source: Option<Box<Expr>>,
        operators: Vec<Operator>,
    },
    /// `typeof(type)`
    TypeOf(ScalarType),
    /// `*` alone.
    Star,
    /// A gap; a diagnostic tells.
    Missing,
}

/// `name = value` or `value` in a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    pub name: Option<Name>,
    pub value: Expr,
}

/// `a = expr`, `(a, b) = expr` or `expr`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedExpr {
    pub names: Vec<Name>,
    pub value: Expr,
}

/// One tabular operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// As spelled: `mvexpand`, `order`.
    pub name: Name,
    pub kind: OperatorKind,
    pub span: Span,
}

/// Which projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    Project,
    Extend,
    Serialize,
    Away,
    Keep,
    Rename,
    Reorder,
    Distinct,
    Print,
}

/// `name = value` options before the operands: `kind=inner`, `hint.strategy=…`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub name: Name,
    pub value: Expr,
}

/// `expr asc nulls first`
#[derive(Debug, Clone, PartialEq)]
pub struct OrderBy {
    pub value: NamedExpr,
    pub ascending: Option<bool>,
    pub nulls_first: Option<bool>,
}

/// One column of `mv-expand`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandItem {
    pub value: NamedExpr,
    pub to: Option<ScalarType>,
}

/// One part of a `parse` pattern, as written.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternPart {
    Star,
    Text(String),
    Column(Name, ScalarType),
}

/// One series of `make-series`.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesItem {
    pub value: NamedExpr,
    pub default: Option<Expr>,
}

/// Operands by operator.
#[derive(Debug, Clone, PartialEq)]
pub enum OperatorKind {
    Where(Expr),
    Projection(Projection, Vec<NamedExpr>),
    Summarize {
        aggregates: Vec<NamedExpr>,
        by: Vec<NamedExpr>,
    },
    Sort(Vec<OrderBy>),
    Top {
        rows: Expr,
        keys: Vec<OrderBy>,
    },
    Take(Expr),
    Sample(Expr),
    SampleDistinct {
        rows: Expr,
        of: NamedExpr,
    },
    Count,
    /// Runs what stands before and gives no rows.
    Consume,
    /// `assert-schema (name: type, …)`: an error unless the columns are these.
    AssertSchema(Vec<(Name, ScalarType)>),
    GetSchema,
    Join {
        lookup: bool,
        options: Vec<Setting>,
        right: Expr,
        on: Vec<Expr>,
    },
    Union {
        options: Vec<Setting>,
        tables: Vec<Expr>,
    },
    Search {
        options: Vec<Setting>,
        tables: Vec<Expr>,
        predicate: Expr,
    },
    Expand {
        options: Vec<Setting>,
        items: Vec<ExpandItem>,
        limit: Option<Expr>,
    },
    Apply {
        options: Vec<Setting>,
        items: Vec<ExpandItem>,
        limit: Option<Expr>,
        body: Vec<Operator>,
    },
    Parse {
        drop_unmatched: bool,
        options: Vec<Setting>,
        source: Expr,
        pattern: Vec<PatternPart>,
    },
    ParseKv {
        source: Expr,
        columns: Vec<(Name, ScalarType)>,
        settings: Vec<(Name, Expr)>,
    },
    MakeSeries {
        options: Vec<Setting>,
        series: Vec<SeriesItem>,
        axis: NamedExpr,
        from: Option<Expr>,
        to: Option<Expr>,
        step: Expr,
        by: Vec<NamedExpr>,
    },
    Render {
        visualization: Name,
        properties: Vec<(Name, Expr)>,
    },
    As(Name),
    Invoke(Expr),
    Evaluate {
        call: Expr,
        schema: Option<Vec<(Name, ScalarType)>>,
    },
    Range {
        column: Name,
        from: Expr,
        to: Expr,
        step: Expr,
    },
    DataTable {
        columns: Vec<(Name, ScalarType)>,
        values: Vec<Expr>,
    },
    ExternalData {
        columns: Vec<(Name, ScalarType)>,
        uris: Vec<Expr>,
        properties: Vec<(Name, Expr)>,
    },
    TopNested(Vec<NestedLevel>),
    TopHitters {
        rows: Expr,
        of: NamedExpr,
        by: Option<Expr>,
    },
    Partition {
        options: Vec<Setting>,
        by: Expr,
        body: PartitionBody,
    },
    Find {
        options: Vec<Setting>,
        tables: Vec<Expr>,
        predicate: Expr,
        output: FindOutput,
    },
    ProjectByNames(Vec<Expr>),
    Scan {
        match_id: Option<Name>,
        declared: Vec<ParameterDecl>,
        steps: Vec<ScanStep>,
    },
    /// `fork name=(operators) …`
    Fork(Vec<ForkBranch>),
    /// `facet by Column, … with (operators)`
    Facet {
        columns: Vec<Expr>,
        body: Option<Vec<Operator>>,
    },
    Reduce {
        options: Vec<Setting>,
        by: Expr,
        settings: Vec<(Name, Expr)>,
    },
    MakeGraph(GraphShape),
    GraphMatch(GraphPattern),
    GraphToTable(Vec<GraphTable>),
    GraphMarkComponents {
        options: Vec<Setting>,
        component: Option<Name>,
    },
    /// Known or not, it has no grammar here; its operands were skipped.
    Unsupported,
}

/// `top-nested rows of value with others = … by measure asc`
#[derive(Debug, Clone, PartialEq)]
pub struct NestedLevel {
    pub rows: Option<Expr>,
    pub of: NamedExpr,
    pub others: Option<Expr>,
    pub by: OrderBy,
    pub span: Span,
}

/// One branch of `fork`.
#[derive(Debug, Clone, PartialEq)]
pub struct ForkBranch {
    pub name: Option<Name>,
    pub body: Vec<Operator>,
}

/// What `partition` runs for each part.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionBody {
    /// `(operators)` over the rows of the part.
    Operators(Vec<Operator>),
    /// `{ query }` with a source of its own.
    Query(Expr),
}

/// The columns of `find`.
#[derive(Debug, Clone, PartialEq)]
pub enum FindOutput {
    /// Columns of the predicate and common ones, the rest packed.
    Smart,
    /// Columns with types, and whether all columns are packed too.
    Columns(Vec<(Name, Option<ScalarType>)>, bool),
}

/// `step name output=… : condition => name = value, …;`
#[derive(Debug, Clone, PartialEq)]
pub struct ScanStep {
    pub name: Name,
    pub optional: bool,
    /// `all`, `last`, `none`.
    pub output: Option<Name>,
    pub condition: Expr,
    pub assignments: Vec<(Name, Expr)>,
}

/// `make-graph source --> target with Table on column, … with_node_id=name`
#[derive(Debug, Clone, PartialEq)]
pub struct GraphShape {
    pub source: Name,
    pub target: Name,
    pub nodes: Vec<(Expr, Name)>,
    pub node_id: Option<Name>,
}

/// `graph-match` and `graph-shortest-paths`.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphPattern {
    pub shortest: bool,
    pub options: Vec<Setting>,
    pub sequences: Vec<GraphSequence>,
    pub predicate: Option<Expr>,
    pub project: Vec<NamedExpr>,
}

/// `(a)-[e]->(b)…`: one more node than edges.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphSequence {
    pub nodes: Vec<Option<Name>>,
    pub edges: Vec<GraphEdge>,
}

/// One edge of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphEdge {
    pub name: Option<Name>,
    pub direction: crate::algebra::Direction,
    /// `*least..most`.
    pub length: Option<(Expr, Expr)>,
    pub span: Span,
}

/// `nodes as Name with_node_id=id` or `edges …` of `graph-to-table`.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphTable {
    pub kind: Name,
    pub alias: Option<Name>,
    pub ids: Vec<(Name, Name)>,
}

impl Expr {
    /// A gap at `at`.
    pub fn missing(at: Span) -> Expr {
        Expr { kind: ExprKind::Missing, span: at }
    }
}
