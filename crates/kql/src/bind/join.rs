//! join and lookup.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::ScalarType;

use super::name::Names;
use super::pipeline::option;
use super::{Binder, Row, convert, expr, project};
use crate::algebra::{Expr, ExprKind, JoinKey, JoinKind, Node, Plan};
use crate::{codes, syntax};

impl Binder<'_> {
    pub(super) fn join(
        &mut self,
        left: Plan,
        lookup: bool,
        options: &[syntax::Setting],
        right: &syntax::Expr,
        on: &[syntax::Expr],
        span: Span,
    ) -> Plan {
        let right = self.table(right);
        let kind = self.join_kind(lookup, options);
        let keys = self.join_keys(&left, &right, on);
        if on.is_empty() {
            self.error(codes::SYNTAX, span, "a join needs keys").help("write `on Column` or `on $left.A == $right.B`");
        }
        let right_keys: Vec<usize> = keys
            .iter()
            .filter_map(|key| match &key.right.kind {
                ExprKind::Column { index, .. } => Some(*index),
                ExprKind::Convert { operand } => match operand.kind {
                    ExprKind::Column { index, .. } => Some(index),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let one_sided = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => Some(left.schema.clone()),
            JoinKind::RightSemi | JoinKind::RightAnti => Some(right.schema.clone()),
            _ => None,
        };
        let width = left.schema.len();
        let schema = one_sided.unwrap_or_else(|| {
            let dropped = if lookup { right_keys.as_slice() } else { &[] };
            both_sides(&left.schema, &right.schema, dropped)
        });
        let node = Node::Join { kind, left: Box::new(left), right: Box::new(right), keys };
        let joined = Plan { node, schema, span };
        if !lookup {
            return joined;
        }
        let kept: Vec<usize> =
            (0..joined.schema.len()).filter(|at| *at < width || !right_keys.contains(&(at - width))).collect();
        project::pick(joined, &kept, span)
    }

    fn join_kind(&mut self, lookup: bool, options: &[syntax::Setting]) -> JoinKind {
        let Some((word, span)) = option(options, "kind") else {
            return if lookup { JoinKind::LeftOuter } else { JoinKind::InnerUnique };
        };
        let kind = match word {
            "innerunique" => JoinKind::InnerUnique,
            "inner" => JoinKind::Inner,
            "leftouter" => JoinKind::LeftOuter,
            "rightouter" => JoinKind::RightOuter,
            "fullouter" => JoinKind::FullOuter,
            "leftsemi" => JoinKind::LeftSemi,
            "rightsemi" => JoinKind::RightSemi,
            "leftanti" | "anti" | "leftantisemi" => JoinKind::LeftAnti,
            "rightanti" | "rightantisemi" => JoinKind::RightAnti,
            other => {
                let message = format!("there is no join of kind `{other}`");
                self.error(codes::SYNTAX, span, message)
                    .help("kinds: innerunique, inner, leftouter, rightouter, fullouter, leftsemi, rightsemi, leftanti, rightanti");
                JoinKind::Inner
            }
        };
        if lookup && !matches!(kind, JoinKind::LeftOuter | JoinKind::Inner) {
            self.error(codes::SYNTAX, span, "`lookup` is of kind leftouter or inner")
                .help("use `join` for other kinds");
        }
        kind
    }

    fn join_keys(&mut self, left: &Plan, right: &Plan, on: &[syntax::Expr]) -> Vec<JoinKey> {
        let mut keys = Vec::new();
        for condition in on {
            match &condition.kind {
                syntax::ExprKind::Logical { all: true, operands } => {
                    for operand in operands {
                        keys.extend(self.join_key(left, right, operand));
                    }
                }
                _ => keys.extend(self.join_key(left, right, condition)),
            }
        }
        keys
    }

    fn join_key(&mut self, left: &Plan, right: &Plan, condition: &syntax::Expr) -> Option<JoinKey> {
        let mut row = Row { columns: left.schema.clone(), right: Some(right.schema.clone()), ..Row::default() };
        match &condition.kind {
            syntax::ExprKind::Name(name) => {
                let of_left = self.scalar(condition, &mut Row::of(&left.schema));
                let of_right = expr::column(&right.schema, name, condition.span).unwrap_or_else(|| {
                    let (span, message) =
                        (condition.span, format!("the right side of the join has no column `{name}`"));
                    if !matches!(of_left.kind, ExprKind::Invalid) {
                        self.error(codes::UNKNOWN_COLUMN, span, message)
                            .help(format!("write `$left.{name} == $right.OtherName`"));
                    }
                    Self::invalid(span)
                });
                // Dynamic values meet by their texts.
                let both_dynamic = of_left.scalar == ScalarType::Dynamic && of_right.scalar == ScalarType::Dynamic;
                if both_dynamic && ![&of_left, &of_right].iter().any(|key| matches!(key.kind, ExprKind::Invalid)) {
                    let of_left = self.force(of_left, ScalarType::String);
                    let of_right = self.force(of_right, ScalarType::String);
                    return self.key(of_left, of_right, condition.span);
                }
                self.key(of_left, of_right, condition.span)
            }
            syntax::ExprKind::Infix { op, left: a, right: b } if op.text == "==" || op.text == "=" => {
                let (first, second) = (side(a), side(b));
                let (of_left, of_right) = match (first, second) {
                    (Some(true), Some(false)) => (a, b),
                    (Some(false), Some(true)) => (b, a),
                    _ => {
                        self.error(codes::SYNTAX, condition.span, "a join key compares `$left.…` with `$right.…`");
                        return None;
                    }
                };
                let of_left = self.scalar(of_left, &mut row);
                let of_right = self.scalar(of_right, &mut row);
                self.key(of_left, of_right, condition.span)
            }
            syntax::ExprKind::Missing => None,
            _ => {
                self.error(codes::SYNTAX, condition.span, "a join key is a column name or `$left.A == $right.B`")
                    .help("compute other keys with `extend` before the join, or filter with `where` after it");
                None
            }
        }
    }

    fn key(&mut self, left: Expr, right: Expr, span: Span) -> Option<JoinKey> {
        if matches!(left.kind, ExprKind::Invalid) || matches!(right.kind, ExprKind::Invalid) {
            return None;
        }
        // Of a column that no table has, the type is not known either.
        let unknown = self.unknown_is_null.is_some() && left.scalar != right.scalar;
        if !unknown && (left.scalar == ScalarType::Dynamic || right.scalar == ScalarType::Dynamic) {
            self.error(codes::WRONG_TYPE, span, "a join key cannot be dynamic")
                .help("`extend` it with `tostring(…)` before the join");
            return None;
        }
        let Some(scalar) = convert::common(left.scalar, right.scalar) else {
            let message = format!("the keys are {} and {}", left.scalar, right.scalar);
            self.error(codes::WRONG_TYPE, span, message).help("convert one of them with `extend` before the join");
            return None;
        };
        Some(JoinKey { left: convert::convert(left, scalar), right: convert::convert(right, scalar) })
    }
}

/// Which side an expression is of: `$left.a` (true), `$right.a` (false).
fn side(expr: &syntax::Expr) -> Option<bool> {
    match &expr.kind {
        syntax::ExprKind::Member { base, .. } | syntax::ExprKind::Index { base, .. } => match &base.kind {
            syntax::ExprKind::Name(name) if name == "$left" => Some(true),
            syntax::ExprKind::Name(name) if name == "$right" => Some(false),
            _ => side(base),
        },
        syntax::ExprKind::Call { args, .. } => args.iter().find_map(|argument| side(&argument.value)),
        _ => None,
    }
}

/// Columns of both sides; those of the right that are taken get a number. `dropped` right columns get hidden names.
fn both_sides(left: &[ColumnSchema], right: &[ColumnSchema], dropped: &[usize]) -> Vec<ColumnSchema> {
    let mut schema = left.to_vec();
    let is_taken = |name: &str| left.iter().any(|column| column.name == name);
    // What is not taken keeps its name, so a number is one that no column of either side has.
    let right_names = right.iter().enumerate().filter(|(at, _)| !dropped.contains(at)).map(|(_, column)| &column.name);
    let mut names = Names::of(left.iter().map(|column| &column.name).chain(right_names).map(String::as_str));
    for (at, column) in right.iter().enumerate() {
        let name = match &column.name {
            _ if dropped.contains(&at) => format!("$key{at}"),
            name if is_taken(name) => names.numbered(name),
            name => name.clone(),
        };
        schema.push(ColumnSchema { name, scalar: column.scalar });
    }
    schema
}
