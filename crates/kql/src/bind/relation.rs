//! mv-expand, mv-apply, parse.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::ScalarType;

use super::name::{Names, automatic};
use super::pipeline::option;
use super::{Binder, Row, convert};
use crate::algebra::{ExpandColumn, ExprKind, Node, ParseKind, ParsePart, Plan};
use crate::syntax::{ExpandItem, Operator, PatternPart};
use crate::{codes, syntax};

impl Binder<'_> {
    pub(super) fn expand(
        &mut self,
        input: Plan,
        options: &[syntax::Setting],
        items: &[ExpandItem],
        limit: Option<&syntax::Expr>,
        operator: &Operator,
    ) -> Plan {
        let span = operator.span;
        let mut row = Row::of(&input.schema);
        let mut schema = input.schema.clone();
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        let mut columns = Vec::new();
        for item in items {
            let source = self.scalar(&item.value.value, &mut row);
            if matches!(source.kind, ExprKind::Invalid) {
                continue;
            }
            if source.scalar != ScalarType::Dynamic {
                let message = format!("`{}` unfolds dynamic values, this is a {}", operator.name.text, source.scalar);
                self.error(codes::WRONG_TYPE, source.span, message)
                    .help("read it with `parse_json(…)` or `split(…)` first");
                continue;
            }
            let scalar = item.to.unwrap_or(ScalarType::Dynamic);
            let name = item.value.names.first().map(|name| name.text.clone()).or_else(|| automatic(&item.value.value));
            let output = match name.as_ref().and_then(|name| schema.iter().position(|column| column.name == *name)) {
                Some(at) => {
                    schema[at].scalar = scalar;
                    at
                }
                None => {
                    let name = names.automatic(name);
                    schema.push(ColumnSchema { name, scalar });
                    schema.len() - 1
                }
            };
            columns.push(ExpandColumn { source, output });
        }
        if row.window {
            self.error(codes::MISPLACED, span, "window functions cannot be unfolded")
                .help("compute them with `extend` first");
        }
        let index = option(options, "with_itemindex").map(|(name, _)| {
            schema.push(ColumnSchema { name: names.free(name), scalar: ScalarType::Long });
            schema.len() - 1
        });
        let bag_as_array =
            option(options, "bagexpansion").or(option(options, "kind")).is_some_and(|(word, _)| word == "array");
        let limit = match limit {
            Some(limit) => Some(self.row_count(limit)),
            // The old spelling had a limit of its own.
            None if operator.name.text == "mvexpand" => Some(128),
            None => None,
        };
        Plan { node: Node::Expand { input: Box::new(input), columns, index, limit, bag_as_array }, schema, span }
    }

    pub(super) fn apply(
        &mut self,
        input: Plan,
        options: &[syntax::Setting],
        items: &[ExpandItem],
        limit: Option<&syntax::Expr>,
        body: &[Operator],
        operator: &Operator,
    ) -> Plan {
        let span = operator.span;
        let outer: Vec<ColumnSchema> = input.schema.clone();
        let expanded = self.expand(input, options, items, limit, operator);
        let inner = Plan { node: Node::ApplyInput, schema: expanded.schema.clone(), span };
        let mut plan = inner;
        for operator in body {
            plan = self.operator(plan, operator);
        }
        // Columns of the input that the expansion left alone and the body did not pass on.
        let replaced: Vec<usize> = match &expanded.node {
            Node::Expand { columns, .. } => columns.iter().map(|column| column.output).collect(),
            _ => Vec::new(),
        };
        let passed: Vec<String> = plan.schema.iter().map(|column| column.name.clone()).collect();
        let keep: Vec<usize> =
            (0..outer.len()).filter(|at| !replaced.contains(at) && !passed.contains(&outer[*at].name)).collect();
        let schema = keep.iter().map(|at| outer[*at].clone()).chain(plan.schema.iter().cloned()).collect();
        let (schema, plan) = in_outer_order(schema, &outer, &keep, plan, span);
        Plan { node: Node::Apply { input: Box::new(expanded), body: Box::new(plan), keep }, schema, span }
    }

    pub(super) fn parse(
        &mut self,
        input: Plan,
        drop_unmatched: bool,
        options: &[syntax::Setting],
        source: &syntax::Expr,
        pattern: &[PatternPart],
        span: Span,
    ) -> Plan {
        let mut row = Row::of(&input.schema);
        let bound = self.scalar(source, &mut row);
        let source = match bound.scalar {
            ScalarType::String | ScalarType::Dynamic => convert::convert(bound, ScalarType::String),
            _ => self.force(bound, ScalarType::String),
        };
        let kind = match option(options, "kind") {
            None => ParseKind::Simple,
            Some(("simple", _)) => ParseKind::Simple,
            Some(("relaxed", _)) => ParseKind::Relaxed,
            Some(("regex", _)) => ParseKind::Regex,
            Some((other, at)) => {
                self.error(codes::SYNTAX, at, format!("there is no parse of kind `{other}`"))
                    .help("kinds: simple, relaxed, regex");
                ParseKind::Simple
            }
        };
        let flags = option(options, "flags").map(|(flags, _)| flags.to_owned()).unwrap_or_default();
        let mut schema = input.schema.clone();
        let mut parts = Vec::with_capacity(pattern.len());
        let mut declared = Names::default();
        for part in pattern {
            parts.push(match part {
                PatternPart::Star => ParsePart::Skip,
                PatternPart::Text(text) => ParsePart::Text(text.clone()),
                PatternPart::Column(name, scalar) => {
                    if !declared.declare(&name.text) {
                        self.error(
                            codes::DUPLICATE_NAME,
                            name.span,
                            format!("there are two columns called `{}`", name.text),
                        );
                    }
                    let output = match schema.iter().position(|column| column.name == name.text) {
                        Some(at) => {
                            schema[at].scalar = *scalar;
                            at
                        }
                        None => {
                            schema.push(ColumnSchema { name: name.text.clone(), scalar: *scalar });
                            schema.len() - 1
                        }
                    };
                    ParsePart::Column { output, scalar: *scalar }
                }
            });
        }
        let node = Node::Parse { input: Box::new(input), source, kind, flags, pattern: parts, drop_unmatched };
        Plan { node, schema, span }
    }
}

/// Puts a body that passes the input's columns on into the order kept columns, then the body's.
fn in_outer_order(
    schema: Vec<ColumnSchema>,
    outer: &[ColumnSchema],
    keep: &[usize],
    body: Plan,
    span: Span,
) -> (Vec<ColumnSchema>, Plan) {
    let mut order: Vec<usize> = (0..body.schema.len()).collect();
    let place = |at: &usize| outer.iter().position(|column| column.name == body.schema[*at].name).unwrap_or(usize::MAX);
    order.sort_by_key(place);
    if order.iter().enumerate().all(|(at, from)| at == *from) {
        return (schema, body);
    }
    let body = super::project::pick(body, &order, span);
    let schema = keep.iter().map(|at| outer[*at].clone()).chain(body.schema.iter().cloned()).collect();
    (schema, body)
}
