//! The tests of one line of a rule as KQL predicates.

use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv6Net};

use super::access::{Access, Fields};
use super::expression::{Kql, and, leaf, not, or};
use super::quote::text;
use crate::detection::{Item, Number, Order, Test, TextOrder, TimePart};
use crate::naive::holds;
use crate::pattern::{Part, Pattern, Shape, fold};

/// More alternatives than this go into one regular expression.
const MAX_ALTERNATIVES: usize = 64;
/// Whole numbers below this are exact as reals.
const EXACT_AS_REAL: u64 = 1 << 53;
/// What the engine reads as a number, save what is out of range.
const NUMERIC: &str = r#"matches regex @"^[-+.\deE]+$""#;

/// One line of a detection.
pub(super) fn item(item: &Item, fields: &mut Fields<'_>) -> Result<Kql, String> {
    let Some(field) = &item.field else {
        return Err("keywords are looked for in every field, which KQL cannot do without their names".to_owned());
    };
    let access = fields.access(field)?;
    let tests = match &access {
        Access::Text { text, present } if !item.all => alternatives(&item.tests, text, present, fields)?,
        access => item.tests.iter().map(|test| one(test, access, fields)).collect::<Result<Vec<_>, _>>()?,
    };
    let holds = if item.all { and(tests) } else { or(tests) };
    if item.negated {
        return Ok(and(vec![present(&access), not(holds)]));
    }
    Ok(holds)
}

fn present(access: &Access) -> Kql {
    match access {
        Access::Never => Kql::False,
        Access::Known(_) => Kql::True,
        Access::Number { column } => leaf(format!("isnotnull({column})")),
        Access::Text { present, .. } | Access::Lines { present, .. } => leaf(present.as_str()),
    }
}

fn one(test: &Test, access: &Access, fields: &mut Fields<'_>) -> Result<Kql, String> {
    match test {
        Test::Null | Test::Exists(false) => return Ok(not(present(access))),
        Test::Exists(true) => return Ok(present(access)),
        _ => {}
    }
    match access {
        Access::Never => Ok(Kql::False),
        Access::Known(value) => match test {
            Test::Field { .. } => Err("a field that every event has alike is compared with another".to_owned()),
            test => Ok(if holds(test, value) { Kql::True } else { Kql::False }),
        },
        Access::Number { column } => of_number(test, column, fields),
        Access::Text { text, present } => of_text(test, text, present, fields),
        Access::Lines { text, present } if is_within_a_line(test) => of_text(test, text, present, fields),
        Access::Lines { .. } => {
            Err("a field may have several values here, and only `contains` is the same for all of them in one text"
                .to_owned())
        }
    }
}

/// Whether the test comes out for the lines of a text as it does for the values that they are.
fn is_within_a_line(test: &Test) -> bool {
    match test {
        Test::Text { pattern, .. } => match pattern.shape() {
            Shape::Contains(value) => !value.contains('\n'),
            shape => shape == Shape::Anything,
        },
        _ => false,
    }
}

/// Tests of which any is enough; those of one kind are put together.
fn alternatives(tests: &[Test], subject: &str, present: &str, fields: &mut Fields<'_>) -> Result<Vec<Kql>, String> {
    let mut exact = Vec::new();
    let mut cased = Vec::new();
    let mut parts = Vec::new();
    let mut patterns = Vec::new();
    let mut networks = Vec::new();
    for test in tests {
        match test {
            Test::Network(network) => networks.push(*network),
            Test::Text { pattern, cased: false } => match pattern.shape() {
                Shape::Exact(value) if !value.is_empty() && folds_alike(value)? => exact.push(text(value)),
                Shape::Exact(_) | Shape::Anything => parts.push(of_text(test, subject, present, fields)?),
                _ => patterns.push(pattern),
            },
            Test::Text { pattern, cased: true } => match pattern.shape() {
                Shape::Exact(value) if !value.is_empty() => cased.push(text(value)),
                _ => parts.push(of_text(test, subject, present, fields)?),
            },
            test => parts.push(of_text(test, subject, present, fields)?),
        }
    }
    let mut all: Vec<Kql> = listed(subject, "=~", "in~", &exact).into_iter().collect();
    all.extend(listed(subject, "==", "in", &cased));
    if patterns.len() > MAX_ALTERNATIVES {
        patterns.iter().try_for_each(|pattern| like(pattern, subject).map(drop))?;
        let each: BTreeSet<String> = patterns.iter().map(|pattern| expression(pattern)).collect();
        let each: Vec<String> = each.into_iter().collect();
        all.push(leaf(format!("{subject} matches regex {}", text(&format!("(?is){}", each.join("|"))))));
    } else {
        for pattern in patterns {
            all.push(like(pattern, subject)?);
        }
    }
    if !networks.is_empty() {
        all.push(in_networks(&networks, subject));
    }
    all.extend(parts);
    Ok(all)
}

