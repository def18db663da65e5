//! Ways through a tree: what an operator reads, what an expression holds.

use super::{AggregateCall, Expr, ExprKind, Graph, Haystack, Node, PathStep, Plan, Series};

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
            Node::Apply { input, body, .. } | Node::Partition { input, body, .. } => vec![input, body],
            Node::Union { inputs } | Node::Derive { inputs, .. } => inputs.iter().collect(),
            Node::Graph(graph) => vec![&graph.nodes, &graph.edges],
        }
    }

    /// As [`Plan::inputs`], to change them.
    pub fn inputs_mut(&mut self) -> Vec<&mut Plan> {
        match &mut self.node {
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
            Node::Apply { input, body, .. } | Node::Partition { input, body, .. } => vec![input, body],
            Node::Union { inputs } | Node::Derive { inputs, .. } => inputs.iter_mut().collect(),
            Node::Graph(graph) => {
                let Graph { nodes, edges } = &mut **graph;
                vec![nodes, edges]
            }
        }
    }

    /// Does it read the rows of one part of `mv-apply` or `partition` around it?
    pub fn reads_part(&self) -> bool {
        match &self.node {
            Node::ApplyInput => true,
            // A body reads its own part.
            Node::Apply { input, .. } | Node::Partition { input, .. } => input.reads_part(),
            _ => self.inputs().into_iter().any(Plan::reads_part),
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
            Node::Partition { keys, .. } => keys.iter().collect(),
            Node::Derive { method, .. } => method.expressions(),
            Node::MakeSeries { series, axis, from, to, step, keys, .. } => {
                let calls = series.iter().flat_map(|one| one.calls.iter()).flat_map(AggregateCall::expressions);
                let defaults = series.iter().map(|one| &one.default);
                calls.chain(defaults).chain([axis, step]).chain(from).chain(to).chain(keys).collect()
            }
            _ => Vec::new(),
        }
    }

    /// As [`Plan::expressions`], to change them.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.node {
            Node::Range { start, stop, step } => vec![start, stop, step],
            Node::Filter { predicate, .. } => vec![predicate],
            Node::Project { columns, .. } | Node::Window { columns, .. } => columns.iter_mut().collect(),
            Node::Aggregate { keys, aggregates, .. } => {
                keys.iter_mut().chain(aggregates.iter_mut().flat_map(AggregateCall::expressions_mut)).collect()
            }
            Node::Sort { keys, .. } => keys.iter_mut().map(|key| &mut key.expr).collect(),
            Node::Join { keys, .. } => keys.iter_mut().flat_map(|key| [&mut key.left, &mut key.right]).collect(),
            Node::Expand { columns, .. } => columns.iter_mut().map(|column| &mut column.source).collect(),
            Node::Parse { source, .. } => vec![source],
            Node::Partition { keys, .. } => keys.iter_mut().collect(),
            Node::Derive { method, .. } => method.expressions_mut(),
            Node::MakeSeries { series, axis, from, to, step, keys, .. } => {
                let mut found: Vec<&mut Expr> = vec![axis, step];
                found.extend(from.iter_mut().chain(to).chain(keys));
                for Series { calls, default, .. } in series {
                    found.push(default);
                    found.extend(calls.iter_mut().flat_map(AggregateCall::expressions_mut));
                }
                found
            }
            _ => Vec::new(),
        }
    }
}

impl AggregateCall {
    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.args.iter().chain(&self.filter)
    }

    fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.args.iter_mut().chain(&mut self.filter)
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

    /// As [`Expr::operands`], to change them.
    pub fn operands_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Literal(_) | ExprKind::Column { .. } | ExprKind::Scalar(_) | ExprKind::Invalid => Vec::new(),
            ExprKind::Call { args, .. } => args.iter_mut().collect(),
            ExprKind::Unary { operand, .. } | ExprKind::Convert { operand } => vec![operand],
            ExprKind::Binary { left, right, .. } | ExprKind::StringMatch { left, right, .. } => vec![left, right],
            ExprKind::In { value, haystack, .. } | ExprKind::HasTerms { value, haystack, .. } => {
                let mut operands: Vec<&mut Expr> = vec![value];
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

    /// As [`Expr::subplan`], to change it.
    pub fn subplan_mut(&mut self) -> Option<&mut Plan> {
        match &mut self.kind {
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
}
