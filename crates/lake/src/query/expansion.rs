//! What `mv-expand` makes of one row: a list of structs, one for each element.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use kernel::{ScalarType, Value};
use serde_json::{Value as Json, json};

use super::cells::{Cells, CellsBuilder, plan_type};
use super::convert;
use super::dynamic::{Dynamic, Kind};

/// `kql_expand`: dynamic columns to a list of rows that advance together.
#[derive(Debug, Clone)]
pub struct Expansion {
    name: String,
    types: Vec<ScalarType>,
    limit: usize,
    bag_as_array: bool,
    signature: Signature,
}

impl PartialEq for Expansion {
    fn eq(&self, other: &Expansion) -> bool {
        self.name == other.name
    }
}
impl Eq for Expansion {}
impl Hash for Expansion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Expansion {
    /// Elements become `types`, one type for each argument.
    pub fn udf(types: &[ScalarType], limit: Option<u64>, bag_as_array: bool) -> Arc<ScalarUDF> {
        let names: Vec<&str> = types.iter().map(|scalar| scalar.as_str()).collect();
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let name = format!("kql_expand({})[{limit},{bag_as_array}]", names.join(","));
        let signature = Signature::any(types.len(), Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Expansion { name, types: types.to_vec(), limit, bag_as_array, signature }))
    }

    /// The function that `name` spells, as written by [`Self::udf`].
    pub fn from_name(name: &str) -> Option<Arc<ScalarUDF>> {
        let (types, options) = name.strip_prefix("kql_expand(")?.strip_suffix(']')?.split_once(")[")?;
        let types: Option<Vec<ScalarType>> = types.split(',').map(super::functions::scalar_named).collect();
        let (limit, bag_as_array) = options.split_once(',')?;
        // No limit is the greatest there is.
        Some(Expansion::udf(&types?, Some(limit.parse().ok()?), bag_as_array.parse().ok()?))
    }

    fn fields(&self) -> Fields {
        let columns =
            self.types.iter().enumerate().map(|(at, scalar)| Field::new(format!("f{at}"), plan_type(*scalar), true));
        columns.chain([Field::new("index", DataType::Int64, true)]).collect()
    }

    /// The elements of one value; `None` for null.
    fn elements<'a>(&self, text: &'a str) -> Option<Vec<std::borrow::Cow<'a, str>>> {
        use std::borrow::Cow;
        let value = Dynamic::new(text);
        match value.kind() {
            Kind::Null => None,
            Kind::Array => Some(value.elements().into_iter().map(|element| Cow::Borrowed(element.stored())).collect()),
            Kind::Bag => Some(
                value
                    .members()
                    .into_iter()
                    .map(|(key, member)| {
                        let json = if self.bag_as_array {
                            json!([key, member.to_json()])
                        } else {
                            Json::Object([(key.into_owned(), member.to_json())].into_iter().collect())
                        };
                        Cow::Owned(json.to_string())
                    })
                    .collect(),
            ),
            _ => Some(vec![Cow::Borrowed(value.stored())]),
        }
    }
}

impl ScalarUDFImpl for Expansion {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Struct(self.fields()), true))))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let cells = call
            .args
            .iter()
            .map(|value| Cells::column(value.to_array(call.number_rows)?, ScalarType::Dynamic))
            .collect::<Result<Vec<_>>>()?;
        let mut builders: Vec<CellsBuilder> = self.types.iter().map(|scalar| CellsBuilder::new(*scalar)).collect();
        let mut index = Vec::new();
        let mut lengths = Vec::with_capacity(call.number_rows);
        for row in 0..call.number_rows {
            let parts: Vec<_> = cells.iter().map(|cells| self.elements(cells.text(row))).collect();
            // A null counts as one null element.
            let longest = parts.iter().map(|part| part.as_ref().map_or(1, Vec::len)).max().unwrap_or(0).min(self.limit);
            for at in 0..longest {
                for ((part, builder), scalar) in parts.iter().zip(&mut builders).zip(&self.types) {
                    let element = part.as_ref().and_then(|part| part.get(at));
                    match element.map(|text| Dynamic::new(text)) {
                        // Texts, which most elements are, need no value in between.
                        Some(value) if *scalar == ScalarType::String && value.kind() == Kind::String => {
                            builder.push_text(&value.to_text());
                        }
                        Some(value) => builder.push(element_value(value.stored(), *scalar)),
                        None => builder.push(Value::Null),
                    }
                }
                index.push(i64::try_from(at).unwrap_or(i64::MAX));
            }
            lengths.push(longest);
        }
        let mut columns: Vec<ArrayRef> = builders.iter_mut().map(CellsBuilder::finish).collect();
        columns.push(Arc::new(Int64Array::from(index)));
        let rows = StructArray::try_new(self.fields(), columns, None)?;
        let field = Arc::new(Field::new_list_field(DataType::Struct(self.fields()), true));
        let list = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(rows), None)?;
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}

/// `to typeof(…)` of one element; a value of another kind is null.
fn element_value(text: &str, scalar: ScalarType) -> Value {
    match Dynamic::new(text).to_json() {
        Json::Null => Value::Null,
        json => convert::convert(&Value::Dynamic(json), scalar),
    }
}
