//! Graphs: how they are made of tables, marked, and turned back into tables. Patterns are beside.
//!
//! A graph is a plan with [`Node::Graph`]; only graph operators take one.

use std::rc::Rc;

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::ScalarType;

use super::name::Names;
use super::pipeline::option;
use super::project::{pick, projected};
use super::{Binder, Meaning, Row, expr, source};
use crate::algebra::{Expr, Graph, GraphNodes, Method, Node, Plan};
use crate::codes;
use crate::syntax::{self, GraphShape, GraphTable, Operator, OperatorKind};

/// The column that holds the id of a node.
pub(super) const ID: &str = "$id";
/// Columns that count the edges of a node.
pub(super) const IN: &str = "$in";
pub(super) const OUT: &str = "$out";

impl Binder<'_> {
    /// An operator after a graph.
    pub(super) fn graph_operator(&mut self, input: Plan, operator: &Operator) -> Plan {
        let span = operator.span;
        let Plan { node: Node::Graph(graph), .. } = input else {
            if !input.schema.is_empty() {
                let message = format!("`{}` takes a graph, this is a table", operator.name.text);
                self.error(codes::WRONG_SHAPE, operator.name.span, message)
                    .help("make one with `make-graph Source --> Target`");
            }
            return source::nothing(span);
        };
        match &operator.kind {
            OperatorKind::GraphMatch(pattern) => self.graph_match(*graph, pattern, operator.name.span, span),
            OperatorKind::GraphToTable(tables) => self.graph_to_table(*graph, tables, span),
            OperatorKind::GraphMarkComponents { options, component } => {
                self.mark_components(*graph, options, component.as_ref(), span)
            }
            OperatorKind::As(name) => {
                let plan = of(*graph, span);
                self.define(&name.text, Meaning::Table(Rc::new(plan.clone())));
                plan
            }
            OperatorKind::Unsupported => {
                self.unsupported(operator);
                of(*graph, span)
            }
            _ => {
                let message = format!("`{}` takes a table, this is a graph", operator.name.text);
                self.error(codes::WRONG_SHAPE, operator.name.span, message)
                    .help("take a table out of it with `graph-match` or `graph-to-table`");
                source::nothing(span)
            }
        }
    }

    /// Reports a graph where a table is needed.
    pub(super) fn no_graph(&mut self, plan: Plan) -> Plan {
        if !matches!(plan.node, Node::Graph(_)) {
            return plan;
        }
        self.error(codes::WRONG_SHAPE, plan.span, "a table is needed here, this is a graph")
            .help("take a table out of it with `graph-match` or `graph-to-table`");
        source::nothing(plan.span)
    }

    pub(super) fn make_graph(&mut self, input: Plan, shape: &GraphShape, span: Span) -> Plan {
        let edges = self.share(input);
        let ends = [&shape.source, &shape.target].map(|name| self.graph_column(&edges, name));
        let [Some(from), Some(to)] = ends else { return source::nothing(span) };
        let scalar = edges.schema[from].scalar;
        if edges.schema[to].scalar != scalar {
            let message = format!("sources are {scalar}, targets are {}", edges.schema[to].scalar);
            self.error(codes::WRONG_TYPE, shape.target.span, message).help("`extend` one in the type of the other");
            return source::nothing(span);
        }
        let mut inputs = vec![pick(edges.clone(), &[from, to], span)];
        let mut properties: Vec<ColumnSchema> = Vec::new();
        let mut made = GraphNodes { tables: Vec::new(), properties: 0, ids: Vec::new() };
        for (table, id) in &shape.nodes {
            let table = self.table(table);
            let Some(at) = self.graph_column(&table, id) else { return source::nothing(span) };
            if table.schema[at].scalar != scalar {
                let message = format!("ends of edges are {scalar}, these ids are {}", table.schema[at].scalar);
                self.error(codes::WRONG_TYPE, id.span, message).help("`extend` the id in the type of the ends");
                return source::nothing(span);
            }
            let places: Vec<usize> = table.schema.iter().map(|column| place(&mut properties, column)).collect();
            if !made.ids.contains(&places[at]) {
                made.ids.push(places[at]);
            }
            let order: Vec<usize> = std::iter::once(at).chain(0..table.schema.len()).collect();
            inputs.push(columns_at(table, &order, span));
            made.tables.push(places);
        }
        if let Some(name) = &shape.node_id {
            let column = ColumnSchema { name: name.text.clone(), scalar };
            made.ids.push(place(&mut properties, &column));
        }
        made.properties = properties.len();
        let mut schema = vec![ColumnSchema { name: ID.to_owned(), scalar }];
        schema.extend(properties);
        schema.extend([IN, OUT].map(|name| ColumnSchema { name: name.to_owned(), scalar: ScalarType::Long }));
        let nodes = Plan { node: Node::Derive { inputs, method: Method::GraphNodes(made) }, schema, span };
        let nodes = self.share(nodes);
        let order: Vec<usize> = [from, to].into_iter().chain(0..edges.schema.len()).collect();
        let mut edges = columns_at(edges, &order, span);
        edges.schema[0].name = "$source".to_owned();
        edges.schema[1].name = "$target".to_owned();
        of(Graph { nodes, edges }, span)
    }

    /// The position of a column that can identify a node.
    fn graph_column(&mut self, table: &Plan, name: &syntax::Name) -> Option<usize> {
        let column = syntax::Expr { kind: syntax::ExprKind::Name(name.text.clone()), span: name.span };
        let at = self.column_named(&table.schema, &column)?;
        if table.schema[at].scalar == ScalarType::Dynamic {
            self.error(codes::WRONG_TYPE, name.span, "a dynamic value cannot identify a node")
                .help(format!("`extend` it with `tostring({})` first", name.text));
            return None;
        }
        Some(at)
    }

    fn mark_components(
        &mut self,
        graph: Graph,
        options: &[syntax::Setting],
        component: Option<&syntax::Name>,
        span: Span,
    ) -> Plan {
        let strong = match option(options, "kind") {
            None | Some(("weak", _)) => false,
            Some(("strong", _)) => true,
            Some((other, at)) => {
                self.error(codes::SYNTAX, at, format!("there are no components of kind `{other}`"))
                    .help("kinds: weak, strong");
                false
            }
        };
        let name = component.map_or("ComponentId", |name| name.text.as_str());
        let mut schema = graph.nodes.schema.clone();
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        if names.declare(name) {
            schema.push(ColumnSchema { name: name.to_owned(), scalar: ScalarType::Long });
        } else {
            let message = format!("the nodes have a property called `{name}`");
            self.error(codes::DUPLICATE_NAME, component.map_or(span, |name| name.span), message)
                .help("name another one: `with_component_id=Name`");
        }
        let inputs = vec![graph.nodes, pick(graph.edges.clone(), &[0, 1], span)];
        let nodes = Plan { node: Node::Derive { inputs, method: Method::GraphComponents { strong } }, schema, span };
        of(Graph { nodes: self.share(nodes), edges: graph.edges }, span)
    }

    fn graph_to_table(&mut self, graph: Graph, tables: &[GraphTable], span: Span) -> Plan {
        let mut answer = None;
        for table in tables {
            let plan = match table.kind.text.as_str() {
                "nodes" => self.graph_rows(graph.nodes.clone(), &table.ids, &["with_node_id"], span),
                "edges" => {
                    self.graph_rows(graph.edges.clone(), &table.ids, &["with_source_id", "with_target_id"], span)
                }
                other => {
                    self.error(codes::SYNTAX, table.kind.span, format!("a graph has no `{other}`"))
                        .help("take `nodes` or `edges`");
                    continue;
                }
            };
            if let Some(alias) = &table.alias {
                let shared = self.share(plan.clone());
                self.define(&alias.text, Meaning::Table(Rc::new(shared)));
            } else if tables.len() > 1 {
                self.error(codes::SYNTAX, table.kind.span, "several tables of a graph need names")
                    .help("write `graph-to-table nodes as N, edges as E; N`");
            }
            answer = answer.or(Some(plan));
        }
        answer.unwrap_or_else(|| source::nothing(span))
    }

    /// The shown columns of a table of a graph, after the ids that were asked for: hashes of the values.
    fn graph_rows(&mut self, table: Plan, ids: &[(syntax::Name, syntax::Name)], known: &[&str], span: Span) -> Plan {
        let (mut schema, mut columns) = (Vec::new(), Vec::new());
        for (option, name) in ids {
            let Some(at) = known.iter().position(|known| *known == option.text) else {
                self.error(codes::SYNTAX, option.span, format!("`{}` has no meaning here", option.text))
                    .help(format!("known are: {}", known.join(", ")));
                continue;
            };
            schema.push(ColumnSchema { name: name.text.clone(), scalar: ScalarType::Long });
            columns.push(self.call_by_name("hash", vec![expr::at(&table.schema, at, span)], span));
        }
        for at in (0..table.schema.len()).filter(|at| !table.schema[*at].name.starts_with('$')) {
            schema.push(table.schema[at].clone());
            columns.push(expr::at(&table.schema, at, span));
        }
        self.check_names(&schema, span);
        projected(table, schema, columns, false, span)
    }

    /// Reports the first name that comes twice.
    pub(super) fn check_names(&mut self, schema: &[ColumnSchema], span: Span) {
        let mut names = Names::default();
        for column in schema {
            if !names.declare(&column.name) {
                self.error(codes::DUPLICATE_NAME, span, format!("there are two columns called `{}`", column.name));
                return;
            }
        }
    }

    /// A row over the columns of `schema`, each under `variable.name`.
    pub(super) fn tuple_row(schema: &[ColumnSchema], variable: &str) -> Row {
        let name = |column: &ColumnSchema| format!("{variable}.{}", column.name);
        let columns = schema.iter().map(|column| ColumnSchema { name: name(column), scalar: column.scalar }).collect();
        Row { columns, tuples: vec![variable.to_owned()], ..Row::default() }
    }
}

fn of(graph: Graph, span: Span) -> Plan {
    Plan { node: Node::Graph(Box::new(graph)), schema: Vec::new(), span }
}

/// The position of `column` among the properties; a new one where the name or the type is new.
fn place(properties: &mut Vec<ColumnSchema>, column: &ColumnSchema) -> usize {
    if let Some(at) = properties.iter().position(|known| known == column) {
        return at;
    }
    let mut names = Names::of(properties.iter().map(|known| known.name.as_str()));
    properties.push(ColumnSchema { name: names.free(&column.name), scalar: column.scalar });
    properties.len() - 1
}

/// As [`pick`], where a column may come twice; the first of its names counts.
fn columns_at(table: Plan, positions: &[usize], span: Span) -> Plan {
    let mut schema = Vec::with_capacity(positions.len());
    let columns: Vec<Expr> = positions.iter().map(|at| expr::at(&table.schema, *at, span)).collect();
    for (place, at) in positions.iter().enumerate() {
        let repeated = positions[place + 1..].contains(at);
        let name = if repeated { format!("${place}") } else { table.schema[*at].name.clone() };
        schema.push(ColumnSchema { name, scalar: table.schema[*at].scalar });
    }
    projected(table, schema, columns, false, span)
}
