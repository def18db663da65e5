//! union and search.

use std::collections::HashMap;

use kernel::diagnostic::{Diagnostic, Level, Span};
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::{Names, matches};
use super::pipeline::{option, over};
use super::project::{pick, projected};
use super::{Binder, Meaning, Row, Unknown, convert, expr, source};
use crate::algebra::{BinaryOp, Expr, ExprKind, Node, Plan, StringOp};
use crate::{codes, syntax};

/// Legs times columns of one union.
const MAX_CELLS: usize = 200_000;

/// One input of a union with the name that `withsource` shows.
pub(super) struct Leg {
    pub(super) name: String,
    pub(super) plan: Plan,
}

impl Binder<'_> {
    /// Whether tables may be missing.
    fn fuzzy(&mut self, options: &[syntax::Setting]) -> bool {
        let Some(setting) = options.iter().find(|setting| setting.name.text == "isfuzzy") else { return false };
        match setting.value.kind {
            syntax::ExprKind::Literal(Value::Bool(fuzzy), _) => fuzzy,
            _ => {
                self.error(codes::WRONG_TYPE, setting.value.span, "`isfuzzy` is `true` or `false`");
                false
            }
        }
    }

    pub(super) fn union(
        &mut self,
        input: Option<Plan>,
        options: &[syntax::Setting],
        tables: &[syntax::Expr],
        span: Span,
    ) -> Plan {
        let fuzzy = self.fuzzy(options);
        let inner = option(options, "kind").is_some_and(|(word, _)| word == "inner");
        let mut legs: Vec<Leg> = input.into_iter().map(|plan| Leg { name: self.leg_name(&plan, 0), plan }).collect();
        for table in tables {
            self.legs(table, fuzzy, &mut legs);
        }
        if legs.is_empty() {
            if fuzzy {
                self.ignored(span, "no table of this union is there, so the answer is empty");
            } else {
                self.error(codes::UNKNOWN_TABLE, span, "no table of this union exists");
            }
            return source::nothing(span);
        }
        let source_column =
            option(options, "withsource").or(option(options, "with_source")).map(|(name, _)| name.to_owned());
        self.unite(legs, source_column.as_deref(), inner, span)
    }

    /// The plans that one operand stands for: several for a pattern, none for a missing table of a fuzzy union.
    pub(super) fn legs(&mut self, table: &syntax::Expr, fuzzy: bool, legs: &mut Vec<Leg>) {
        let pattern = match &table.kind {
            syntax::ExprKind::Star => Some("*"),
            syntax::ExprKind::Name(name) if name.contains('*') => Some(name.as_str()),
            _ => None,
        };
        if let Some(pattern) = pattern {
            let mut found = self.views(pattern);
            let tables = self.catalog.tables().map(|table| &table.name).filter(|name| matches(pattern, name));
            let tables: Vec<String> = tables.filter(|name| !found.contains(name)).cloned().collect();
            found.extend(tables);
            if found.is_empty() && !fuzzy {
                self.error(codes::UNKNOWN_TABLE, table.span, format!("no table fits `{pattern}`"));
            }
            for name in found {
                let expr = syntax::Expr { kind: syntax::ExprKind::Name(name.clone()), span: table.span };
                if !self.spend(1, table.span) {
                    return;
                }
                legs.push(Leg { name, plan: self.table(&expr) });
            }
            return;
        }
        let (before, lost) = (self.diagnostics.len(), self.table_lost);
        let plan = self.table(table);
        if fuzzy {
            let is_missing = |problem: &&Diagnostic| match problem.code.as_str() {
                codes::UNKNOWN_TABLE => true,
                codes::UNKNOWN_FUNCTION => problem.message.ends_with("that gives a table"),
                _ => false,
            };
            if let Some(missing) = self.diagnostics[before..].iter().find(is_missing).map(|one| one.message.clone()) {
                // A fuzzy union leaves out what is not there.
                self.diagnostics.truncate(before);
                self.table_lost = lost;
                self.ignored(table.span, &format!("left out of the union: {missing}"));
                self.unknown_is_null = Some(Unknown::Table);
                return;
            }
        }
        let name = match &table.kind {
            syntax::ExprKind::Name(name) => name.clone(),
            _ => self.leg_name(&plan, legs.len()),
        };
        legs.push(Leg { name, plan });
    }

    pub(super) fn search(
        &mut self,
        input: Option<Plan>,
        tables: &[syntax::Expr],
        predicate: &syntax::Expr,
        span: Span,
    ) -> Plan {
        let mut legs = Vec::new();
        match input {
            Some(plan) => legs.push(Leg { name: self.leg_name(&plan, 0), plan }),
            None if tables.is_empty() => {
                self.legs(&syntax::Expr { kind: syntax::ExprKind::Star, span }, false, &mut legs);
            }
            None => {
                for table in tables {
                    self.legs(table, false, &mut legs);
                }
            }
        }
        let found = self.searched(legs, predicate, span);
        if found.is_empty() {
            return source::nothing(span);
        }
        self.unite(found, Some("$table"), false, span)
    }

    /// The rows of each table that fit `predicate`; nothing where the predicate is wrong.
    pub(super) fn searched(&mut self, legs: Vec<Leg>, predicate: &syntax::Expr, span: Span) -> Vec<Leg> {
        // A column that only some tables have is null in the others.
        let mut named = Vec::new();
        names_in(predicate, &mut named);
        let mut asked: Vec<ColumnSchema> = Vec::new();
        for column in legs.iter().flat_map(|leg| &leg.plan.schema) {
            if named.contains(&column.name.as_str()) && asked.iter().all(|known| known.name != column.name) {
                asked.push(column.clone());
            }
        }
        let before = self.diagnostics.len();
        let mut found = Vec::with_capacity(legs.len());
        for leg in legs {
            let own = leg.plan.schema.len();
            let plan = with_nulls(leg.plan, &asked, span);
            let mut row = Row::of(&plan.schema);
            let bound = self.search_predicate(predicate, &mut row);
            let predicate = self.expect(bound, ScalarType::Bool);
            // What is wrong for one table need not be told for each.
            if self.diagnostics[before..].iter().any(|problem| problem.level == Level::Error) {
                return Vec::new();
            }
            let kept: Vec<usize> = (0..own).collect();
            let plan = over(plan, span, |input| Node::Filter { input, predicate });
            found.push(Leg {
                name: leg.name,
                plan: if plan.schema.len() > own { pick(plan, &kept, span) } else { plan },
            });
        }
        found
    }

    /// Names of `let`s in force that are views and fit `pattern`, in the order of their definition.
    fn views(&self, pattern: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        let mut at = self.environment.as_ref();
        while let Some(definition) = at {
            let hidden = seen.contains(&definition.name.as_str());
            let view = matches!(&definition.meaning, Meaning::Function { function, .. } if function.view);
            if view && !hidden && matches(pattern, &definition.name) {
                found.push(definition.name.clone());
            }
            seen.push(definition.name.as_str());
            at = definition.outer.as_ref();
        }
        found.reverse();
        found
    }

    /// A bare text is looked for in every string column; `and`, `or` combine.
    pub(super) fn search_predicate(&mut self, predicate: &syntax::Expr, row: &mut Row) -> Expr {
        match &predicate.kind {
            syntax::ExprKind::Literal(Value::String(text), _) => search_term(text, row, predicate.span),
            syntax::ExprKind::Logical { all, operands } => {
                let operands = operands.iter().map(|operand| {
                    let bound = self.search_predicate(operand, row);
                    match bound.scalar {
                        ScalarType::Dynamic => self.force(bound, ScalarType::Bool),
                        _ => self.expect(bound, ScalarType::Bool),
                    }
                });
                let operands = operands.collect();
                expr::balanced(if *all { BinaryOp::And } else { BinaryOp::Or }, operands, predicate.span)
            }
            syntax::ExprKind::Call { function, args } if function.text == "not" && args.len() == 1 => {
                let inner = self.search_predicate(&args[0].value, row);
                self.call_by_name("not", vec![inner], predicate.span)
            }
            // `search *`: every row.
            syntax::ExprKind::Star => {
                Expr { kind: ExprKind::Literal(Value::Bool(true)), scalar: ScalarType::Bool, span: predicate.span }
            }
            _ => self.scalar(predicate, row),
        }
    }
}