fn listed(subject: &str, equals: &str, within: &str, values: &[String]) -> Option<Kql> {
    match values {
        [] => None,
        [value] => Some(leaf(format!("{subject} {equals} {value}"))),
        values => Some(leaf(format!("{subject} {within} ({})", values.join(", ")))),
    }
}

fn of_text(test: &Test, subject: &str, here: &str, fields: &mut Fields<'_>) -> Result<Kql, String> {
    let here = || leaf(here);
    Ok(match test {
        Test::Null | Test::Exists(false) => not(here()),
        Test::Exists(true) => here(),
        Test::Text { pattern, cased } => match pattern.shape() {
            Shape::Anything => here(),
            Shape::Exact("") => and(vec![here(), leaf(format!("isempty({subject})"))]),
            _ if *cased => like_cased(pattern, subject),
            _ => like(pattern, subject)?,
        },
        Test::Regex(expression) => {
            let matches = leaf(format!("{subject} matches regex {}", text(&expression.source)));
            // An absent field is the empty text, which must not match.
            if expression.regex.is_match("") { and(vec![here(), matches]) } else { matches }
        }
        Test::Number(number) => {
            and(vec![leaf(format!("todouble({subject}) == {}", real(*number)?)), leaf(format!("{subject} {NUMERIC}"))])
        }
        Test::Bool(wanted) => leaf(format!("{subject} =~ \"{wanted}\"")),
        Test::Compare { by, number } => {
            let value = format!("todouble({subject})");
            let compared = format!("coalesce({value} {} {}, false)", sign(*by), real(*number)?);
            and(vec![
                leaf(compared),
                leaf(format!("coalesce(isfinite({value}), false)")),
                leaf(format!("{subject} {NUMERIC}")),
            ])
        }
        Test::Network(network) => in_networks(&[*network], subject),
        Test::TimePart { part, by, number } => time_part(*part, *by, *number, subject)?,
        Test::Field { other, by, cased } => {
            let other = fields.access(other)?;
            let value = match &other {
                Access::Never => return Ok(Kql::False),
                Access::Known(value) => text(value),
                Access::Number { column } => format!("tostring({column})"),
                Access::Text { text, .. } => text.clone(),
                Access::Lines { .. } => {
                    return Err("a field is compared with one that may have several values".to_owned());
                }
            };
            and(vec![here(), present(&other), leaf(format!("{subject} {} {value}", relation(*by, *cased)))])
        }
    })
}

fn of_number(test: &Test, column: &str, fields: &mut Fields<'_>) -> Result<Kql, String> {
    let here = format!("isnotnull({column})");
    Ok(match test {
        Test::Number(Number::Whole(whole)) => leaf(format!("{column} == {whole}")),
        Test::Compare { by, number: Number::Whole(whole) } => {
            and(vec![leaf(here), leaf(format!("coalesce({column} {} {whole}, false)", sign(*by)))])
        }
        Test::Text { pattern, .. } if let Some(whole) = pattern.as_literal().and_then(plain_number) => {
            leaf(format!("{column} == {whole}"))
        }
        test => return of_text(test, &format!("tostring({column})"), &here, fields),
    })
}

/// A whole number in its one usual form.
fn plain_number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// A pattern with case ignored. The pattern is neither empty nor `*`.
fn like(pattern: &Pattern, subject: &str) -> Result<Kql, String> {
    let written = |operator: &str, value: &str| leaf(format!("{subject} {operator} {}", text(value)));
    let plain = pattern.parts().iter().map(|part| match part {
        Part::Text(value) => folds_alike(value),
        Part::Many | Part::One => Ok(true),
    });
    let plain = plain.collect::<Result<Vec<bool>, _>>()?.into_iter().all(|alike| alike);
    Ok(match pattern.shape() {
        Shape::Exact(value) if plain => written("=~", value),
        Shape::Contains(value) if plain => written("contains", value),
        Shape::StartsWith(value) if plain => written("startswith", value),
        Shape::EndsWith(value) if plain => written("endswith", value),
        _ => leaf(format!("{subject} matches regex {}", text(&format!("(?is){}", expression(pattern))))),
    })
}

fn like_cased(pattern: &Pattern, subject: &str) -> Kql {
    let written = |operator: &str, value: &str| leaf(format!("{subject} {operator} {}", text(value)));
    match pattern.shape() {
        Shape::Exact(value) => written("==", value),
        Shape::Contains(value) => written("contains_cs", value),
        Shape::StartsWith(value) => written("startswith_cs", value),
        Shape::EndsWith(value) => written("endswith_cs", value),
        _ => leaf(format!("{subject} matches regex {}", text(&format!("(?s){}", expression(pattern))))),
    }
}

