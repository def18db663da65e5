//! Attribute types as a server publishes them (RFC 4512 §4.1.2). Pure.

use std::collections::BTreeMap;

use super::config::attribute;
use crate::schema::AttributeSchema;
use crate::value::AttributeName;

/// One published attribute type, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Published {
    names: Vec<String>,
    superior: Option<String>,
    syntax: Option<String>,
    exact: bool,
    single: bool,
    read_only: bool,
}

/// Understands the values of `attributeTypes`; what makes no sense is left out.
pub fn attribute_types<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<AttributeName, AttributeSchema> {
    let published: Vec<Published> = texts.filter_map(parse).collect();
    let mut by_name: BTreeMap<AttributeName, usize> = BTreeMap::new();
    for (at, one) in published.iter().enumerate() {
        by_name.extend(one.names.iter().map(|name| (name.as_str().into(), at)));
    }
    let syntax = |from: usize| {
        let mut at = from;
        // A chain of superiors that bites its tail ends after eight steps.
        for _ in 0..8 {
            if let Some(syntax) = &published[at].syntax {
                return syntax.clone();
            }
            let superior = published[at].superior.as_deref().map(AttributeName::from);
            match superior.and_then(|name| by_name.get(&name)) {
                Some(next) => at = *next,
                None => break,
            }
        }
        String::new()
    };
    by_name
        .iter()
        .map(|(name, at)| {
            let one = &published[*at];
            (name.clone(), attribute(name, &syntax(*at), one.single, one.read_only, one.exact))
        })
        .collect()
}

fn parse(text: &str) -> Option<Published> {
    let mut words = words(text).into_iter();
    if words.next()? != "(" {
        return None;
    }
    words.next()?;
    let mut published = Published::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "NAME" => match words.next()?.as_str() {
                "(" => published.names = words.by_ref().take_while(|word| word != ")").collect(),
                one => published.names = vec![one.to_owned()],
            },
            "SUP" => published.superior = words.next(),
            "SYNTAX" => {
                published.syntax = words.next().map(|word| word.split('{').next().unwrap_or_default().to_owned())
            }
            "EQUALITY" => published.exact = words.next()?.to_ascii_lowercase().starts_with("caseexact"),
            "SINGLE-VALUE" => published.single = true,
            "NO-USER-MODIFICATION" => published.read_only = true,
            _ => {}
        }
    }
    (!published.names.is_empty()).then_some(published)
}

/// Words, quoted texts without their quotes, and parentheses.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '(' | ')' => (&rest[..1], &rest[1..]),
            '\'' => rest[1..].split_once('\'').unwrap_or((&rest[1..], "")),
            _ => rest.split_at(rest.find([' ', '(', ')', '\t', '\n']).unwrap_or(rest.len())),
        };
        out.push(word.to_owned());
        rest = after.trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Matching;
    use proptest::prelude::*;

    #[test]
    fn published_types_are_read() {
        let texts = [
            "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )",
            "( 2.5.4.49 NAME 'distinguishedName' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
            "( 2.5.4.31 NAME 'member' SUP distinguishedName )",
            "( 1.3.6.1.1.16.4 NAME 'entryUUID' DESC 'it''s' EQUALITY UUIDMatch SINGLE-VALUE NO-USER-MODIFICATION USAGE x )",
            "( 9 NAME 'loop' SUP loop )",
            "nonsense",
        ];
        let types = attribute_types(texts.into_iter());
        assert_eq!(types[&"commonname".into()].matching, Matching::IgnoreCase);
        assert_eq!(types[&"member".into()].matching, Matching::DistinguishedName);
        assert!(types[&"entryUUID".into()].read_only && !types[&"entryUUID".into()].multi_valued);
        assert_eq!(types.len(), 7);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[() 'A-Z{}é]{0,60}") {
            attribute_types([text.as_str()].into_iter());
        }
    }
}
