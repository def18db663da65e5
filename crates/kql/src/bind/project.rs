//! project, extend and their kin.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::{Names, automatic, matches};
use super::{Binder, Row, expr};
use crate::algebra::{Expr, ExprKind, Node, Plan};
use crate::syntax::{NamedExpr, Projection};
use crate::{codes, syntax};

/// An expression with the name that its column will have.
pub(super) struct Item {
    /// As written, or automatic.
    name: Option<String>,
    /// Written by hand or a plain column: two of one name are an error, while an automatic name gives way.
    fixed: bool,
    expr: Expr,
}

impl Binder<'_> {
    pub(super) fn projection(&mut self, input: Plan, projection: Projection, items: &[NamedExpr], span: Span) -> Plan {
        match projection {
            Projection::Project => self.project(input, items, span),
            Projection::Extend | Projection::Serialize => self.extend(input, items, span),
            Projection::Distinct => self.distinct(input, items, span),
            Projection::Away | Projection::Keep => self.keep(input, items, projection == Projection::Keep, span),
            Projection::Rename => self.rename(input, items, span),
            Projection::Reorder => self.reorder(input, items, span),
            Projection::Print => {
                self.error(codes::MISPLACED, span, "`print` starts a query and cannot follow a `|`");
                input
            }
        }
    }

    /// Binds named expressions; several names take the parts of one value.
    pub(super) fn items(&mut self, items: &[NamedExpr], row: &mut Row) -> Vec<Item> {
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            if matches!(item.value.kind, syntax::ExprKind::Star) && item.names.is_empty() {
                let columns = row.columns.clone();
                bound.extend((0..columns.len()).map(|at| Item {
                    name: Some(columns[at].name.clone()),
                    fixed: false,
                    expr: expr::at(&columns, at, item.value.span),
                }));
                continue;
            }
            let value = self.scalar(&item.value, row);
            if let Some(arrays) = sorted_together(&item.value) {
                for (at, array) in arrays.iter().enumerate() {
                    let written = item.names.get(at).map(|name| name.text.clone());
                    let fixed = written.is_some();
                    let stem = || automatic(&array.value).unwrap_or_else(|| format!("array{at}"));
                    let name = Some(written.unwrap_or_else(|| format!("{}_sorted", stem())));
                    bound.push(Item { name, fixed, expr: Self::output(&value, at, ScalarType::Dynamic) });
                }
                continue;
            }
            if let Some(suffixes) = several(&item.value) {
                self.outputs(item, &value, suffixes, &mut bound);
                continue;
            }
            match item.names.as_slice() {
                [] => {
                    let fixed = matches!(item.value.kind, syntax::ExprKind::Name(_));
                    bound.push(Item { name: automatic(&item.value), fixed, expr: value });
                }
                [name] => bound.push(Item { name: Some(name.text.clone()), fixed: true, expr: value }),
                names => self.tuple(names, value, &mut bound),
            }
        }
        bound
    }

    /// A function with several outputs: a column for each, named by hand as far as names go.
    fn outputs(&mut self, item: &NamedExpr, value: &Expr, suffixes: &[(&str, ScalarType)], bound: &mut Vec<Item>) {
        let stem = match &item.value.kind {
            syntax::ExprKind::Call { function, args } => {
                let argument = args.first().and_then(|argument| automatic(&argument.value)).unwrap_or_default();
                format!("{}_{argument}", function.text)
            }
            _ => String::new(),
        };
        if item.names.len() > suffixes.len() {
            let message = format!("this function gives {} values, not {}", suffixes.len(), item.names.len());
            self.error(codes::WRONG_SHAPE, item.value.span, message);
        }
        for (at, (suffix, scalar)) in suffixes.iter().enumerate() {
            let written = item.names.get(at).map(|name| name.text.clone());
            let expr =
                if matches!(value.kind, ExprKind::Invalid) { value.clone() } else { Self::output(value, at, *scalar) };
            bound.push(Item {
                fixed: written.is_some(),
                name: Some(written.unwrap_or_else(|| format!("{stem}_{suffix}"))),
                expr,
            });
        }
    }

    fn tuple(&mut self, names: &[syntax::Name], value: Expr, bound: &mut Vec<Item>) {
        if matches!(value.kind, ExprKind::Invalid) {
            bound.extend(names.iter().map(|name| Item {
                name: Some(name.text.clone()),
                fixed: true,
                expr: value.clone(),
            }));
            return;
        }
        let message = "this expression gives one value, but several names stand before it";
        self.error(codes::WRONG_SHAPE, value.span, message)
            .help("name one column, then take its parts with `[0]`, `[1]`");
        bound.extend(names.iter().map(|name| Item {
            name: Some(name.text.clone()),
            fixed: true,
            expr: Self::invalid(value.span),
        }));
    }

    /// Names for all items: fixed ones first come, the rest made unique.
    pub(super) fn columns(
        &mut self,
        items: Vec<Item>,
        names: &mut Names,
        span: Span,
    ) -> (Vec<ColumnSchema>, Vec<Expr>) {
        for item in items.iter().filter(|item| item.fixed) {
            if let Some(name) = &item.name
                && !names.declare(name)
            {
                self.error(
                    codes::DUPLICATE_NAME,
                    item.expr.span.to(span),
                    format!("there are two columns called `{name}`"),
                )
                .help("give one of them another name: `other = …`");
            }
        }
        let mut schema = Vec::with_capacity(items.len());
        let mut exprs = Vec::with_capacity(items.len());
        for item in items {
            let name = match item.name {
                Some(name) if item.fixed => name,
                Some(name) => names.free(&name),
                None => names.numbered("Column"),
            };
            schema.push(ColumnSchema { name, scalar: item.expr.scalar });
            exprs.push(item.expr);
        }
        (schema, exprs)
    }

    fn project(&mut self, input: Plan, items: &[NamedExpr], span: Span) -> Plan {
        let mut row = Row::of(&input.schema);
        let items = self.items(items, &mut row);
        let (schema, columns) = self.columns(items, &mut Names::default(), span);
        projected(input, schema, columns, row.window, span)
    }

    fn extend(&mut self, input: Plan, items: &[NamedExpr], span: Span) -> Plan {
        let mut row = Row::of(&input.schema);
        let items = self.items(items, &mut row);
        let mut schema = input.schema.clone();
        let mut columns: Vec<Expr> = (0..schema.len()).map(|at| expr::at(&input.schema, at, span)).collect();
        let mut set = Names::default();
        let mut all = Names::of(schema.iter().map(|column| column.name.as_str()));
        for item in items {
            let name = match &item.name {
                Some(name) if set.declare(name) => name.clone(),
                Some(name) if item.fixed => {
                    self.error(codes::DUPLICATE_NAME, item.expr.span, format!("there are two columns called `{name}`"));
                    continue;
                }
                Some(name) => all.free(name),
                None => all.numbered("Column"),
            };
            all.declare(&name);
            match schema.iter().position(|column| column.name == name) {
                Some(at) => {
                    schema[at].scalar = item.expr.scalar;
                    columns[at] = item.expr;
                }
                None => {
                    schema.push(ColumnSchema { name, scalar: item.expr.scalar });
                    columns.push(item.expr);
                }
            }
        }
        projected(input, schema, columns, row.window, span)
    }

    pub(super) fn distinct(&mut self, input: Plan, items: &[NamedExpr], span: Span) -> Plan {
        let projected = self.project(input, items, span);
        for (at, column) in projected.schema.iter().enumerate() {
            let Some(at) = items.get(at).or(items.last()) else { break };
            if column.scalar == ScalarType::Dynamic && self.diagnostics.iter().all(|known| known.span != at.value.span)
            {
                let message = format!("`{}` is dynamic; rows cannot be compared by it", column.name);
                self.error(codes::WRONG_TYPE, at.value.span, message).help(format!("use `tostring({})`", column.name));
            }
        }
        super::pipeline::over(projected, span, |input| Node::Distinct { input })
    }

    /// Positions of the columns that a list of names and patterns picks, in order.
    fn picked(&mut self, input: &Plan, items: &[NamedExpr]) -> Vec<usize> {
        let mut picked = Vec::new();
        for item in items {
            let (pattern, span) = match &item.value.kind {
                syntax::ExprKind::Name(pattern) => (pattern.as_str(), item.value.span),
                syntax::ExprKind::Star => ("*", item.value.span),
                syntax::ExprKind::Missing => continue,
                _ => {
                    self.error(codes::WRONG_SHAPE, item.value.span, "a column name is needed here");
                    continue;
                }
            };
            let mut found: Vec<usize> =
                (0..input.schema.len()).filter(|at| matches(pattern, &input.schema[*at].name)).collect();
            if found.is_empty() && !pattern.contains('*') {
                // Reports it with a suggestion.
                self.scalar(
                    &syntax::Expr { kind: syntax::ExprKind::Name(pattern.to_owned()), span },
                    &mut Row::of(&input.schema),
                );
            }
            let judged = self.unknown_is_null.is_none() && !input.schema.is_empty();
            if found.is_empty() && pattern.contains('*') && pattern != "*" && judged {
                self.error(codes::UNKNOWN_COLUMN, span, format!("no column fits `{pattern}`"));
            }
            match item.names.first().map(|order| order.text.as_str()) {
                Some("asc" | "granny-asc") => found.sort_by(|a, b| input.schema[*a].name.cmp(&input.schema[*b].name)),
                Some("desc" | "granny-desc") => found.sort_by(|a, b| input.schema[*b].name.cmp(&input.schema[*a].name)),
                _ => {}
            }
            picked.extend(found);
        }
        let mut seen = std::collections::HashSet::new();
        picked.retain(|at| seen.insert(*at));
        picked
    }

    fn keep(&mut self, input: Plan, items: &[NamedExpr], keep: bool, span: Span) -> Plan {
        let picked = self.picked(&input, items);
        let kept: Vec<usize> = (0..input.schema.len()).filter(|at| picked.contains(at) == keep).collect();
        pick(input, &kept, span)
    }

    /// `project-by-names`: columns whose names are constants; a name that nothing fits is left out.
    pub(super) fn project_by_names(&mut self, input: Plan, names: &[syntax::Expr], span: Span) -> Plan {
        let mut patterns = Vec::new();
        for name in names {
            let bound = self.scalar(name, &mut Row::default());
            match bound.kind {
                ExprKind::Literal(Value::String(text)) => patterns.push(text),
                ExprKind::Literal(Value::Dynamic(serde_json::Value::Array(texts))) => {
                    patterns.extend(texts.iter().filter_map(|text| text.as_str().map(str::to_owned)));
                }
                ExprKind::Invalid => {}
                _ => self
                    .error(codes::NOT_CONSTANT, name.span, "`project-by-names` takes constant names")
                    .help("write `\"Name\"`, `dynamic([\"A\", \"B*\"])` or `column_names_of(Table)`"),
            }
        }
        let mut picked: Vec<usize> = Vec::new();
        for pattern in &patterns {
            let found = (0..input.schema.len()).filter(|at| matches(pattern, &input.schema[*at].name));
            let new: Vec<usize> = found.filter(|at| !picked.contains(at)).collect();
            picked.extend(new);
        }
        pick(input, &picked, span)
    }

    fn reorder(&mut self, input: Plan, items: &[NamedExpr], span: Span) -> Plan {
        // `*` stands for all that no other item names.
        let named: Vec<NamedExpr> =
            items.iter().filter(|item| !matches!(item.value.kind, syntax::ExprKind::Star)).cloned().collect();
        let mut seen = std::collections::HashSet::new();
        for item in &named {
            if let syntax::ExprKind::Name(name) = &item.value.kind
                && !name.contains('*')
                && !seen.insert(name.as_str())
            {
                self.error(codes::DUPLICATE_NAME, item.value.span, format!("`{name}` is named twice"));
            }
        }
        let named = self.picked(&input, &named);
        let others: Vec<usize> = (0..input.schema.len()).filter(|at| !named.contains(at)).collect();
        let mut order = Vec::with_capacity(input.schema.len());
        let mut rest = Some(others);
        for item in items {
            if matches!(item.value.kind, syntax::ExprKind::Star) {
                order.extend(rest.take().unwrap_or_default());
            } else {
                order.extend(self.picked(&input, std::slice::from_ref(item)));
            }
        }
        order.extend(rest.unwrap_or_default());
        let mut seen = std::collections::HashSet::new();
        order.retain(|at| seen.insert(*at));
        pick(input, &order, span)
    }

    fn rename(&mut self, input: Plan, items: &[NamedExpr], span: Span) -> Plan {
        let mut schema = input.schema.clone();
        for item in items {
            let ([new], syntax::ExprKind::Name(old)) = (item.names.as_slice(), &item.value.kind) else {
                self.error(codes::SYNTAX, item.value.span, "write `new = old`");
                continue;
            };
            if new.text == *old {
                self.error(codes::DUPLICATE_NAME, new.span, format!("there is a column called `{old}` already"));
            }
            match input.schema.iter().position(|column| column.name == *old) {
                Some(at) => schema[at].name.clone_from(&new.text),
                None => {
                    self.scalar(&item.value, &mut Row::of(&input.schema));
                }
            }
        }
        let mut names = Names::default();
        for column in &schema {
            if !names.declare(&column.name) {
                self.error(codes::DUPLICATE_NAME, span, format!("there are two columns called `{}`", column.name));
            }
        }
        let columns = (0..schema.len()).map(|at| expr::at(&input.schema, at, span)).collect();
        projected(input, schema, columns, false, span)
    }
}

