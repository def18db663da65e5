//! Plugins of `evaluate` that look up places on Earth: `geo_polygon_lookup`, `geo_line_lookup`.
//!
//! Both are joins on cells: every shape is covered by some cells of a grid, a place lies in one cell of each size.
//! What the cells let through is asked exactly.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::Names;
use super::plugin::{appended, column, numbered, without_matches};
use super::project::projected;
use super::{Binder, expr};
use crate::algebra::{BinaryOp, ExpandColumn, Expr, ExprKind, JoinKey, JoinKind, Node, Plan};
use crate::{codes, syntax};

/// What the table's shapes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeKind {
    Polygon,
    Line,
}

/// What the plugin was asked.
struct Lookup {
    table: Plan,
    /// Column of the table.
    shape: usize,
    /// Columns of the input.
    place: [usize; 2],
    radius_m: Option<f64>,
    unmatched: bool,
    with_shape: bool,
}

/// Options after the columns, in their order.
const OPTIONS: [&str; 4] = ["radius", "return_unmatched", "lookup_area_radius", "return_lookup_key"];

impl Binder<'_> {
    pub(super) fn place_lookup(&mut self, input: Plan, args: &[syntax::Argument], kind: ShapeKind, span: Span) -> Plan {
        let Some(lookup) = self.place_arguments(&input, args, kind, span) else { return input };
        let input = if lookup.unmatched { self.share(input) } else { input };
        let joined = self.on_cells(&input, &lookup, kind, span);
        let width = input.schema.len();
        let kept = self.exactly(joined, &lookup, kind, width, span);

        let mut names = Names::of(input.schema.iter().map(|column| column.name.as_str()));
        let listed = (0..lookup.table.schema.len()).filter(|at| lookup.with_shape || *at != lookup.shape);
        let listed: Vec<usize> = listed.collect();
        let added: Vec<ColumnSchema> = listed
            .iter()
            .map(|at| column(&names.free(&lookup.table.schema[*at].name), lookup.table.schema[*at].scalar))
            .collect();
        // The input's columns, the cell, the table's columns, the cell.
        let columns = (0..width).chain(listed.iter().map(|at| width + 1 + at));
        let columns = columns.map(|at| expr::at(&kept.schema, at, span)).collect();
        let schema: Vec<ColumnSchema> = input.schema.iter().chain(&added).cloned().collect();
        let answer = projected(kept, schema.clone(), columns, false, span);
        if !lookup.unmatched {
            return answer;
        }
        let answer = self.share(answer);
        let rest = without_matches(input, answer.clone(), &lookup.place, &added, span);
        Plan { node: Node::Union { inputs: vec![answer, rest] }, schema, span }
    }

    /// Pairs of a row and a shape that have a cell in common.
    fn on_cells(&mut self, input: &Plan, lookup: &Lookup, kind: ShapeKind, span: Span) -> Plan {
        let place = lookup.place.map(|at| expr::at(&input.schema, at, span)).to_vec();
        let cells = self.internal("op_geo_cells_of", place, span);
        let left = expanded(input.clone(), cells, span);
        let cover = match kind {
            ShapeKind::Polygon => "op_geo_cover_polygon",
            ShapeKind::Line => "op_geo_cover_line",
        };
        let shape = expr::at(&lookup.table.schema, lookup.shape, span);
        let radius = real(lookup.radius_m.unwrap_or(0.0), span);
        let cells = self.internal(cover, vec![shape, radius], span);
        let right = expanded(lookup.table.clone(), cells, span);
        let keys = vec![JoinKey {
            left: expr::at(&left.schema, input.schema.len(), span),
            right: expr::at(&right.schema, lookup.table.schema.len(), span),
        }];
        let schema = numbered(left.schema.iter().chain(&right.schema));
        let node = Node::Join { kind: JoinKind::Inner, left: Box::new(left), right: Box::new(right), keys };
        Plan { node, schema, span }
    }

    /// Those of the pairs whose place lies in the shape or near it.
    fn exactly(&mut self, joined: Plan, lookup: &Lookup, kind: ShapeKind, width: usize, span: Span) -> Plan {
        let [longitude, latitude] = lookup.place;
        let args = [longitude, latitude, width + 1 + lookup.shape].map(|at| expr::at(&joined.schema, at, span));
        let distance = match kind {
            ShapeKind::Polygon => "geo_distance_point_to_polygon",
            ShapeKind::Line => "geo_distance_point_to_line",
        };
        let predicate = match lookup.radius_m {
            None => self.call_by_name("geo_point_in_polygon", args.to_vec(), span),
            Some(radius) => {
                let left = Box::new(self.call_by_name(distance, args.to_vec(), span));
                let right = Box::new(real(radius, span));
                let kind = ExprKind::Binary { op: BinaryOp::LessOrEqual, left, right };
                Expr { kind, scalar: ScalarType::Bool, span }
            }
        };
        let schema = joined.schema.clone();
        Plan { node: Node::Filter { input: Box::new(joined), predicate }, schema, span }
    }

    fn place_arguments(
        &mut self,
        input: &Plan,
        args: &[syntax::Argument],
        kind: ShapeKind,
        span: Span,
    ) -> Option<Lookup> {
        let [table, shape, longitude, latitude, options @ ..] = args else {
            let (name, shapes) = match kind {
                ShapeKind::Polygon => ("geo_polygon_lookup(Polygons, Polygon, Longitude, Latitude)", "polygons"),
                ShapeKind::Line => ("geo_line_lookup(Lines, Line, Longitude, Latitude, Radius)", "lines"),
            };
            let message = format!("the plugin needs a table, its column of {shapes}, and a longitude and a latitude");
            self.error(codes::BAD_ARGUMENTS, span, message).help(format!("write `evaluate {name}`"));
            return None;
        };
        let table = self.table(&table.value);
        let shape = self.column_named(&table.schema, &shape.value)?;
        let place =
            [self.column_named(&input.schema, &longitude.value)?, self.column_named(&input.schema, &latitude.value)?];
        if table.schema[shape].scalar != ScalarType::Dynamic {
            let message =
                format!("`{}` is a {}; shapes are dynamic", table.schema[shape].name, table.schema[shape].scalar);
            self.error(codes::WRONG_TYPE, span, message).help("convert it with `parse_json(…)` first");
            return None;
        }
        let mut lookup = Lookup { table, shape, place, radius_m: None, unmatched: false, with_shape: false };
        for (at, option) in options.iter().enumerate() {
            self.place_option(&mut lookup, option, at)?;
        }
        if kind == ShapeKind::Line && lookup.radius_m.is_none() {
            self.error(codes::BAD_ARGUMENTS, span, "`geo_line_lookup` needs a radius in metres");
            return None;
        }
        lookup.radius_m = lookup.radius_m.filter(|radius| kind == ShapeKind::Line || *radius > 0.0);
        Some(lookup)
    }

    /// One option, by name or by place.
    fn place_option(&mut self, lookup: &mut Lookup, option: &syntax::Argument, at: usize) -> Option<()> {
        let name = option.name.as_ref().map(|name| name.text.to_lowercase());
        let name = name.as_deref().or_else(|| OPTIONS.get(at).copied()).unwrap_or_default();
        let value = match &option.value.kind {
            syntax::ExprKind::Literal(value, _) => value.clone(),
            _ => Value::Null,
        };
        let metres = match value {
            Value::Real(metres) => Some(metres),
            Value::Long(metres) => Some(metres as f64),
            Value::Int(metres) => Some(f64::from(metres)),
            _ => None,
        };
        let metres = metres.filter(|metres| metres.is_finite() && *metres >= 0.0);
        match (name, &value, metres) {
            ("radius", _, Some(metres)) => lookup.radius_m = Some(metres),
            ("return_unmatched", Value::Bool(flag), _) => lookup.unmatched = *flag,
            ("return_lookup_key", Value::Bool(flag), _) => lookup.with_shape = *flag,
            // Helps engines that cut the world in areas; ours does not need it.
            ("lookup_area_radius", _, Some(_)) => {}
            ("radius" | "lookup_area_radius", ..) => {
                let message = format!("`{name}` is a constant number of metres, 0 or more");
                self.error(codes::NOT_CONSTANT, option.value.span, message);
                return None;
            }
            ("return_unmatched" | "return_lookup_key", ..) => {
                let message = format!("`{name}` is the constant true or false");
                self.error(codes::NOT_CONSTANT, option.value.span, message);
                return None;
            }
            _ => {
                let message = format!("the options of the plugin are {}", OPTIONS.join(", "));
                self.error(codes::BAD_ARGUMENTS, option.value.span, message);
                return None;
            }
        }
        Some(())
    }
}

/// One row for each of the row's cells, which come last.
fn expanded(input: Plan, cells: Expr, span: Span) -> Plan {
    let width = input.schema.len();
    let listed = appended(input, vec![(column("$cell", ScalarType::Dynamic), cells)], span);
    let mut schema = listed.schema.clone();
    schema[width].scalar = ScalarType::String;
    let columns = vec![ExpandColumn { source: expr::at(&listed.schema, width, span), output: width }];
    let node = Node::Expand { input: Box::new(listed), columns, index: None, limit: None, bag_as_array: false };
    Plan { node, schema, span }
}

fn real(number: f64, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Value::Real(number)), scalar: ScalarType::Real, span }
}
