//! Answers of several tables: `fork`, `facet`, `funnel_sequence`, and several queries in one text.
//!
//! They can only end a query. The first table stands where a query with one table has its rows; those after it have
//! names.

use kernel::diagnostic::Span;

use super::name::Names;
use super::{Binder, Row, source};
use crate::algebra::{ExprKind, Plan, ResultTable};
use crate::syntax::{ForkBranch, Operator, OperatorKind};
use crate::{codes, syntax};

/// Result tables of one query.
const MOST_TABLES: usize = 64;

/// A result table that may have been given a name.
pub(super) struct Answered {
    name: Option<String>,
    pub(super) plan: Plan,
}

impl Answered {
    pub(super) fn unnamed(plan: Plan) -> Answered {
        Answered { name: None, plan }
    }

    fn named(name: &str, plan: Plan) -> Answered {
        Answered { name: Some(name.to_owned()), plan }
    }
}

/// The first table, what it is called if there are others, and the others under names that differ.
pub(super) fn named(tables: Vec<Answered>) -> Option<(Plan, Option<String>, Vec<ResultTable>)> {
    let several = tables.len() > 1;
    let mut names = Names::default();
    let mut tables = tables.into_iter().enumerate().map(|(at, table)| {
        let name = table.name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("Table_{}", at + 1));
        ResultTable { name: names.free(&name), plan: table.plan }
    });
    let first = tables.next()?;
    Some((first.plan, several.then_some(first.name), tables.collect()))
}

impl Binder<'_> {
    /// The tables that `expr` answers with.
    pub(super) fn answers(&mut self, expr: &syntax::Expr) -> Vec<Answered> {
        if let syntax::ExprKind::Pipe { source, operators } = &expr.kind
            && let Some((last, before)) = operators.split_last()
            && gives_tables(last)
            && (source.is_some() || !before.is_empty())
        {
            let input = self.pipe(source.as_deref(), before, expr.span);
            let input = self.no_graph(input);
            return self.several(input, last);
        }
        vec![Answered::unnamed(self.answer(expr))]
    }

    fn several(&mut self, input: Plan, operator: &Operator) -> Vec<Answered> {
        self.observe_input(operator, &input);
        if !self.spend(1, operator.span) {
            return vec![Answered::unnamed(input)];
        }
        let tables = match &operator.kind {
            OperatorKind::Fork(branches) => self.fork(input, branches, operator.span),
            OperatorKind::Facet { columns, body } => self.facet(input, columns, body.as_deref(), operator.span),
            OperatorKind::Evaluate { call, .. } => self.funnel_tables(&input, call, operator.span),
            _ => Vec::new(),
        };
        if tables.len() > MOST_TABLES {
            let message = format!("the query gives {} tables; the limit is {MOST_TABLES}", tables.len());
            self.error(codes::LIMIT, operator.span, message).help("send a query for some of them");
        }
        if tables.is_empty() { vec![Answered::unnamed(source::nothing(operator.span))] } else { tables }
    }

    /// Each branch over the same rows.
    fn fork(&mut self, input: Plan, branches: &[ForkBranch], span: Span) -> Vec<Answered> {
        let input = self.share(input);
        let branch = |binder: &mut Self, branch: &ForkBranch| {
            let plan = binder.branch_rows(input.clone(), &branch.body);
            Answered { name: branch.name.as_ref().map(|name| name.text.clone()), plan: Plan { span, ..plan } }
        };
        branches.iter().map(|one| branch(self, one)).collect()
    }

    /// The rows of `with`, then the values of each column and how often each comes.
    fn facet(&mut self, input: Plan, columns: &[syntax::Expr], body: Option<&[Operator]>, span: Span) -> Vec<Answered> {
        let input = self.share(input);
        let mut tables = Vec::with_capacity(columns.len() + 1);
        if let Some(body) = body {
            tables.push(Answered::named("with", self.branch_rows(input.clone(), body)));
        }
        for column in columns {
            let bound = self.scalar(column, &mut Row::of(&input.schema));
            let ExprKind::Column { name, .. } = &bound.kind else {
                if !matches!(bound.kind, ExprKind::Invalid) {
                    self.error(codes::WRONG_SHAPE, column.span, "`facet` takes columns")
                        .help("`extend` the value first");
                }
                continue;
            };
            let count = syntax::Name { text: format!("count_{name}"), span: column.span };
            let function = syntax::Name { text: "count".to_owned(), span: column.span };
            let counted = syntax::NamedExpr {
                names: vec![count],
                value: syntax::Expr { kind: syntax::ExprKind::Call { function, args: Vec::new() }, span: column.span },
            };
            let by = syntax::NamedExpr { names: Vec::new(), value: column.clone() };
            let plan = self.summarize(input.clone(), &[counted], &[by], span);
            tables.push(Answered::named(name, plan));
        }
        tables
    }

    /// `operators` over `input`; what they name is theirs.
    fn branch_rows(&mut self, input: Plan, operators: &[Operator]) -> Plan {
        let outer = self.environment.clone();
        let plan = operators.iter().fold(input, |plan, operator| self.operator(plan, operator));
        self.environment = outer;
        self.no_graph(plan)
    }

    /// States before and after the sequence, before it, after it.
    fn funnel_tables(&mut self, input: &Plan, call: &syntax::Expr, span: Span) -> Vec<Answered> {
        let syntax::ExprKind::Call { args, .. } = &call.kind else { return Vec::new() };
        let [both, before, after] = self.funnels(input, args, span);
        vec![Answered::named("prev_next", both), Answered::named("prev", before), Answered::named("next", after)]
    }
}

fn gives_tables(operator: &Operator) -> bool {
    match &operator.kind {
        OperatorKind::Fork(_) | OperatorKind::Facet { .. } => true,
        OperatorKind::Evaluate { call, schema: None } => {
            matches!(&call.kind, syntax::ExprKind::Call { function, .. } if function.text == "funnel_sequence")
        }
        _ => false,
    }
}
