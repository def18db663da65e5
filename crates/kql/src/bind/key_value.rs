//! parse-kv.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};
use serde_json::{Map, Value as Json};

use super::project::projected;
use super::{Binder, Row, convert, expr};
use crate::algebra::{Expr, ExprKind, PathStep, Plan};
use crate::{codes, syntax};

impl Binder<'_> {
    /// Reads all keys at once into a bag, then a column for each.
    pub(super) fn parse_kv(
        &mut self,
        input: Plan,
        source: &syntax::Expr,
        declared: &[(syntax::Name, ScalarType)],
        settings: &[(syntax::Name, syntax::Expr)],
        span: Span,
    ) -> Plan {
        let text = self.scalar(source, &mut Row::of(&input.schema));
        let text = self.expect(text, ScalarType::String);
        let Some(form) = self.key_value_form(settings, span) else { return input };
        let keys = declared.iter().map(|(name, _)| Json::String(name.text.clone())).collect();
        let constant =
            |json: Json| Expr { kind: ExprKind::Literal(Value::Dynamic(json)), scalar: ScalarType::Dynamic, span };
        let bag = self.internal("op_parse_kv", vec![text, constant(Json::Array(keys)), constant(form)], span);
        let width = input.schema.len();
        let mut schema = input.schema.clone();
        let mut columns: Vec<Expr> = (0..width).map(|at| expr::at(&schema, at, span)).collect();
        columns.push(bag);
        let mut read = schema.clone();
        read.push(ColumnSchema { name: "$bag".to_owned(), scalar: ScalarType::Dynamic });
        let read = projected(input, read, columns, false, span);
        let mut outputs: Vec<Expr> = (0..width).map(|at| expr::at(&schema, at, span)).collect();
        let mut seen: Vec<&str> = Vec::with_capacity(declared.len());
        for (name, scalar) in declared {
            if seen.contains(&name.text.as_str()) {
                let message = format!("there are two columns called `{}`", name.text);
                self.error(codes::DUPLICATE_NAME, name.span, message);
            }
            seen.push(&name.text);
            let base = Box::new(expr::at(&read.schema, width, span));
            let kind = ExprKind::Path { base, step: PathStep::Key(name.text.clone()) };
            let value = convert::convert(Expr { kind, scalar: ScalarType::Dynamic, span }, *scalar);
            let column = ColumnSchema { name: name.text.clone(), scalar: *scalar };
            match schema.iter().position(|known| known.name == name.text) {
                Some(at) => {
                    schema[at] = column;
                    outputs[at] = value;
                }
                None => {
                    schema.push(column);
                    outputs.push(value);
                }
            }
        }
        projected(read, schema, outputs, false, span)
    }

    /// The settings in `with (…)` as a bag: `pair`, `kv`, `quotes`, `escapes`, `greedy`, `regex`.
    fn key_value_form(&mut self, settings: &[(syntax::Name, syntax::Expr)], span: Span) -> Option<Json> {
        let mut form = Map::new();
        let (mut quotes, mut escapes) = (Vec::new(), Vec::new());
        for (name, value) in settings {
            let bound = self.scalar(value, &mut Row::default());
            match (name.text.as_str(), bound.kind) {
                ("pair_delimiter", ExprKind::Literal(Value::String(text))) if !text.is_empty() => {
                    form.insert("pair".to_owned(), text.into());
                }
                ("kv_delimiter", ExprKind::Literal(Value::String(text))) if !text.is_empty() => {
                    form.insert("kv".to_owned(), text.into());
                }
                ("quote", ExprKind::Literal(Value::String(text))) if matches!(text.chars().count(), 1 | 2) => {
                    quotes.push(Json::String(text));
                }
                ("escape", ExprKind::Literal(Value::String(text))) if text.chars().count() == 1 => {
                    escapes.push(Json::String(text));
                }
                ("greedy", ExprKind::Literal(Value::Bool(greedy))) => {
                    form.insert("greedy".to_owned(), greedy.into());
                }
                ("regex", ExprKind::Literal(Value::String(text))) => {
                    form.insert("regex".to_owned(), text.into());
                }
                (_, ExprKind::Invalid) => return None,
                (other, _) => {
                    let message = format!("`{other}` is no setting of `parse-kv`, or its value does not fit");
                    self.error(codes::SYNTAX, name.span, message).help(
                        "settings: pair_delimiter, kv_delimiter, quote (1 or 2 characters), escape (1 character), greedy, regex",
                    );
                    return None;
                }
            }
        }
        let has = |name: &str| form.contains_key(name);
        if has("pair") != has("kv")
            || has("regex") && (has("pair") || !quotes.is_empty())
            || has("greedy") && !has("pair")
        {
            self.error(codes::SYNTAX, span, "these settings of `parse-kv` do not go together").help(
                "give pair_delimiter and kv_delimiter (with quote, escape, greedy), or regex alone, or quote and escape alone",
            );
            return None;
        }
        form.insert("quotes".to_owned(), Json::Array(quotes));
        form.insert("escapes".to_owned(), Json::Array(escapes));
        Some(Json::Object(form))
    }
}
