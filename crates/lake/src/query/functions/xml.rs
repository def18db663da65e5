//! `parse_xml`: elements as bags, attributes as `@name`, text beside other things as `#text`, repeated names as
//! arrays; an element of nothing but text is that text, an empty one null.

use kernel::Value;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, escape};
use serde_json::{Map, Value as Json};

use super::{Entry, strict};

pub(super) const ENTRIES: &[Entry] = &[strict("parse_xml", |args| match args {
    [Value::String(text)] => parse(text).map_or(Value::Null, Value::Dynamic),
    _ => Value::Null,
})];

/// Longer texts give null, as documented.
const MOST_BYTES: usize = 1_048_576;
/// Deeper documents give null: a bag of more levels could not be read back.
const MOST_LEVELS: usize = 100;

/// An element that is not closed yet.
struct Open {
    name: String,
    content: Map<String, Json>,
    /// Text since the last tag.
    text: String,
}

/// The document as a bag of its root; `None` where it is not well-formed.
fn parse(xml: &str) -> Option<Json> {
    if xml.len() > MOST_BYTES {
        return None;
    }
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Map<String, Json>> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                if root.is_some() || open.len() >= MOST_LEVELS {
                    return None;
                }
                settle(open.last_mut());
                open.push(opened(&tag)?);
            }
            Event::Empty(tag) => {
                if root.is_some() {
                    return None;
                }
                settle(open.last_mut());
                close(opened(&tag)?, &mut open, &mut root);
            }
            Event::End(_) => {
                let last = open.pop()?;
                close(last, &mut open, &mut root);
            }
            Event::Text(text) => append(&mut open, &text.xml10_content().ok()?)?,
            Event::CData(text) => append(&mut open, &text.xml10_content().ok()?)?,
            Event::GeneralRef(reference) => append(&mut open, &resolved(&reference)?)?,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if open.is_empty() { root.map(Json::Object) } else { None }
}

fn opened(tag: &BytesStart<'_>) -> Option<Open> {
    let name = String::from_utf8(tag.name().as_ref().to_vec()).ok()?;
    let mut content = Map::new();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let key = std::str::from_utf8(attribute.key.as_ref()).ok()?;
        content.insert(format!("@{key}"), Json::String(attribute.unescape_value().ok()?.into_owned()));
    }
    Some(Open { name, content, text: String::new() })
}

/// `&amp;`, `&#233;`; entities of the document's own are not resolved, so that none can grow.
fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    escape::resolve_predefined_entity(&reference.decode().ok()?).map(str::to_owned)
}

/// Outside the root only white space may stand.
fn append(open: &mut [Open], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

/// The text so far becomes content.
fn settle(element: Option<&mut Open>) {
    let Some(element) = element else { return };
    let text = std::mem::take(&mut element.text);
    if !text.trim().is_empty() {
        add(&mut element.content, "#text".to_owned(), Json::String(text.trim().to_owned()));
    }
}

fn close(mut element: Open, open: &mut [Open], root: &mut Option<Map<String, Json>>) {
    settle(Some(&mut element));
    let value = match (element.content.len(), element.content.get_mut("#text").map(Json::take)) {
        (0, _) => Json::Null,
        (1, Some(text @ Json::String(_))) => text,
        (_, text) => {
            if let (Some(text), Some(place)) = (text, element.content.get_mut("#text")) {
                *place = text;
            }
            Json::Object(element.content)
        }
    };
    match open.last_mut() {
        Some(parent) => add(&mut parent.content, element.name, value),
        None => {
            let mut only = Map::new();
            only.insert(element.name, value);
            *root = Some(only);
        }
    }
}

/// A name that comes again makes an array.
fn add(content: &mut Map<String, Json>, name: String, value: Json) {
    match content.get_mut(&name) {
        // A value alone is never an array: arrays come from repetition only.
        Some(Json::Array(several)) => several.push(value),
        Some(first) => {
            let before = first.take();
            *first = Json::Array(vec![before, value]);
        }
        None => {
            content.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_become_bags_as_documented() {
        let checks = [
            ("<e/>", json!({"e": null})),
            ("<e></e>", json!({"e": null})),
            ("<e>text</e>", json!({"e": "text"})),
            (r#"<e name="value" />"#, json!({"e": {"@name": "value"}})),
            (r#"<e name="value">text</e>"#, json!({"e": {"@name": "value", "#text": "text"}})),
            ("<e> <a>text</a> <b>text</b> </e>", json!({"e": {"a": "text", "b": "text"}})),
            ("<e> <a>text</a> <a>text</a> </e>", json!({"e": {"a": ["text", "text"]}})),
            ("<e> text <a>text</a> </e>", json!({"e": {"#text": "text", "a": "text"}})),
            ("<?xml version='1.0'?><!-- c --><e>a &lt; b &#233;<![CDATA[ & ]]>c</e>\n", json!({"e": "a < b é & c"})),
            ("<e><a/><a>x</a><a/></e>", json!({"e": {"a": [null, "x", null]}})),
            ("<e>one<a/>two</e>", json!({"e": {"#text": ["one", "two"], "a": null}})),
            (
                r#"<x:e xmlns:x="u"><x:a b="&quot;1&quot;"/></x:e>"#,
                json!({"x:e": {"@xmlns:x": "u", "x:a": {"@b": "\"1\""}}}),
            ),
        ];
        for (xml, bag) in checks {
            assert_eq!(parse(xml), Some(bag), "{xml}");
        }
    }

    #[test]
    fn what_is_not_xml_is_null() {
        for text in
            ["", "text", "<e>", "<e></f>", "<a/><b/>", "x<a/>", "<e>&unknown;</e>", "<e a=1/>", "<e a='1' a='2'/>"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("{}{}", "<e>".repeat(101), "</e>".repeat(101))), None);
        assert_eq!(parse(&format!("<e>{}</e>", "x".repeat(MOST_BYTES))), None);
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "[^\\x00-\\x1f\\x7f-\\x9f\u{2028}\u{fffe}\u{ffff}]{0,40}") {
            let found = parse(&format!("<e a=\"{0}\"><t>{0}</t></e>", escape::escape(&text))).unwrap();
            prop_assert_eq!(found["e"]["@a"].as_str(), Some(text.as_str()));
            prop_assert_eq!(found["e"]["t"].as_str().unwrap_or_default(), text.trim());
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[<>/a-c=\"'& ;#!\\[\\]-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
