//! Arrays, sets and bags.

use std::collections::HashSet;

use kernel::Value;
use serde_json::{Map, Value as Json, json};

use super::conditional::compare;
use super::strings::{array, number, text};
use super::{Entry, rows};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("array_length", |args| match args.first() {
        Some(Value::Dynamic(Json::Array(elements))) => Value::Long(elements.len() as i64),
        _ => Value::Null,
    }),
    rows("array_concat", |args| {
        let all: Vec<Json> = args
            .iter()
            .flat_map(|value| match value {
                Value::Dynamic(Json::Array(elements)) => elements.clone(),
                Value::Dynamic(_) | Value::Null => Vec::new(),
                scalar => vec![json_of(scalar)],
            })
            .collect();
        Value::Dynamic(Json::Array(all))
    }),
    rows("array_index_of", array_index_of),
    rows("array_slice", array_slice),
    rows("array_split", array_split),
    rows("array_sum", sum),
    rows("array_reverse", |args| on_array(args, |elements| elements.iter().rev().cloned().collect())),
    rows("array_rotate_left", |args| rotated(args, 1)),
    rows("array_rotate_right", |args| rotated(args, -1)),
    rows("array_shift_left", |args| shifted(args, 1)),
    rows("array_shift_right", |args| shifted(args, -1)),
    rows("array_iff", array_iff),
    rows("array_iif", array_iff),
    rows("pack_array", |args| Value::Dynamic(args.iter().map(json_of).collect())),
    rows("repeat", |args| {
        let count = usize::try_from(number(args, 1).unwrap_or(-1)).ok().filter(|count| *count <= 1_048_576);
        count.map_or(Value::Null, |count| Value::Dynamic(vec![json_of(&args[0]); count].into()))
    }),
    rows("range", range),
    rows("zip", zip),
    rows("set_union", |args| {
        set(args, |mut found, next| {
            found.extend(next.iter().cloned());
            found
        })
    }),
    rows("set_intersect", |args| set(args, |found, next| found.into_iter().filter(|e| next.contains(e)).collect())),
    rows("set_difference", |args| set(args, |found, next| found.into_iter().filter(|e| !next.contains(e)).collect())),
    rows("set_has_element", |args| match args.first() {
        Some(Value::Dynamic(Json::Array(elements))) => Value::Bool(elements.contains(&json_of(&args[1]))),
        _ => Value::Null,
    }),
    rows("set_equals", |args| match (array(args, 0), array(args, 1)) {
        (Some(left), Some(right)) => {
            Value::Bool(left.iter().all(|e| right.contains(e)) && right.iter().all(|e| left.contains(e)))
        }
        _ => Value::Null,
    }),
    rows("bag_pack", bag_pack),
    rows("op_without_empty", |args| match args.first() {
        Some(Value::Dynamic(Json::Object(bag))) => {
            let full = bag.iter().filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
            Value::Dynamic(Json::Object(full.map(|(key, value)| (key.clone(), value.clone())).collect()))
        }
        _ => Value::Null,
    }),
    rows("bag_keys", |args| match args.first() {
        Some(Value::Dynamic(Json::Object(bag))) => Value::Dynamic(bag.keys().map(|key| json!(key)).collect()),
        _ => Value::Null,
    }),
    rows("bag_has_key", |args| match args.first() {
        Some(Value::Dynamic(Json::Object(bag))) => Value::Bool(follow(bag, text(args, 1)).is_some()),
        _ => Value::Null,
    }),
    rows("bag_merge", bag_merge),
    rows("bag_remove_keys", bag_remove_keys),
    rows("bag_set_key", |args| match args {
        [Value::Dynamic(Json::Object(bag)), Value::String(path), value] => {
            let mut root = Json::Object(bag.clone());
            place(&mut root, &json_path(path), json_of(value));
            Value::Dynamic(root)
        }
        _ => Value::Null,
    }),
    rows("bag_zip", |args| match (array(args, 0), array(args, 1).map_or(&[][..], Vec::as_slice)) {
        (Some(keys), values) => {
            let members = keys.iter().enumerate().filter_map(|(at, key)| {
                Some((key.as_str()?.to_owned(), values.get(at).cloned().unwrap_or(Json::Null)))
            });
            Value::Dynamic(Json::Object(members.collect()))
        }
        _ => Value::Null,
    }),
    rows("treepath", |args| match args.first() {
        Some(Value::Dynamic(json)) => {
            let mut paths = Vec::new();
            tree_paths(json, "", &mut paths);
            let mut seen = std::collections::HashSet::new();
            paths.retain(|path: &String| seen.insert(path.clone()));
            Value::Dynamic(paths.into_iter().map(Json::String).collect())
        }
        _ => Value::Null,
    }),
    rows("extract_json", |args| match convert::to_text(&args[1]) {
        source if source.is_empty() => Value::Null,
        source => match serde_json::from_str::<Json>(&source) {
            Ok(root) => find_json(&root, &json_path(text(args, 0))).map_or(Value::Null, convert::scalar_of),
            Err(_) => Value::Null,
        },
    }),
    rows("array_sort_asc", |args| sorted(args, false)),
    rows("array_sort_desc", |args| sorted(args, true)),
    rows("op_sort_together_asc", |args| sorted_together(args, false)),
    rows("op_sort_together_desc", |args| sorted_together(args, true)),
];

