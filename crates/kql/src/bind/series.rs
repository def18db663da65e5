//! make-series.

use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::{Names, automatic};
use super::{Binder, Row, convert};
use crate::algebra::{Expr, ExprKind, Node, Plan, Series};
use crate::syntax::{Operator, OperatorKind};
use crate::{codes, syntax};

impl Binder<'_> {
    pub(super) fn make_series(&mut self, input: Plan, operator: &Operator) -> Plan {
        let OperatorKind::MakeSeries { options, series, axis, from, to, step, by } = &operator.kind else {
            return input;
        };
        let span = operator.span;
        let mut row = Row::of(&input.schema);
        let mut names = Names::default();
        let items = self.items(by, &mut row);
        let (mut schema, keys) = self.columns(items, &mut names, span);
        let mut bound = Vec::with_capacity(series.len());
        for item in series {
            let Some((calls, value, name)) = self.bin_value(&item.value, &input) else { continue };
            let result = value.scalar;
            let default = match &item.default {
                Some(default) => {
                    let default = self.scalar(default, &mut Row::default());
                    self.series_default(default, result)
                }
                None => convert::convert(
                    Expr { kind: ExprKind::Literal(Value::Long(0)), scalar: ScalarType::Long, span },
                    result,
                ),
            };
            schema.push(ColumnSchema { name: names.automatic(name), scalar: ScalarType::Dynamic });
            bound.push(Series { calls, value, default });
        }
        let axis_name = axis.names.first().map(|name| name.text.clone()).or_else(|| automatic(&axis.value));
        let axis = self.scalar(&axis.value, &mut row);
        let scalar = axis.scalar;
        let step_type = if scalar == ScalarType::DateTime { ScalarType::TimeSpan } else { scalar };
        let from = from.as_ref().map(|from| self.bound(from, scalar));
        let to = to.as_ref().map(|to| self.bound(to, scalar));
        let step = self.bound(step, step_type);
        if row.window {
            self.error(codes::MISPLACED, span, "window functions cannot stand in `make-series`")
                .help("compute them with `extend` first");
        }
        let nonempty = match super::pipeline::option(options, "kind") {
            None => false,
            Some(("nonempty", _)) => true,
            Some((other, at)) => {
                self.error(codes::SYNTAX, at, format!("there is no `make-series` of kind `{other}`"))
                    .help("write `kind=nonempty`");
                false
            }
        };
        let name = names.automatic(axis_name);
        schema.push(ColumnSchema { name, scalar: ScalarType::Dynamic });
        Plan {
            node: Node::MakeSeries { input: Box::new(input), series: bound, axis, from, to, step, keys, nonempty },
            schema,
            span,
        }
    }

    fn bound(&mut self, expr: &syntax::Expr, scalar: ScalarType) -> Expr {
        let bound = self.scalar(expr, &mut Row::default());
        self.expect(bound, scalar)
    }

    /// The default in the type of the aggregate; a long default serves a real series.
    fn series_default(&mut self, default: Expr, scalar: ScalarType) -> Expr {
        if convert::cost(default.scalar, scalar).is_some()
            || convert::is_numeric(default.scalar) && convert::is_numeric(scalar)
        {
            return self.force(default, scalar);
        }
        self.expect(default, scalar)
    }
}
