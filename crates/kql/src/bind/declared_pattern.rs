//! Calls of what `declare pattern` declared.

use std::rc::Rc;

use kernel::diagnostic::Span;
use kernel::value::Value;

use super::{Binder, Meaning, Row, source};
use crate::algebra::{ExprKind, Plan};
use crate::{codes, syntax};

impl Binder<'_> {
    /// Is it `name(…)` or `name(…).path` of a declared pattern?
    pub(super) fn calls_pattern(&self, expr: &syntax::Expr) -> bool {
        match &expr.kind {
            syntax::ExprKind::Call { function, .. } => {
                matches!(self.lookup(&function.text), Some(Meaning::Pattern { .. }))
            }
            syntax::ExprKind::Member { base, .. } | syntax::ExprKind::Index { base, .. } => {
                matches!(base.kind, syntax::ExprKind::Call { .. }) && self.calls_pattern(base)
            }
            _ => false,
        }
    }

    /// The table of the arm that fits.
    pub(super) fn pattern_table(&mut self, expr: &syntax::Expr) -> Plan {
        let (call, path) = match &expr.kind {
            syntax::ExprKind::Member { base, name } => (base.as_ref(), Some(name.text.clone())),
            syntax::ExprKind::Index { base, index } => match self.scalar(index, &mut Row::default()).kind {
                ExprKind::Literal(Value::String(path)) => (base.as_ref(), Some(path)),
                _ => {
                    self.error(codes::NOT_CONSTANT, index.span, "the path of a pattern is a constant text");
                    return source::nothing(expr.span);
                }
            },
            _ => (expr, None),
        };
        let syntax::ExprKind::Call { function, args } = &call.kind else { return source::nothing(expr.span) };
        let Some(Meaning::Pattern { pattern, environment }) = self.lookup(&function.text) else {
            return source::nothing(expr.span);
        };
        let (pattern, environment) = (Rc::clone(pattern), environment.clone());
        let mut given = Vec::with_capacity(args.len());
        for argument in args {
            match self.scalar(&argument.value, &mut Row::default()).kind {
                ExprKind::Literal(Value::String(text)) => given.push(text),
                ExprKind::Invalid => return source::nothing(expr.span),
                _ => {
                    self.error(codes::NOT_CONSTANT, argument.value.span, "a pattern is called with constant texts");
                    return source::nothing(expr.span);
                }
            }
        }
        let fits = |arm: &&syntax::PatternArm| arm.arguments == given && arm.path == path;
        match pattern.arms.iter().find(fits) {
            Some(arm) => self
                .inside(environment, Vec::new(), expr.span, |binder| binder.body(&arm.body, expr.span))
                .unwrap_or_else(|| source::nothing(expr.span)),
            None => self.no_arm(&pattern, &given, path.as_deref(), expr.span),
        }
    }

    fn no_arm(&mut self, pattern: &syntax::Pattern, given: &[String], path: Option<&str>, span: Span) -> Plan {
        let called = |arguments: &[String], path: Option<&str>| {
            let arguments: Vec<String> = arguments.iter().map(|text| format!("'{text}'")).collect();
            let path = path.map_or_else(String::new, |path| format!(".['{path}']"));
            format!("{}({}){path}", pattern.name.text, arguments.join(", "))
        };
        let message = if pattern.arms.is_empty() {
            format!("the pattern `{}` is declared, but says nothing of {}", pattern.name.text, called(given, path))
        } else {
            format!("no arm of the pattern fits {}", called(given, path))
        };
        let known: Vec<String> = pattern.arms.iter().map(|arm| called(&arm.arguments, arm.path.as_deref())).collect();
        let reported = self.error(codes::BAD_ARGUMENTS, span, message);
        if !known.is_empty() {
            reported.help(format!("there are {}", known.join(", ")));
        }
        source::nothing(span)
    }
}
