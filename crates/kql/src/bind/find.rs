//! find: rows of several tables that fit a condition, in columns of one shape.

use std::collections::BTreeSet;

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::pipeline::option;
use super::project::projected;
use super::union::{Leg, names_in};
use super::{Binder, convert, expr, source};
use crate::algebra::{Expr, ExprKind, Plan};
use crate::codes;
use crate::syntax::{self, FindOutput};

impl Binder<'_> {
    pub(super) fn find(
        &mut self,
        options: &[syntax::Setting],
        tables: &[syntax::Expr],
        predicate: &syntax::Expr,
        output: &FindOutput,
        span: Span,
    ) -> Plan {
        let mut legs = Vec::new();
        if tables.is_empty() {
            self.legs(&syntax::Expr { kind: syntax::ExprKind::Star, span }, false, &mut legs);
        }
        for table in tables {
            self.legs(table, false, &mut legs);
        }
        let mut named = Vec::new();
        names_in(predicate, &mut named);
        // A table with none of the columns that the condition names has no row that fits.
        let has = |leg: &Leg| leg.plan.schema.iter().any(|column| named.contains(&column.name.as_str()));
        if legs.iter().any(has) {
            legs.retain(has);
        }
        let found = self.searched(legs, predicate, span);
        if found.is_empty() {
            return source::nothing(span);
        }
        let named = option(options, "withsource").or(option(options, "with_source"));
        let source_column = named.map_or("source_", |(name, _)| name);
        let (legs, packed) = match output {
            FindOutput::Smart => self.smart(found, predicate, span),
            FindOutput::Columns(columns, packed) => (self.chosen(found, columns, *packed, span), *packed),
        };
        let plan = self.unite(legs, Some(source_column), false, span);
        if packed { self.pack_last(plan, span) } else { plan }
    }

    /// The columns that the condition names and those that all tables have; the rest packed.
    fn smart(&mut self, legs: Vec<Leg>, predicate: &syntax::Expr, span: Span) -> (Vec<Leg>, bool) {
        let mut named = Vec::new();
        names_in(predicate, &mut named);
        let common = |column: &ColumnSchema| {
            legs.iter().all(|leg| leg.plan.schema.iter().any(|other| other.name == column.name))
        };
        let keeps = |column: &ColumnSchema| named.contains(&column.name.as_str()) || (legs.len() > 1 && common(column));
        let kept: Vec<Vec<bool>> = legs.iter().map(|leg| leg.plan.schema.iter().map(keeps).collect()).collect();
        let legs = legs
            .into_iter()
            .zip(kept)
            .map(|(leg, kept)| {
                let (mut schema, mut columns, mut rest) = (Vec::new(), Vec::new(), Vec::new());
                for (at, column) in leg.plan.schema.iter().enumerate() {
                    if kept[at] {
                        schema.push(column.clone());
                        columns.push(expr::at(&leg.plan.schema, at, span));
                    } else {
                        rest.push(expr::at(&leg.plan.schema, at, span));
                    }
                }
                schema.push(pack_column());
                columns.push(self.packed_without_empty(rest, span));
                Leg { plan: projected(leg.plan, schema, columns, false, span), ..leg }
            })
            .collect();
        (legs, true)
    }

    fn packed_without_empty(&mut self, columns: Vec<Expr>, span: Span) -> Expr {
        let bag = if columns.is_empty() {
            let kind = ExprKind::Literal(Value::Dynamic(serde_json::Value::Object(serde_json::Map::new())));
            Expr { kind, scalar: ScalarType::Dynamic, span }
        } else {
            self.packed(columns, span)
        };
        self.internal("op_without_empty", vec![bag], span)
    }

    /// The listed columns; what a table lacks is null there.
    fn chosen(
        &mut self,
        legs: Vec<Leg>,
        columns: &[(syntax::Name, Option<ScalarType>)],
        packed: bool,
        span: Span,
    ) -> Vec<Leg> {
        let mut types = Vec::with_capacity(columns.len());
        for (name, wanted) in columns {
            let known: BTreeSet<&str> = legs
                .iter()
                .flat_map(|leg| leg.plan.schema.iter().filter(|column| column.name == name.text))
                .map(|column| column.scalar.as_str())
                .collect();
            let first = legs.iter().find_map(|leg| leg.plan.schema.iter().find(|column| column.name == name.text));
            let scalar = match (wanted, first, known.len()) {
                (Some(wanted), _, _) => *wanted,
                (None, Some(column), 1) => column.scalar,
                (None, Some(_), _) => {
                    let types: Vec<&str> = known.into_iter().collect();
                    let message = format!("`{}` has several types: {}", name.text, types.join(", "));
                    self.error(codes::WRONG_TYPE, name.span, message)
                        .help(format!("say which: `{}:{}`", name.text, types[0]));
                    return legs;
                }
                (None, None, _) => {
                    let message = format!("no table of this `find` has a column `{}`", name.text);
                    self.error(codes::UNKNOWN_COLUMN, name.span, message);
                    return legs;
                }
            };
            types.push(scalar);
        }
        legs.into_iter()
            .map(|leg| {
                let mut schema = Vec::new();
                let mut values = Vec::new();
                for ((name, _), scalar) in columns.iter().zip(&types) {
                    schema.push(ColumnSchema { name: name.text.clone(), scalar: *scalar });
                    values.push(match expr::column(&leg.plan.schema, &name.text, span) {
                        Some(column) => self.force(column, *scalar),
                        None => convert::convert(
                            Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::Dynamic, span },
                            *scalar,
                        ),
                    });
                }
                if packed {
                    let all = (0..leg.plan.schema.len()).map(|at| expr::at(&leg.plan.schema, at, span)).collect();
                    schema.push(pack_column());
                    values.push(self.packed_without_empty(all, span));
                }
                Leg { plan: projected(leg.plan, schema, values, false, span), ..leg }
            })
            .collect()
    }

    /// The packed columns stand last.
    fn pack_last(&mut self, plan: Plan, span: Span) -> Plan {
        let Some(at) = plan.schema.iter().position(|column| column.name == "pack_") else { return plan };
        let order: Vec<usize> = (0..plan.schema.len()).filter(|place| *place != at).chain([at]).collect();
        super::project::pick(plan, &order, span)
    }
}

fn pack_column() -> ColumnSchema {
    ColumnSchema { name: "pack_".to_owned(), scalar: ScalarType::Dynamic }
}