/// `value` as an element.
pub(super) fn json_of(value: &Value) -> Json {
    convert::to_dynamic(value).unwrap_or(Json::Null)
}

fn on_array(args: &[Value], function: impl Fn(&[Json]) -> Vec<Json>) -> Value {
    array(args, 0).map_or(Value::Null, |elements| Value::Dynamic(function(elements).into()))
}

/// `array_sort_asc(array, nulls last)`
fn sorted(args: &[Value], descending: bool) -> Value {
    let Some(elements) = array(args, 0) else { return Value::Null };
    let nulls_last = !matches!(args.get(1), Some(Value::Bool(false)));
    let order = order_of(elements, descending, nulls_last);
    Value::Dynamic(order.into_iter().map(|at| elements[at].clone()).collect())
}

/// The first array in order, and the others in the same order; first whether nulls come last. An array of another length
/// than the first has no order to follow.
fn sorted_together(args: &[Value], descending: bool) -> Value {
    let nulls_last = !matches!(args.first(), Some(Value::Bool(false)));
    let Some(first) = array(args, 1) else { return Value::Null };
    let order = order_of(first, descending, nulls_last);
    let in_order = |at: usize| match array(args, at) {
        Some(elements) if elements.len() == first.len() => order.iter().map(|at| elements[*at].clone()).collect(),
        _ => Json::Null,
    };
    Value::Dynamic((1..args.len()).map(in_order).collect())
}

/// Places of the elements in order.
fn order_of(elements: &[Json], descending: bool, nulls_last: bool) -> Vec<usize> {
    let values: Vec<Value> = elements.iter().map(|element| Value::Dynamic(element.clone())).collect();
    let mut order: Vec<usize> = (0..elements.len()).collect();
    order.sort_by(|left, right| {
        let nulls = elements[*left].is_null().cmp(&elements[*right].is_null());
        let placed = compare(&values[*left], &values[*right]);
        let nulls = if nulls_last { nulls } else { nulls.reverse() };
        nulls.then(if descending { placed.reverse() } else { placed })
    });
    order
}

fn array_index_of(args: &[Value]) -> Value {
    let Some(elements) = array(args, 0) else { return Value::Null };
    let wanted = json_of(&args[1]);
    let size = elements.len() as i64;
    let start = number(args, 2).unwrap_or(0);
    let start = if start < 0 { (size + start).max(0) } else { start };
    let length = number(args, 3).unwrap_or(-1);
    let end = if length < 0 { size } else { size.min(start.saturating_add(length)) };
    let occurrence = usize::try_from(number(args, 4).unwrap_or(1)).unwrap_or(1).max(1);
    let found = (start..end)
        .filter(|at| usize::try_from(*at).ok().and_then(|at| elements.get(at)) == Some(&wanted))
        .nth(occurrence - 1);
    Value::Long(found.unwrap_or(-1))
}

/// `array_slice(array, start, end)`, both included; negative counts from the end.
fn array_slice(args: &[Value]) -> Value {
    let size = array(args, 0).map_or(0, |elements| elements.len() as i64);
    let at = |index: usize, absent: i64| {
        let value = number(args, index).unwrap_or(absent);
        if value < 0 { value + size } else { value }
    };
    let (start, end) = (at(1, 0).max(0), at(2, -1).min(size - 1));
    on_array(args, |elements| {
        if end < start {
            return Vec::new();
        }
        let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
        elements[start..=end].to_vec()
    })
}

