//! Plugins of `evaluate`.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::Names;
use super::place_lookup::ShapeKind;
use super::project::{pick, projected};
use super::{Binder, Row, convert, expr};
use crate::algebra::{ExpandColumn, Expr, ExprKind, JoinKey, JoinKind, Node, Plan};
use crate::{codes, syntax};

/// Of the Internet Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V4,
    V6,
}

impl Binder<'_> {
    pub(super) fn evaluate(
        &mut self,
        input: Plan,
        call: &syntax::Expr,
        schema: Option<&[(syntax::Name, ScalarType)]>,
        span: Span,
    ) -> Plan {
        let syntax::ExprKind::Call { function, args } = &call.kind else {
            self.error(
                codes::SYNTAX,
                call.span,
                "a plugin is called with its arguments, as in `evaluate bag_unpack(Column)`",
            );
            return input;
        };
        match (function.text.as_str(), schema) {
            ("bag_unpack", Some(schema)) => self.unpack(input, args, schema, span),
            ("bag_unpack", None) => self.unpack_all(input, args, function.span, span),
            ("pivot", None) => self.pivot(input, args, function.span, span),
            ("ipv4_lookup", None) => self.ip_lookup(input, args, Version::V4, span),
            ("ipv6_lookup", None) => self.ip_lookup(input, args, Version::V6, span),
            ("geo_polygon_lookup", None) => self.place_lookup(input, args, ShapeKind::Polygon, span),
            ("geo_line_lookup", None) => self.place_lookup(input, args, ShapeKind::Line, span),
            ("narrow", None) => self.narrow(input, span),
            ("estimate_rows_count", None) => self.rows_count(input, span),
            ("preview", None) => self.preview(input, args, span),
            ("dcount_intersect", None) => self.dcount_intersect(input, args, span),
            (name, _) => {
                if schema.is_none()
                    && let Some(plan) = self.method_plugin(&input, name, args, span)
                {
                    return plan;
                }
                let reason = super::refused::plugin(name).map_or_else(String::new, |reason| format!(": {reason}"));
                let message = format!("the plugin `{name}` is not supported{reason}");
                self.error(codes::UNSUPPORTED, function.span, message);
                input
            }
        }
    }

    /// `bag_unpack` with a declared schema: each declared column that the input lacks is a key of the bag.
    fn unpack(
        &mut self,
        input: Plan,
        args: &[syntax::Argument],
        declared: &[(syntax::Name, ScalarType)],
        span: Span,
    ) -> Plan {
        let mut row = Row::of(&input.schema);
        let Some(bag) = args.first().map(|argument| self.scalar(&argument.value, &mut row)) else { return input };
        let ExprKind::Column { index, .. } = bag.kind else {
            self.error(codes::UNSUPPORTED, span, "`bag_unpack` takes a column").help("`extend` the bag first");
            return input;
        };
        let Some(unpacking) = self.unpacking(&args[1..]) else { return input };
        let mut schema = Vec::new();
        let mut columns = Vec::new();
        for (name, scalar) in declared {
            if name.text == "*" {
                for at in (0..input.schema.len()).filter(|at| *at != index) {
                    if declared.iter().all(|(name, _)| name.text != input.schema[at].name) {
                        schema.push(input.schema[at].clone());
                        columns.push(expr::at(&input.schema, at, span));
                    }
                }
                continue;
            }
            let existing = input.schema.iter().position(|column| column.name == name.text).filter(|at| *at != index);
            let key = name.text.strip_prefix(unpacking.prefix.as_str()).filter(|key| !unpacking.ignores(key));
            let expr = match (existing, key) {
                (Some(at), _) if !unpacking.replaces() => expr::at(&input.schema, at, span),
                (None, Some(key)) => Self::key_of(&bag, key, *scalar, span),
                (Some(at), Some(key)) => {
                    let of_bag = Self::key_of(&bag, key, *scalar, span);
                    let own = convert::convert(expr::at(&input.schema, at, span), *scalar);
                    self.call_by_name("coalesce", vec![of_bag, own], span)
                }
                (Some(at), None) => expr::at(&input.schema, at, span),
                (None, None) => Expr { kind: ExprKind::Literal(Value::Null), scalar: *scalar, span },
            };
            schema.push(ColumnSchema { name: name.text.clone(), scalar: expr.scalar });
            columns.push(expr);
        }
        projected(input, schema, columns, false, span)
    }

    /// `estimate_rows_count()`: the number of rows, which is exact here.
    fn rows_count(&mut self, input: Plan, span: Span) -> Plan {
        let mut counted = self.count(input, span);
        "EstimatedRowsCount".clone_into(&mut counted.schema[0].name);
        counted
    }

    /// `preview(n)`: some of the rows.
    fn preview(&mut self, input: Plan, args: &[syntax::Argument], span: Span) -> Plan {
        let [rows] = args else {
            self.error(codes::BAD_ARGUMENTS, span, "`preview` takes a number of rows")
                .help("write `evaluate preview(10)`");
            return input;
        };
        self.ignored(span, "`preview` gives some rows; count them all with a query of its own");
        let rows = self.row_count(&rows.value);
        super::pipeline::over(input, span, |input| Node::Take { input, rows })
    }

    /// `dcount_intersect(hll, hll, …)`: how many values the first have in common, for each beginning of the list.
    fn dcount_intersect(&mut self, input: Plan, args: &[syntax::Argument], span: Span) -> Plan {
        let mut row = Row::of(&input.schema);
        let values: Vec<Expr> = args
            .iter()
            .map(|argument| {
                let bound = self.scalar(&argument.value, &mut row);
                self.expect(bound, ScalarType::Dynamic)
            })
            .collect();
        if !(2..=16).contains(&values.len()) {
            self.error(codes::BAD_ARGUMENTS, span, "`dcount_intersect` takes 2 to 16 values of `hll()`");
            return input;
        }
        let mut names = Names::of(input.schema.iter().map(|column| column.name.as_str()));
        let added = (0..values.len())
            .map(|at| {
                let counted = self.internal("op_hll_common", values[..=at].to_vec(), span);
                (column(&names.free(&format!("s{at}")), ScalarType::Long), counted)
            })
            .collect();
        appended(input, added, span)
    }

    /// `narrow()`: a row for each cell.
    fn narrow(&mut self, input: Plan, span: Span) -> Plan {
        let width = input.schema.len();
        let mut cells = Vec::with_capacity(width);
        for at in 0..width {
            let name = text(&input.schema[at].name, span);
            let value = self.call_by_name("tostring", vec![expr::at(&input.schema, at, span)], span);
            cells.push(self.call_by_name("pack_array", vec![name, value], span));
        }
        let number = self.call_by_name("row_number", vec![long(0, span)], span);
        let cells = self.call_by_name("pack_array", cells, span);
        let schema = vec![column("Row", ScalarType::Long), column("$cells", ScalarType::Dynamic)];
        let rows = projected(input, schema.clone(), vec![number, cells], true, span);
        let source = expr::at(&schema, 1, span);
        let columns = vec![ExpandColumn { source, output: 1 }];
        let node = Node::Expand { input: Box::new(rows), columns, index: None, limit: None, bag_as_array: false };
        let expanded = Plan { node, schema, span };
        let cell = expr::at(&expanded.schema, 1, span);
        let outputs = vec![
            expr::at(&expanded.schema, 0, span),
            Self::output(&cell, 0, ScalarType::String),
            Self::output(&cell, 1, ScalarType::String),
        ];
        let schema = vec![
            column("Row", ScalarType::Long),
            column("Column", ScalarType::String),
            column("Value", ScalarType::String),
        ];
        projected(expanded, schema, outputs, false, span)
    }

    /// `ipv4_lookup(Table, SourceKey, NetworkKey [, OtherKey …] [, return_unmatched])`: a join on the networks that
    /// an address lies in.
    fn ip_lookup(&mut self, input: Plan, args: &[syntax::Argument], version: Version, span: Span) -> Plan {
        let Some(lookup) = self.lookup_arguments(&input, args, span) else { return input };
        let Lookup { table, address, network, others, unmatched } = lookup;
        let input = if unmatched { self.share(input) } else { input };
        let width = input.schema.len();
        let left = self.with_networks(input.clone(), address, version, span);
        let right = {
            let key = expr::at(&table.schema, network, span);
            let key = self.network_call("op_network", key, version, span);
            appended(table.clone(), vec![(column("$network", ScalarType::String), key)], span)
        };
        let mut keys = vec![JoinKey {
            left: expr::at(&left.schema, width, span),
            right: expr::at(&right.schema, table.schema.len(), span),
        }];
        for (of_left, of_right) in &others {
            keys.push(JoinKey {
                left: expr::at(&left.schema, *of_left, span),
                right: expr::at(&right.schema, *of_right, span),
            });
        }
        let mut names = Names::of(input.schema.iter().map(|column| column.name.as_str()));
        let added: Vec<usize> =
            (0..table.schema.len()).filter(|at| others.iter().all(|(_, of_right)| of_right != at)).collect();
        let renamed: Vec<ColumnSchema> =
            added.iter().map(|at| column(&names.free(&table.schema[*at].name), table.schema[*at].scalar)).collect();
        let schema = numbered(left.schema.iter().chain(&right.schema));
        let node = Node::Join { kind: JoinKind::Inner, left: Box::new(left), right: Box::new(right), keys };
        let joined = Plan { node, schema, span };
        let mut kept: Vec<Expr> = (0..width).map(|at| expr::at(&joined.schema, at, span)).collect();
        kept.extend(added.iter().map(|at| expr::at(&joined.schema, width + 1 + at, span)));
        let schema: Vec<ColumnSchema> = input.schema.iter().chain(&renamed).cloned().collect();
        let mut answer = projected(joined, schema.clone(), kept, false, span);
        if unmatched {
            answer = self.share(answer);
            let keys: Vec<usize> = std::iter::once(address).chain(others.iter().map(|(of_left, _)| *of_left)).collect();
            let rest = without_matches(input, answer.clone(), &keys, &renamed, span);
            answer = Plan { node: Node::Union { inputs: vec![answer, rest] }, schema: schema.clone(), span };
        }
        if version == Version::V4 {
            return answer;
        }
        // The plugin for version 6 gives the columns of the lookup table first.
        let order: Vec<usize> = (width..schema.len()).chain(0..width).collect();
        pick(answer, &order, span)
    }

    /// One row for each network that the address of a row lies in; the network comes last.
    fn with_networks(&mut self, input: Plan, address: usize, version: Version, span: Span) -> Plan {
        let width = input.schema.len();
        let address = expr::at(&input.schema, address, span);
        let networks = self.network_call("op_networks_of", address, version, span);
        let listed = appended(input, vec![(column("$networks", ScalarType::Dynamic), networks)], span);
        let mut schema = listed.schema.clone();
        schema[width].scalar = ScalarType::String;
        let columns = vec![ExpandColumn { source: expr::at(&listed.schema, width, span), output: width }];
        let node = Node::Expand { input: Box::new(listed), columns, index: None, limit: None, bag_as_array: false };
        Plan { node, schema, span }
    }

    fn network_call(&mut self, name: &str, address: Expr, version: Version, span: Span) -> Expr {
        let version = long(if version == Version::V4 { 4 } else { 6 }, span);
        self.internal(name, vec![address, version], span)
    }

    fn lookup_arguments(&mut self, input: &Plan, args: &[syntax::Argument], span: Span) -> Option<Lookup> {
        let mut unmatched = false;
        let mut given = Vec::new();
        for argument in args {
            let named = argument.name.as_ref().is_some_and(|name| name.text == "return_unmatched");
            match &argument.value.kind {
                syntax::ExprKind::Literal(Value::Bool(flag), _) => unmatched = *flag,
                _ if named => {
                    let message = "`return_unmatched` is the constant true or false";
                    self.error(codes::NOT_CONSTANT, argument.value.span, message);
                    return None;
                }
                _ => given.push(&argument.value),
            }
        }
        let [table, address, network, others @ ..] = given.as_slice() else {
            self.error(
                codes::BAD_ARGUMENTS,
                span,
                "the plugin needs a table, an address of the input and a network of the table",
            )
            .help("write `evaluate ipv4_lookup(Networks, Address, Network)`");
            return None;
        };
        let table = self.table(table);
        let address = self.column_named(&input.schema, address)?;
        let network = self.column_named(&table.schema, network)?;
        let mut pairs = Vec::with_capacity(others.len());
        for other in others {
            let pair = (self.column_named(&input.schema, other)?, self.column_named(&table.schema, other)?);
            if input.schema[pair.0].scalar != table.schema[pair.1].scalar {
                let message = "the two columns of this key have different types";
                self.error(codes::WRONG_TYPE, other.span, message).help("convert one of them with `extend` first");
                return None;
            }
            pairs.push(pair);
        }
        for (schema, at) in [(&input.schema, address), (&table.schema, network)] {
            if schema[at].scalar != ScalarType::String {
                let message = format!("`{}` is a {}; addresses are strings", schema[at].name, schema[at].scalar);
                self.error(codes::WRONG_TYPE, span, message).help("convert it with `tostring(…)` first");
                return None;
            }
        }
        Some(Lookup { table, address, network, others: pairs, unmatched })
    }

    /// The position of the column that `name` must be.
    pub(super) fn column_named(&mut self, schema: &[ColumnSchema], name: &syntax::Expr) -> Option<usize> {
        let bound = self.scalar(name, &mut Row::of(schema));
        match bound.kind {
            ExprKind::Column { index, .. } => Some(index),
            ExprKind::Invalid => None,
            _ => {
                self.error(codes::WRONG_SHAPE, name.span, "a column name is needed here")
                    .help("`extend` the value first");
                None
            }
        }
    }
}

