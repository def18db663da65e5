//! The typed algebra: what a query means, with nothing left to look up.
//!
//! An engine that lowers this tree never resolves a name, coerces a type or picks an overload: columns are
//! positions in the input's schema, every conversion is an [`ExprKind::Convert`], every operator carries KQL's own
//! null rules (see each variant). Scalar `let`s are substituted and tabular ones inlined or shared through
//! [`Query::shared`].

mod expr;
mod method;
mod narrow;
mod plan;
mod prune;
mod size;
mod walk;

pub use expr::{BinaryOp, Expr, ExprKind, Haystack, PathStep, StringOp, UnaryOp};
pub use method::{
    Activity, ActivityMeasure, Bins, Cycles, Direction, FunnelSides, GraphMatch, GraphNodes, GraphStep, MatchOutput,
    Method, PathFold, PatternKind, Patterns, Scan, ScanOutput, ScanStep,
};
pub use narrow::{Narrowing, narrowing};
pub use plan::{
    AggregateCall, ExpandColumn, ExternalSource, Graph, JoinKey, JoinKind, Node, ParseKind, ParsePart, Plan, Series,
    SharedId, SortKey,
};
pub use prune::prune;
pub use size::Size;

/// A whole bound query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub plan: Plan,
    /// What the first table is called; only where there are [`Query::further`] ones.
    pub name: Option<String>,
    /// Result tables after the first: of `fork`, `facet`, `funnel_sequence`, and of several queries in one text.
    pub further: Vec<ResultTable>,
    /// Plans that are computed once and read wherever [`Node::Shared`] names their position
    /// (`materialize()`, `as`). A plan reads only plans before it.
    pub shared: Vec<Plan>,
    /// What `render` asked the console to draw. It does not change the rows.
    pub render: Option<Render>,
}

/// A result table after the first.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultTable {
    /// Unique in the query.
    pub name: String,
    pub plan: Plan,
}

impl Query {
    /// A query with one result table.
    pub fn new(plan: Plan, shared: Vec<Plan>) -> Query {
        Query { plan, name: None, further: Vec::new(), shared, render: None }
    }

    /// Every plan: shared ones, then those of the result tables.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.shared.iter().chain([&self.plan]).chain(self.further.iter().map(|table| &table.plan))
    }

    /// As [`Query::plans`], to change them.
    pub fn plans_mut(&mut self) -> impl Iterator<Item = &mut Plan> {
        let further = self.further.iter_mut().map(|table| &mut table.plan);
        self.shared.iter_mut().chain([&mut self.plan]).chain(further)
    }
}

/// The `render` operator, kept as a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Render {
    /// `timechart`, `barchart`, `piechart`, …
    pub visualization: String,
    /// `with (name=value, …)`, values as written, quotes removed.
    pub properties: Vec<(String, String)>,
}