/// `array_split(array, index or indexes)`.
fn array_split(args: &[Value]) -> Value {
    let indexes: Vec<i64> = match args.get(1) {
        Some(Value::Dynamic(Json::Array(indexes))) => indexes.iter().filter_map(Json::as_i64).collect(),
        _ => number(args, 1).into_iter().collect(),
    };
    on_array(args, |elements| {
        let size = elements.len() as i64;
        let mut parts = Vec::new();
        let mut from = 0;
        for index in &indexes {
            let at = if *index < 0 { index + size } else { *index };
            let at = usize::try_from(at.clamp(0, size)).unwrap_or(0).max(from);
            parts.push(Json::from(elements[from..at].to_vec()));
            from = at;
        }
        parts.push(Json::from(elements[from..].to_vec()));
        parts
    })
}

fn sum(args: &[Value]) -> Value {
    let Some(elements) = array(args, 0) else { return Value::Null };
    let mut total = 0.0;
    for element in elements {
        match element {
            Json::Number(number) => total += number.as_f64().unwrap_or(0.0),
            Json::Bool(truth) => total += f64::from(u8::from(*truth)),
            _ => return Value::Null,
        }
    }
    Value::Real(total)
}

fn rotated(args: &[Value], direction: i64) -> Value {
    let by = number(args, 1).unwrap_or(0) * direction;
    on_array(args, |elements| {
        let mut turned = elements.to_vec();
        let size = turned.len() as i64;
        if size > 0 {
            turned.rotate_left(usize::try_from(by.rem_euclid(size)).unwrap_or(0));
        }
        turned
    })
}

fn shifted(args: &[Value], direction: i64) -> Value {
    let by = number(args, 1).unwrap_or(0) * direction;
    let fill = args.get(2).map_or(Json::Null, json_of);
    on_array(args, |elements| {
        (0..elements.len() as i64)
            .map(|at| usize::try_from(at + by).ok().and_then(|at| elements.get(at)).unwrap_or(&fill).clone())
            .collect()
    })
}

fn array_iff(args: &[Value]) -> Value {
    let Some(conditions) = array(args, 0) else { return Value::Null };
    let pick = |side: &Value, at: usize| match side {
        Value::Dynamic(Json::Array(elements)) => elements.get(at).cloned().unwrap_or(Json::Null),
        scalar => json_of(scalar),
    };
    let chosen = conditions.iter().enumerate().map(|(at, condition)| match condition {
        Json::Bool(truth) => pick(&args[if *truth { 1 } else { 2 }], at),
        Json::Number(number) => pick(&args[if number.as_f64() == Some(0.0) { 2 } else { 1 }], at),
        _ => Json::Null,
    });
    Value::Dynamic(chosen.collect())
}

/// `range(start, stop[, step])`, at most 1,048,576 elements.
fn range(args: &[Value]) -> Value {
    const MOST: usize = 1_048_576;
    let dated = matches!(args.first(), Some(Value::DateTime(_)));
    let timed = matches!(args.first(), Some(Value::TimeSpan(_)));
    let all_long = args
        .iter()
        .all(|value| matches!(value, Value::Int(_) | Value::Long(_) | Value::DateTime(_) | Value::TimeSpan(_)));
    if all_long {
        let default = if dated || timed { crate::query::calendar::HOUR } else { 1 };
        let step = if args.len() > 2 { number(args, 2) } else { Some(default) };
        let (Some(start), Some(stop), Some(step)) = (number(args, 0), number(args, 1), step) else {
            return Value::Null;
        };
        if step == 0 {
            return Value::Null;
        }
        let mut at = Some(start);
        let steps = std::iter::from_fn(|| {
            let now = at.filter(|now| if step > 0 { *now <= stop } else { *now >= stop })?;
            at = now.checked_add(step);
            Some(now)
        });
        let element = |at: i64| match (dated, timed) {
            (true, _) => json_of(&Value::DateTime(at)),
            (_, true) => json_of(&Value::TimeSpan(at)),
            _ => json!(at),
        };
        return Value::Dynamic(steps.take(MOST).map(element).collect());
    }
    let real = |at: usize, absent: f64| args.get(at).map_or(Some(absent), convert::to_real);
    let (Some(start), Some(stop), Some(step)) = (real(0, 0.0), real(1, 0.0), real(2, 1.0)) else { return Value::Null };
    if step == 0.0 || !step.is_finite() {
        return Value::Null;
    }
    let steps = (0..MOST).map(|at| start + at as f64 * step);
    Value::Dynamic(steps.take_while(|at| if step > 0.0 { *at <= stop } else { *at >= stop }).map(Json::from).collect())
}

