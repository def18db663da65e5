//! How large a tree is, so that inlining can be limited.

use super::{AggregateCall, Expr, ExprKind, Haystack, Node, PathStep, Plan};

/// Extent of a plan or expression, subplans included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Operators and expressions.
    pub nodes: usize,
    /// Longest way from the root to a leaf.
    pub depth: usize,
}

impl Size {
    fn above(children: impl IntoIterator<Item = Size>) -> Size {
        let inner = children.into_iter().fold(Size::default(), |sum, child| Size {
            nodes: sum.nodes.saturating_add(child.nodes),
            depth: sum.depth.max(child.depth),
        });
        Size { nodes: inner.nodes.saturating_add(1), depth: inner.depth + 1 }
    }
}

impl Plan {
    /// The plans that this one reads, without those inside expressions.
    pub fn inputs(&self) -> Vec<&Plan> {
        match &self.node {
            Node::Table { .. }
            | Node::Values { .. }
            | Node::Range { .. }
            | Node::Shared(_)
            | Node::External(_)
            | Node::ApplyInput => Vec::new(),
            Node::Filter { input, .. }
            | Node::Project { input, .. }
            | Node::Window { input, .. }
            | Node::Aggregate { input, .. }
            | Node::Distinct { input }
            | Node::Sort { input, .. }
            | Node::Take { input, .. }
            | Node::Sample { input, .. }
            | Node::Expand { input, .. }
            | Node::Parse { input, .. }
            | Node::MakeSeries { input, .. } => vec![input],
            Node::Join { left, right, .. } => vec![left, right],
            Node::Apply { input, body, .. } => vec![input, body],
            Node::Union { inputs } => inputs.iter().collect(),
        }
    }

    /// The expressions of this operator itself.
    pub fn expressions(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Range { start, stop, step } => vec![start, stop, step],
            Node::Filter { predicate, .. } => vec![predicate],
            Node::Project { columns, .. } | Node::Window { columns, .. } => columns.iter().collect(),
            Node::Aggregate { keys, aggregates, .. } => {
                keys.iter().chain(aggregates.iter().flat_map(AggregateCall::expressions)).collect()
            }
            Node::Sort { keys, .. } => keys.iter().map(|key| &key.expr).collect(),
            Node::Join { keys, .. } => keys.iter().flat_map(|key| [&key.left, &key.right]).collect(),
            Node::Expand { columns, .. } => columns.iter().map(|column| &column.source).collect(),
            Node::Parse { source, .. } => vec![source],
            Node::MakeSeries { series, axis, from, to, step, keys, .. } => {
                let calls = series.iter().flat_map(|one| one.call.expressions().chain([&one.default]));
                calls.chain([axis, step]).chain(from).chain(to).chain(keys).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Operators and expressions of the whole plan.
    pub fn size(&self) -> Size {
        let inputs = self.inputs().into_iter().map(Plan::size);
        Size::above(inputs.chain(self.expressions().into_iter().map(Expr::size)))
    }
}

impl AggregateCall {
    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.args.iter().chain(&self.filter)
    }
}

impl Expr {
    /// The expressions directly inside, subplans left out.
    pub fn operands(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Column { .. } | ExprKind::Scalar(_) | ExprKind::Invalid => Vec::new(),
            ExprKind::Call { args, .. } => args.iter().collect(),
            ExprKind::Unary { operand, .. } | ExprKind::Convert { operand } => vec![operand],
            ExprKind::Binary { left, right, .. } | ExprKind::StringMatch { left, right, .. } => vec![left, right],
            ExprKind::In { value, haystack, .. } | ExprKind::HasTerms { value, haystack, .. } => {
                let mut operands: Vec<&Expr> = vec![value];
                match haystack {
                    Haystack::List(items) => operands.extend(items),
                    Haystack::Array(array) => operands.push(array),
                    Haystack::Table(_) => {}
                }
                operands
            }
            ExprKind::Between { value, low, high, .. } => vec![value, low, high],
            ExprKind::Path { base, step } => match step {
                PathStep::Computed(index) => vec![base, index],
                PathStep::Key(_) | PathStep::Index(_) => vec![base],
            },
        }
    }

    /// The plan directly inside: of `toscalar`, of `in (table)`.
    pub fn subplan(&self) -> Option<&Plan> {
        match &self.kind {
            ExprKind::Scalar(plan) => Some(plan),
            ExprKind::In { haystack: Haystack::Table(plan), .. }
            | ExprKind::HasTerms { haystack: Haystack::Table(plan), .. } => Some(plan),
            _ => None,
        }
    }

    /// Does its value depend on a column of the row?
    pub fn reads_columns(&self) -> bool {
        matches!(self.kind, ExprKind::Column { .. }) || self.operands().into_iter().any(Expr::reads_columns)
    }

    /// Expressions and operators of the whole tree.
    pub fn size(&self) -> Size {
        let operands = self.operands().into_iter().map(Expr::size);
        Size::above(operands.chain(self.subplan().map(Plan::size)))
    }
}