impl Binder<'_> {
    /// `* has "x"`: in any string or dynamic column.
    pub(super) fn any_column(
        &mut self,
        op: &syntax::Name,
        star: Span,
        right: &syntax::Expr,
        span: Span,
        row: &mut Row,
    ) -> Expr {
        let mut any = Vec::new();
        for at in 0..row.columns.len() {
            if matches!(row.columns[at].scalar, ScalarType::String | ScalarType::Dynamic) {
                let column = expr::at(&row.columns, at, star);
                let right = self.scalar(right, row);
                any.push(self.infix(op, convert::convert(column, ScalarType::String), right, span));
            }
        }
        any_of(any, span)
    }
}

/// Names that may be columns.
pub(super) fn names_in<'e>(expr: &'e syntax::Expr, found: &mut Vec<&'e str>) {
    use syntax::ExprKind as Kind;
    match &expr.kind {
        Kind::Name(name) => found.push(name),
        Kind::Member { base, .. } => names_in(base, found),
        Kind::Negate(inner) => names_in(inner, found),
        Kind::Index { base, index } => [base, index].into_iter().for_each(|inner| names_in(inner, found)),
        Kind::Call { args, .. } => args.iter().for_each(|argument| names_in(&argument.value, found)),
        Kind::Logical { operands, .. } => operands.iter().for_each(|operand| names_in(operand, found)),
        Kind::Infix { left, right, .. } => [left, right].into_iter().for_each(|inner| names_in(inner, found)),
        Kind::Membership { value, list, .. } => {
            names_in(value, found);
            list.iter().for_each(|element| names_in(element, found));
        }
        Kind::Between { value, low, high, .. } => {
            [value, low, high].into_iter().for_each(|inner| names_in(inner, found));
        }
        Kind::Literal(..) | Kind::Pipe { .. } | Kind::TypeOf(_) | Kind::Star | Kind::Missing => {}
    }
}