fn zip(args: &[Value]) -> Value {
    let longest = (0..args.len()).filter_map(|at| array(args, at)).map(Vec::len).max();
    let Some(longest) = longest else { return Value::Null };
    let row = |at: usize| -> Json {
        (0..args.len())
            .map(|side| match &args[side] {
                Value::Dynamic(Json::Array(elements)) => elements.get(at).cloned().unwrap_or(Json::Null),
                scalar => json_of(scalar),
            })
            .collect()
    };
    Value::Dynamic((0..longest).map(row).collect())
}

fn set(args: &[Value], combine: impl Fn(Vec<Json>, &[Json]) -> Vec<Json>) -> Value {
    let Some(mut found) = array(args, 0).cloned() else { return Value::Null };
    for at in 1..args.len() {
        let Some(next) = array(args, at) else { return Value::Null };
        found = combine(found, next);
    }
    let mut seen = HashSet::new();
    found.retain(|element| seen.insert(element.to_string()));
    Value::Dynamic(found.into())
}

fn bag_pack(args: &[Value]) -> Value {
    let members = args.chunks_exact(2).map(|pair| (convert::to_text(&pair[0]), json_of(&pair[1])));
    Value::Dynamic(Json::Object(members.collect()))
}

fn bag_merge(args: &[Value]) -> Value {
    let mut merged = Map::new();
    let mut any = false;
    for value in args {
        if let Value::Dynamic(Json::Object(bag)) = value {
            any = true;
            for (key, value) in bag {
                merged.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    if any { Value::Dynamic(Json::Object(merged)) } else { Value::Null }
}

fn bag_remove_keys(args: &[Value]) -> Value {
    let (Some(Value::Dynamic(Json::Object(bag))), Some(keys)) = (args.first(), array(args, 1)) else {
        return Value::Null;
    };
    let mut root = Json::Object(bag.clone());
    for key in keys.iter().filter_map(Json::as_str) {
        remove(&mut root, &json_path(key));
    }
    Value::Dynamic(root)
}

/// The steps of `$.a.b[0]['c']`, or of a bare key.
pub(in crate::query) fn json_path(path: &str) -> Vec<Json> {
    let Some(mut rest) = path.strip_prefix('$') else { return vec![json!(path)] };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let Some(end) = inner.find(']') else { return steps };
            let name = inner[..end].trim();
            let quoted = name.len() >= 2 && (name.starts_with('\'') || name.starts_with('"'));
            steps.push(match name.parse::<i64>() {
                Ok(index) if !quoted => json!(index),
                _ => json!(name.trim_matches(['\'', '"'])),
            });
            rest = &inner[end + 1..];
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end > 0 {
                steps.push(json!(&name[..end]));
            }
            rest = if end == 0 { name.get(1..).unwrap_or_default() } else { &name[end..] };
        }
    }
    steps
}

pub(in crate::query) fn find_json<'a>(root: &'a Json, path: &[Json]) -> Option<&'a Json> {
    path.iter().try_fold(root, |at, step| match step {
        Json::String(key) => at.get(key),
        index => at.get(usize::try_from(index.as_i64()?).ok()?),
    })
}

fn follow<'a>(bag: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    let steps = json_path(path);
    let Some(Json::String(first)) = steps.first() else { return None };
    find_json(bag.get(first)?, &steps[1..])
}

fn place(root: &mut Json, path: &[Json], value: Json) {
    match path {
        [] => *root = value,
        [Json::String(key), rest @ ..] => {
            if !root.is_object() {
                *root = Json::Object(Map::new());
            }
            place(&mut root[key.as_str()], rest, value);
        }
        [index, rest @ ..] => {
            let at = index.as_u64().and_then(|at| usize::try_from(at).ok());
            if let Some(element) = at.and_then(|at| root.get_mut(at)) {
                place(element, rest, value);
            }
        }
    }
}

fn remove(root: &mut Json, path: &[Json]) {
    match path {
        [Json::String(key)] => {
            if let Some(bag) = root.as_object_mut() {
                bag.shift_remove(key);
            }
        }
        [Json::String(key), rest @ ..] => {
            if let Some(inner) = root.get_mut(key) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

/// The paths below `prefix`. The elements of an array have one path, that of the first.
fn tree_paths(json: &Json, prefix: &str, paths: &mut Vec<String>) {
    match json {
        Json::Object(bag) => {
            for (key, value) in bag {
                let path = format!("{prefix}['{key}']");
                paths.push(path.clone());
                tree_paths(value, &path, paths);
            }
        }
        Json::Array(elements) => {
            for value in elements {
                let path = format!("{prefix}[0]");
                paths.push(path.clone());
                tree_paths(value, &path, paths);
            }
        }
        _ => {}
    }
}
