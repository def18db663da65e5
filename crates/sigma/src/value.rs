//! What one value means under its modifiers.

use std::collections::BTreeMap;

use rsigma_parser::{Modifier, SigmaValue};

use crate::detection::{Expression, Order, Test, TextOrder, TimePart};
use crate::encode::{self, Utf16};
use crate::lower::number;
use crate::pattern::{Part, Pattern};

/// The values that stand behind placeholders (`%name%` under `expand`), by name without the percent signs.
pub type Lists = BTreeMap<String, Vec<String>>;

/// The largest regular expression, in bytes of compiled program.
const MAX_REGEX_BYTES: usize = 4 << 20;
/// More values than this from one line of a rule are a mistake.
const MAX_EXPANSION: usize = 100_000;

/// Why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadValue {
    /// The rule is at fault.
    Wrong(String),
    /// The placeholder of this name has no list; who loads the rules is at fault.
    NoList(String),
}

impl From<String> for BadValue {
    fn from(reason: String) -> BadValue {
        BadValue::Wrong(reason)
    }
}

impl From<&str> for BadValue {
    fn from(reason: &str) -> BadValue {
        BadValue::Wrong(reason.to_owned())
    }
}

/// How an item compares, once its modifiers are sorted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Text,
    Regex,
    Cidr,
    Exists,
    FieldRef,
    Compare(Order),
    TimePart(TimePart, Order),
}

/// The tests that `value` stands for under `modifiers`; any of them is enough.
pub(crate) fn tests_of(
    value: &SigmaValue,
    modifiers: &[Modifier],
    keyword: bool,
    lists: &Lists,
) -> Result<Vec<Test>, BadValue> {
    let operator = operator(modifiers)?;
    let has = |modifier| modifiers.contains(&modifier);
    if keyword && !matches!(operator, Operator::Text | Operator::Regex | Operator::Cidr) {
        return Err("a comparison without a field is not defined".into());
    }
    match operator {
        Operator::Exists => match value {
            SigmaValue::Bool(wanted) => Ok(vec![Test::Exists(*wanted)]),
            SigmaValue::String(text) => match text.original.to_ascii_lowercase().as_str() {
                "true" | "yes" => Ok(vec![Test::Exists(true)]),
                "false" | "no" => Ok(vec![Test::Exists(false)]),
                _ => Err(format!("`exists` takes true or false, not `{text}`").into()),
            },
            other => Err(format!("`exists` takes true or false, not `{other}`").into()),
        },
        Operator::Compare(by) => {
            let number = number(value).ok_or_else(|| format!("a comparison takes a number, not `{value}`"))?;
            Ok(vec![Test::Compare { by, number }])
        }
        Operator::TimePart(part, by) => {
            let number = number(value).ok_or_else(|| format!("`{}` takes a number, not `{value}`", part.as_str()))?;
            Ok(vec![Test::TimePart { part, by, number }])
        }
        Operator::Cidr => {
            let text = plain(value)?;
            let network = text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
            let network = network.map_err(|_| format!("`{text}` is not a network such as 10.0.0.0/8 or fe80::/10"))?;
            Ok(vec![Test::Network(network)])
        }
        Operator::Regex => Ok(vec![Test::Regex(expression(&raw(value)?, modifiers)?)]),
        Operator::FieldRef => {
            let by = match (has(Modifier::Contains), has(Modifier::StartsWith), has(Modifier::EndsWith)) {
                (true, _, _) => TextOrder::Contains,
                (_, true, _) => TextOrder::StartsWith,
                (_, _, true) => TextOrder::EndsWith,
                _ => TextOrder::Equals,
            };
            Ok(vec![Test::Field { other: plain(value)?, by, cased: has(Modifier::Cased) }])
        }
        Operator::Text => texts(value, modifiers, keyword, lists),
    }
}

/// Finds the one operator, and refuses modifiers that contradict each other or have nothing to act on.
fn operator(modifiers: &[Modifier]) -> Result<Operator, String> {
    let has = |modifier| modifiers.contains(&modifier);
    let mut operators: Vec<(&str, Operator)> = Vec::new();
    let mut order = None;
    let mut part = None;
    for modifier in modifiers {
        match modifier {
            Modifier::Re => operators.push(("re", Operator::Regex)),
            Modifier::Cidr => operators.push(("cidr", Operator::Cidr)),
            Modifier::Exists => operators.push(("exists", Operator::Exists)),
            Modifier::FieldRef => operators.push(("fieldref", Operator::FieldRef)),
            _ => {
                let (new_order, new_part) = (order_of(*modifier), part_of(*modifier));
                if new_order.is_some() && order.is_some() || new_part.is_some() && part.is_some() {
                    return Err("two comparisons contradict each other".to_owned());
                }
                order = order.or(new_order);
                part = part.or(new_part);
            }
        }
    }
    match (part, order) {
        (Some(part), order) => operators.push((part.as_str(), Operator::TimePart(part, order.unwrap_or(Order::Equal)))),
        (None, Some(order)) => operators.push((order.sign(), Operator::Compare(order))),
        (None, None) => {}
    }
    let anchors = [Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith];
    let anchored = anchors.into_iter().filter(|anchor| has(*anchor)).count();
    if anchored > 1 {
        return Err("`contains`, `startswith` and `endswith` exclude each other".to_owned());
    }
    let rewriting = modifiers.iter().any(|modifier| rewrites(*modifier));
    let chosen = match operators.as_slice() {
        [] => Operator::Text,
        [(_, operator)] => *operator,
        [(first, _), (second, _), ..] => return Err(format!("`{first}` and `{second}` exclude each other")),
    };
    if anchored > 0 && !matches!(chosen, Operator::Text | Operator::FieldRef) {
        return Err(format!("`{}` cannot be combined with contains, startswith or endswith", operators[0].0));
    }
    if rewriting && chosen != Operator::Text {
        return Err(format!("`{}` cannot be combined with a modifier that rewrites the value", operators[0].0));
    }
    let flags = has(Modifier::IgnoreCase) || has(Modifier::Multiline) || has(Modifier::DotAll);
    if flags && chosen != Operator::Regex {
        return Err("the flags `i`, `m` and `s` belong to `re`".to_owned());
    }
    Ok(chosen)
}