/// The rows with those of `asked` that they lack, as nulls, after their own columns.
pub(super) fn with_nulls(plan: Plan, asked: &[ColumnSchema], span: Span) -> Plan {
    let missing: Vec<&ColumnSchema> =
        asked.iter().filter(|column| plan.schema.iter().all(|own| own.name != column.name)).collect();
    if missing.is_empty() {
        return plan;
    }
    let mut schema = plan.schema.clone();
    let mut columns: Vec<Expr> = (0..schema.len()).map(|at| expr::at(&schema, at, span)).collect();
    for column in missing {
        let value = if column.scalar == ScalarType::String { Value::String(String::new()) } else { Value::Null };
        columns.push(Expr { kind: ExprKind::Literal(value), scalar: column.scalar, span });
        schema.push(column.clone());
    }
    projected(plan, schema, columns, false, span)
}

/// `"text"` has (or with `*` around it: contains, starts, ends) in any string or dynamic column.
fn search_term(text: &str, row: &Row, span: Span) -> Expr {
    let (op, needle) = match (text.strip_prefix('*'), text.strip_suffix('*')) {
        (Some(_), Some(_)) if text.len() > 1 => (StringOp::Contains, text.trim_matches('*')),
        (Some(rest), None) => (StringOp::HasSuffix, rest),
        (None, Some(rest)) => (StringOp::HasPrefix, rest),
        _ => (StringOp::Has, text),
    };
    let literal = Expr { kind: ExprKind::Literal(Value::String(needle.to_owned())), scalar: ScalarType::String, span };
    let any = (0..row.columns.len())
        .filter(|at| matches!(row.columns[*at].scalar, ScalarType::String | ScalarType::Dynamic))
        .map(|at| {
            let left = Box::new(convert::convert(expr::at(&row.columns, at, span), ScalarType::String));
            let kind = ExprKind::StringMatch { op, negated: false, left, right: Box::new(literal.clone()) };
            Expr { kind, scalar: ScalarType::Bool, span }
        })
        .collect();
    any_of(any, span)
}

fn any_of(any: Vec<Expr>, span: Span) -> Expr {
    if any.is_empty() {
        return Expr { kind: ExprKind::Literal(Value::Bool(false)), scalar: ScalarType::Bool, span };
    }
    expr::balanced(BinaryOp::Or, any, span)
}

impl Binder<'_> {
    /// What `withsource` says of a plan: the table, or the name that `as` gave to the rows.
    fn leg_name(&self, plan: &Plan, at: usize) -> String {
        match &plan.node {
            Node::Table { name } => name.clone(),
            Node::Shared(id) if self.result_names.contains_key(id) => self.result_names[id].clone(),
            _ => format!("union_arg{at}"),
        }
    }
}

/// One output column of a union and the name that it has in the legs.
struct Output {
    column: ColumnSchema,
    name: String,
    /// Values of other types are converted to the column's.
    all_types: bool,
}