/// A projection; with window functions, a window.
pub(super) fn projected(input: Plan, schema: Vec<ColumnSchema>, columns: Vec<Expr>, window: bool, span: Span) -> Plan {
    let input = Box::new(input);
    let node = if window { Node::Window { input, columns } } else { Node::Project { input, columns } };
    Plan { node, schema, span }
}

/// The columns at these positions.
pub(super) fn pick(input: Plan, positions: &[usize], span: Span) -> Plan {
    let schema = positions.iter().map(|at| input.schema[*at].clone()).collect();
    let columns = positions.iter().map(|at| expr::at(&input.schema, *at, span)).collect();
    projected(input, schema, columns, false, span)
}

/// The arrays that a call of `array_sort_asc` or `array_sort_desc` sorts together.
pub(super) fn sorted_together(value: &syntax::Expr) -> Option<&[syntax::Argument]> {
    let syntax::ExprKind::Call { function, args } = &value.kind else { return None };
    let arrays = super::call::sorted_arrays(args);
    (matches!(function.text.as_str(), "array_sort_asc" | "array_sort_desc") && arrays > 1).then(|| &args[..arrays])
}

/// Outputs of functions that give several, in order; such a call gives an array of them.
fn several(value: &syntax::Expr) -> Option<&'static [(&'static str, ScalarType)]> {
    use ScalarType::{Dynamic, Long, Real};
    let syntax::ExprKind::Call { function, .. } = &value.kind else { return None };
    Some(match function.text.as_str() {
        "series_decompose_anomalies" => &[("ad_flag", Dynamic), ("ad_score", Dynamic), ("baseline", Dynamic)],
        "series_decompose" => {
            &[("baseline", Dynamic), ("seasonal", Dynamic), ("trend", Dynamic), ("residual", Dynamic)]
        }
        "series_fit_line" => &[
            ("rsquare", Real),
            ("slope", Real),
            ("variance", Real),
            ("rvariance", Real),
            ("interception", Real),
            ("line_fit", Dynamic),
        ],
        "series_fit_2lines" => &[
            ("rsquare", Real),
            ("split_idx", Long),
            ("variance", Real),
            ("rvariance", Real),
            ("line_fit", Dynamic),
            ("right_rsquare", Real),
            ("right_slope", Real),
            ("right_interception", Real),
            ("right_variance", Real),
            ("right_rvariance", Real),
            ("left_rsquare", Real),
            ("left_slope", Real),
            ("left_interception", Real),
            ("left_variance", Real),
            ("left_rvariance", Real),
        ],
        "series_fft" | "series_ifft" => &[("real", Dynamic), ("imag", Dynamic)],
        "series_fit_poly" => &[
            ("rsquare", Real),
            ("coefficients", Dynamic),
            ("variance", Real),
            ("rvariance", Real),
            ("poly_fit", Dynamic),
        ],
        "series_periods_detect" => &[("periods", Dynamic), ("periods_scores", Dynamic)],
        "series_periods_validate" => &[("periods", Dynamic), ("scores", Dynamic)],
        "series_stats" => &[
            ("min", Real),
            ("min_idx", Long),
            ("max", Real),
            ("max_idx", Long),
            ("avg", Real),
            ("stdev", Real),
            ("variance", Real),
        ],
        _ => return None,
    })
}