fn order_of(modifier: Modifier) -> Option<Order> {
    match modifier {
        Modifier::Gt => Some(Order::Greater),
        Modifier::Gte => Some(Order::GreaterOrEqual),
        Modifier::Lt => Some(Order::Less),
        Modifier::Lte => Some(Order::LessOrEqual),
        _ => None,
    }
}

fn part_of(modifier: Modifier) -> Option<TimePart> {
    match modifier {
        Modifier::Minute => Some(TimePart::Minute),
        Modifier::Hour => Some(TimePart::Hour),
        Modifier::Day => Some(TimePart::Day),
        Modifier::Week => Some(TimePart::Week),
        Modifier::Month => Some(TimePart::Month),
        Modifier::Year => Some(TimePart::Year),
        _ => None,
    }
}

fn rewrites(modifier: Modifier) -> bool {
    use Modifier::{Base64, Base64Offset, Expand, Utf16 as Utf16Mark, Utf16be, Wide, WindAsh};
    matches!(modifier, Base64 | Base64Offset | Expand | Utf16Mark | Utf16be | Wide | WindAsh)
}

/// A value on its way through the modifiers, which apply in the order written.
enum Stage {
    Pattern(Pattern),
    Bytes(Vec<u8>),
}

fn texts(value: &SigmaValue, modifiers: &[Modifier], keyword: bool, lists: &Lists) -> Result<Vec<Test>, BadValue> {
    let has = |modifier| modifiers.contains(&modifier);
    let shaped = modifiers.iter().any(|modifier| {
        rewrites(*modifier) || matches!(modifier, Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith)
    });
    if !shaped && !keyword {
        match value {
            SigmaValue::Null => return Ok(vec![Test::Null]),
            SigmaValue::Bool(wanted) => return Ok(vec![Test::Bool(*wanted)]),
            SigmaValue::Integer(_) | SigmaValue::Float(_) => {
                let number = number(value).ok_or("a number must be finite")?;
                return Ok(vec![Test::Number(number)]);
            }
            SigmaValue::String(_) => {}
        }
    }
    let start = match value {
        SigmaValue::String(text) => Pattern::parse(&text.original),
        other => Pattern::literal(&plain(other)?),
    };
    let mut stages = vec![Stage::Pattern(start)];
    for modifier in modifiers {
        let mut next = Vec::new();
        for stage in stages {
            next.extend(apply(*modifier, stage, lists)?);
        }
        if next.len() > MAX_EXPANSION {
            return Err(format!("the modifiers make more than {MAX_EXPANSION} values of one").into());
        }
        stages = next;
    }
    let offset_alone = has(Modifier::Base64Offset) && !shaped_by_anchor(modifiers);
    let cased = has(Modifier::Cased);
    let finished = stages.into_iter().map(|stage| {
        let pattern = stage.text()?;
        let anywhere = keyword || offset_alone;
        Ok(Test::Text { pattern: pattern.surrounded(anywhere, anywhere), cased })
    });
    finished.collect()
}

fn shaped_by_anchor(modifiers: &[Modifier]) -> bool {
    modifiers.iter().any(|one| matches!(one, Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith))
}