impl Binder<'_> {
    /// Leaves out legs that are known to give no rows where the union would otherwise be too large; one stays.
    fn without_empty(&self, mut legs: Vec<Leg>, columns: usize) -> Vec<Leg> {
        if legs.len().saturating_mul(columns) > MAX_CELLS {
            let mut one_stays = true;
            legs.retain(|leg| !self.gives_nothing(&leg.plan) || std::mem::take(&mut one_stays));
        }
        legs
    }

    fn gives_nothing(&self, plan: &Plan) -> bool {
        match &plan.node {
            Node::Table { name } => self.catalog.holds_nothing(name),
            Node::Filter { input, .. } | Node::Project { input, .. } => self.gives_nothing(input),
            _ => false,
        }
    }

    /// Projects every leg to the columns of the union and concatenates.
    pub(super) fn unite(&mut self, legs: Vec<Leg>, source_column: Option<&str>, inner: bool, span: Span) -> Plan {
        let (outputs, mut names) = outputs(&legs, inner);
        let legs = self.without_empty(legs, outputs.len());
        let cells = legs.len().saturating_mul(outputs.len());
        if cells > MAX_CELLS {
            let message =
                format!("{} tables with {} columns in all are too many for one union", legs.len(), outputs.len());
            self.error(codes::LIMIT, span, message).help("name the tables: `union A, B` or `search in (A, B) …`");
            return source::nothing(span);
        }
        let source = source_column.map(|name| ColumnSchema { name: names.free(name), scalar: ScalarType::String });
        let schema: Vec<ColumnSchema> =
            source.iter().chain(outputs.iter().map(|output| &output.column)).cloned().collect();
        let inputs = legs
            .into_iter()
            .map(|leg| {
                let text = |text: &str| Expr {
                    kind: ExprKind::Literal(Value::String(text.to_owned())),
                    scalar: ScalarType::String,
                    span,
                };
                let places: HashMap<&str, usize> =
                    leg.plan.schema.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect();
                let named = source.iter().map(|_| text(&leg.name));
                let taken = outputs.iter().map(|Output { column, name, all_types }| {
                    let at = places.get(name.as_str());
                    match at.filter(|at| *all_types || leg.plan.schema[**at].scalar == column.scalar) {
                        Some(at) => self.force(expr::at(&leg.plan.schema, *at, span), column.scalar),
                        None if column.scalar == ScalarType::String => text(""),
                        None => Expr { kind: ExprKind::Literal(Value::Null), scalar: column.scalar, span },
                    }
                });
                let columns = named.chain(taken).collect();
                projected(leg.plan, schema.clone(), columns, false, span)
            })
            .collect();
        Plan { node: Node::Union { inputs }, schema, span }
    }
}

/// The columns of a union: a name that has several types gives one column for each, `x_long` and `x_string`; but where
/// the first two tables that have it agree, one column of their type, as the official compiler has it.
fn outputs(legs: &[Leg], inner: bool) -> (Vec<Output>, Names) {
    let mut columns: Vec<(&str, Vec<ScalarType>, usize)> = Vec::new();
    let mut agreed = std::collections::HashSet::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for column in legs.iter().flat_map(|leg| &leg.plan.schema) {
        let place = *places.entry(&column.name).or_insert_with(|| {
            columns.push((&column.name, Vec::new(), 0));
            columns.len() - 1
        });
        let (_, types, count) = &mut columns[place];
        *count += 1;
        if *count == 2 && types[0] == column.scalar {
            agreed.insert(column.name.as_str());
        }
        if !types.contains(&column.scalar) {
            types.push(column.scalar);
        }
    }
    columns.retain(|(_, _, count)| !inner || *count == legs.len());
    let is_single = |name: &str, types: &[ScalarType]| types.len() == 1 || agreed.contains(name);
    let mut names = Names::default();
    let mut outputs = Vec::with_capacity(columns.len());
    for (name, types, _) in columns {
        if is_single(name, &types) {
            let column = ColumnSchema { name: names.free(name), scalar: types[0] };
            outputs.push(Output { column, name: name.to_owned(), all_types: true });
            continue;
        }
        for scalar in types {
            let column = ColumnSchema { name: names.free(&format!("{name}_{scalar}")), scalar };
            outputs.push(Output { column, name: name.to_owned(), all_types: false });
        }
    }
    (outputs, names)
}