/// A pattern as a regular expression without flags.
fn expression(pattern: &Pattern) -> String {
    let parts = pattern.parts();
    let mut out = String::new();
    if parts.first() != Some(&Part::Many) {
        out.push('^');
    }
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Text(value) => out.push_str(&regex::escape(value)),
            Part::One => out.push('.'),
            Part::Many if at == 0 || at + 1 == parts.len() => {}
            Part::Many => out.push_str(".*"),
        }
    }
    if parts.last() != Some(&Part::Many) {
        out.push('$');
    }
    out
}

/// Whether KQL's operators fold the case of `value` as Sigma does; regular expressions do it where they do not.
fn folds_alike(value: &str) -> Result<bool, String> {
    if value.contains('İ') {
        return Err(format!("the letter İ in `{value}` has no lower case of its own"));
    }
    Ok(!fold(value).contains('σ') && !value.contains('ſ') && !value.contains('\u{212a}'))
}

/// A number that a real holds exactly, as KQL writes it.
fn real(number: Number) -> Result<String, String> {
    match number {
        Number::Whole(whole) if whole.unsigned_abs() >= EXACT_AS_REAL => {
            Err(format!("{whole} is too large to be compared exactly with a text"))
        }
        Number::Whole(whole) => Ok(whole.to_string()),
        Number::Real(real) => Ok(format!("real({real})")),
    }
}

fn sign(by: Order) -> &'static str {
    match by {
        Order::Equal => "==",
        other => other.sign(),
    }
}

fn relation(by: TextOrder, cased: bool) -> &'static str {
    match (by, cased) {
        (TextOrder::Equals, false) => "=~",
        (TextOrder::Equals, true) => "==",
        (TextOrder::Contains, false) => "contains",
        (TextOrder::Contains, true) => "contains_cs",
        (TextOrder::StartsWith, false) => "startswith",
        (TextOrder::StartsWith, true) => "startswith_cs",
        (TextOrder::EndsWith, false) => "endswith",
        (TextOrder::EndsWith, true) => "endswith_cs",
    }
}

/// KQL also takes networks and blanks for addresses, and IPv4 addresses for IPv6 ones; the engine does not.
fn in_networks(networks: &[IpNet], subject: &str) -> Kql {
    const MAPPED: &str = "::ffff:0:0/96";
    let mapped: Ipv6Net = MAPPED.parse().expect("a network");
    let mut four = Vec::new();
    let mut six = Vec::new();
    // Networks that hold the IPv4 addresses in IPv6 clothes, which are IPv4 ones to Sigma.
    let mut around = Vec::new();
    for network in networks {
        match network {
            IpNet::V4(network) => {
                four.push(format!("\"{network}\""));
                six.push(format!("\"::ffff:{}/{}\"", network.network(), u32::from(network.prefix_len()) + 96));
            }
            IpNet::V6(network) if mapped.contains(network) => {}
            IpNet::V6(network) if network.contains(&mapped) => around.push(format!("\"{network}\"")),
            IpNet::V6(network) => six.push(format!("\"{network}\"")),
        }
    }
    let within = |version: u8, networks: &[String]| match networks {
        [] => Kql::False,
        [network] => leaf(format!("coalesce(ipv{version}_is_in_range({subject}, {network}), false)")),
        networks => leaf(format!("coalesce(ipv{version}_is_in_any_range({subject}, {}), false)", networks.join(", "))),
    };
    let not_mapped = not(within(6, &[format!("\"{MAPPED}\"")]));
    let inside = or(vec![within(4, &four), within(6, &six), and(vec![within(6, &around), not_mapped])]);
    and(vec![inside, leaf(format!("{subject} matches regex @\"^[\\dA-Fa-f:.]+$\""))])
}

fn time_part(part: TimePart, by: Order, number: Number, subject: &str) -> Result<Kql, String> {
    let function = match part {
        TimePart::Minute => "datetime_part(\"minute\", ",
        TimePart::Hour => "hourofday(",
        TimePart::Day => "dayofmonth(",
        TimePart::Week => "week_of_year(",
        TimePart::Month => "monthofyear(",
        TimePart::Year => "getyear(",
    };
    // Digits alone count seconds or milliseconds since 1970.
    let count = format!("tolong({subject})");
    let instant = format!(
        "iff({subject} matches regex @\"^[-+]?\\d+$\", unixtime_milliseconds_todatetime(iff({count} > 1000000000000, {count}, 1000 * {count})), todatetime({subject}))"
    );
    Ok(leaf(format!("coalesce({function}{instant}) {} {}, false)", sign(by), real(number)?)))
}