fn apply(modifier: Modifier, stage: Stage, lists: &Lists) -> Result<Vec<Stage>, BadValue> {
    Ok(match modifier {
        Modifier::Contains => vec![Stage::Pattern(stage.text()?.surrounded(true, true))],
        Modifier::StartsWith => vec![Stage::Pattern(stage.text()?.surrounded(false, true))],
        Modifier::EndsWith => vec![Stage::Pattern(stage.text()?.surrounded(true, false))],
        Modifier::Wide => vec![Stage::Bytes(encode::utf16(&stage.literal("wide")?, Utf16::LittleEndian))],
        Modifier::Utf16be => vec![Stage::Bytes(encode::utf16(&stage.literal("utf16be")?, Utf16::BigEndian))],
        Modifier::Utf16 => vec![Stage::Bytes(encode::utf16(&stage.literal("utf16")?, Utf16::WithMark))],
        Modifier::Base64 => vec![Stage::Pattern(Pattern::literal(&encode::base64(&stage.bytes("base64")?)))],
        Modifier::Base64Offset => {
            let forms = encode::base64_offsets(&stage.bytes("base64offset")?);
            let forms = forms.ok_or("the value is too short for `base64offset`")?;
            forms.iter().map(|form| Stage::Pattern(Pattern::literal(form))).collect()
        }
        Modifier::WindAsh => {
            let variants = encode::windash(&stage.text()?);
            let limit = encode::MAX_DASH_VARIANTS;
            let variants = variants.ok_or_else(|| format!("`windash` would make more than {limit} values of one"))?;
            variants.into_iter().map(Stage::Pattern).collect()
        }
        Modifier::Expand => expand(&stage.text()?, lists)?.into_iter().map(Stage::Pattern).collect(),
        _ => vec![stage],
    })
}

impl Stage {
    fn text(self) -> Result<Pattern, String> {
        match self {
            Stage::Pattern(pattern) => Ok(pattern),
            Stage::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Pattern::literal(&text)),
                Err(_) => Err("this UTF-16 form is not text; follow it with `base64` or `base64offset`".to_owned()),
            },
        }
    }

    fn literal(self, modifier: &str) -> Result<String, String> {
        let pattern = self.text()?;
        let literal = pattern.as_literal().map(str::to_owned);
        literal.ok_or_else(|| format!("`{modifier}` cannot encode a wildcard (in `{}`)", pattern.source()))
    }

    fn bytes(self, modifier: &str) -> Result<Vec<u8>, String> {
        match self {
            Stage::Bytes(bytes) => Ok(bytes),
            Stage::Pattern(_) => self.literal(modifier).map(String::into_bytes),
        }
    }
}

/// Every combination of what the placeholders in `pattern` stand for.
fn expand(pattern: &Pattern, lists: &Lists) -> Result<Vec<Pattern>, BadValue> {
    let mut variants: Vec<Vec<Part>> = vec![Vec::new()];
    for part in pattern.parts() {
        let Part::Text(text) = part else {
            variants.iter_mut().for_each(|variant| variant.push(part.clone()));
            continue;
        };
        let mut rest = text.as_str();
        while let Some((before, name, after)) = placeholder(rest) {
            let values = lists.get(name).filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| BadValue::NoList(name.to_owned()))?;
            if variants.len() * values.len() > MAX_EXPANSION {
                return Err(format!("the placeholders make more than {MAX_EXPANSION} values").into());
            }
            variants = variants
                .iter()
                .flat_map(|variant| values.iter().map(move |value| (variant, value)))
                .map(|(variant, value)| {
                    let inserted = Pattern::parse(value);
                    let lead = variant.iter().cloned().chain([Part::Text(before.to_owned())]);
                    lead.chain(inserted.parts().iter().cloned()).collect()
                })
                .collect();
            rest = after;
        }
        variants.iter_mut().for_each(|variant| variant.push(Part::Text(rest.to_owned())));
    }
    Ok(variants.into_iter().map(Pattern::new).collect())
}

/// The first `%name%` in `text`, with what is before and after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('%')?;
    let length = text[open + 1..].find('%')?;
    let name = &text[open + 1..open + 1 + length];
    let is_name = !name.is_empty() && name.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '-' | '.'));
    is_name.then(|| (&text[..open], name, &text[open + length + 2..]))
}

fn expression(source: &str, modifiers: &[Modifier]) -> Result<Expression, String> {
    let flags: String = [(Modifier::IgnoreCase, 'i'), (Modifier::Multiline, 'm'), (Modifier::DotAll, 's')]
        .into_iter()
        .filter_map(|(modifier, flag)| modifiers.contains(&modifier).then_some(flag))
        .collect();
    let full = if flags.is_empty() { source.to_owned() } else { format!("(?{flags}){source}") };
    let regex = regex::RegexBuilder::new(&full).size_limit(MAX_REGEX_BYTES).dfa_size_limit(1 << 20).build();
    match regex {
        Ok(regex) => Ok(Expression { source: full, regex }),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(format!("the regular expression `{source}` cannot be used: {why}"))
        }
    }
}

/// The text of a value as written, without reading wildcards.
fn raw(value: &SigmaValue) -> Result<String, String> {
    match value {
        SigmaValue::String(text) => Ok(text.original.clone()),
        other => plain(other),
    }
}

fn plain(value: &SigmaValue) -> Result<String, String> {
    match value {
        SigmaValue::String(text) => match Pattern::parse(&text.original).as_literal() {
            Some(literal) => Ok(literal.to_owned()),
            None => Err(format!("`{text}` must not have wildcards here")),
        },
        SigmaValue::Integer(whole) => Ok(whole.to_string()),
        SigmaValue::Float(real) => Ok(real.to_string()),
        SigmaValue::Bool(boolean) => Ok(boolean.to_string()),
        SigmaValue::Null => Err("null has no text".to_owned()),
    }
}