/// What `ipv4_lookup` was asked.
struct Lookup {
    table: Plan,
    /// Column of the input.
    address: usize,
    /// Column of the table.
    network: usize,
    /// Further keys, of the input and of the table.
    others: Vec<(usize, usize)>,
    unmatched: bool,
}

/// Rows of `input` whose `keys` do not occur in `matches`, with nulls for the columns that matches have in addition.
pub(super) fn without_matches(input: Plan, matches: Plan, keys: &[usize], added: &[ColumnSchema], span: Span) -> Plan {
    let mut schema = input.schema.clone();
    let keys = keys
        .iter()
        .map(|at| JoinKey { left: expr::at(&schema, *at, span), right: expr::at(&matches.schema, *at, span) })
        .collect();
    let mut columns: Vec<Expr> = (0..schema.len()).map(|at| expr::at(&schema, at, span)).collect();
    let node = Node::Join { kind: JoinKind::LeftAnti, left: Box::new(input), right: Box::new(matches), keys };
    let rest = Plan { node, schema: schema.clone(), span };
    for column in added {
        let null = Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::Dynamic, span };
        columns.push(convert::convert(null, column.scalar));
        schema.push(column.clone());
    }
    projected(rest, schema, columns, false, span)
}

/// `input` with further columns.
pub(super) fn appended(input: Plan, added: Vec<(ColumnSchema, Expr)>, span: Span) -> Plan {
    let mut schema = input.schema.clone();
    let mut columns: Vec<Expr> = (0..schema.len()).map(|at| expr::at(&schema, at, span)).collect();
    for (column, value) in added {
        schema.push(column);
        columns.push(value);
    }
    projected(input, schema, columns, false, span)
}

/// Columns of a join that nobody names.
pub(super) fn numbered<'c>(columns: impl Iterator<Item = &'c ColumnSchema>) -> Vec<ColumnSchema> {
    columns.enumerate().map(|(at, known)| column(&format!("${at}"), known.scalar)).collect()
}

pub(super) fn column(name: &str, scalar: ScalarType) -> ColumnSchema {
    ColumnSchema { name: name.to_owned(), scalar }
}

fn text(text: &str, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Value::String(text.to_owned())), scalar: ScalarType::String, span }
}

fn long(number: i64, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Value::Long(number)), scalar: ScalarType::Long, span }
}
