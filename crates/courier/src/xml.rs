//! XML as a small tree: what CAP, Cursor-on-Target, GPX and KML need of it.
//!
//! Names are local, without their prefix. Entities of a document's own are not resolved, so that none can grow.

use quick_xml::Reader;
use quick_xml::escape;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Deeper documents are refused.
const DEEPEST: usize = 64;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// All text of it, without that of its children.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// Reads a document and gives its root.
    pub(crate) fn read(bytes: &[u8]) -> Result<Element, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("the document is not UTF-8: {error}"))?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim_start());
        let mut open: Vec<Element> = Vec::new();
        loop {
            let at = reader.buffer_position();
            let event = reader.read_event().map_err(|error| format!("at byte {at}: {error}"))?;
            match event {
                Event::Start(start) => {
                    if open.len() >= DEEPEST {
                        return Err(format!("at byte {at}: more than {DEEPEST} elements inside each other"));
                    }
                    open.push(begun(&start).map_err(|problem| format!("at byte {at}: {problem}"))?);
                }
                Event::Empty(start) => {
                    let element = begun(&start).map_err(|problem| format!("at byte {at}: {problem}"))?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::End(_) => {
                    let Some(mut element) = open.pop() else {
                        return Err(format!("at byte {at}: an end without a start"));
                    };
                    element.text = element.text.trim().to_owned();
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::Text(part) => add(&mut open, &part.decode().map_err(|error| error.to_string())?),
                Event::CData(part) => add(&mut open, &part.decode().map_err(|error| error.to_string())?),
                Event::GeneralRef(reference) => {
                    let resolved = resolved(&reference);
                    add(&mut open, &resolved.ok_or_else(|| format!("at byte {at}: an entity that XML does not have"))?);
                }
                Event::Eof => return Err("the document ends before its root does".to_owned()),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            }
        }
    }

    /// The first child of a name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every child of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> + 'a {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of a name, when it says anything.
    pub(crate) fn said(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// An attribute, when it says anything.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// An attribute that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Every element below, this one first.
    pub(crate) fn walk(&self) -> Vec<&Element> {
        let mut all = vec![self];
        let mut at = 0;
        while at < all.len() {
            let children = &all[at].children;
            all.extend(children.iter());
            at += 1;
        }
        all
    }
}

fn begun(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: local(start.local_name().as_ref()), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.unescape_value().map_err(|error| error.to_string())?;
        element.attributes.push((local(attribute.key.local_name().as_ref()), value.into_owned()));
    }
    Ok(element)
}

fn local(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    escape::resolve_predefined_entity(&reference.decode().ok()?).map(str::to_owned)
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Writes a document line by line.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    text: String,
    open: Vec<&'static str>,
    /// Everything in one line, as some programs want it.
    one_line: bool,
}

impl Pen {
    /// With the declaration.
    pub(crate) fn document() -> Pen {
        Pen { text: DECLARATION.to_owned(), ..Pen::default() }
    }

    /// With the declaration, then everything in one line.
    pub(crate) fn line_of_document() -> Pen {
        Pen { text: DECLARATION.to_owned(), ..Pen::fragment() }
    }

    /// In one line, without the declaration.
    pub(crate) fn fragment() -> Pen {
        Pen { one_line: true, ..Pen::default() }
    }

    /// Begins an element.
    pub(crate) fn begin(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Pen {
        self.tag(name, attributes, ">");
        self.end_line();
        self.open.push(name);
        self
    }

    /// Ends the element that was begun last.
    pub(crate) fn end(&mut self) -> &mut Pen {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str(&format!("</{name}>"));
            self.end_line();
        }
        self
    }

    /// An element with a text alone.
    pub(crate) fn line(&mut self, name: &str, text: &str) -> &mut Pen {
        self.tag(name, &[], ">");
        self.close_with(name, text);
        self
    }

    /// An element with a text alone, if there is one.
    pub(crate) fn line_of(&mut self, name: &str, text: Option<&str>) -> &mut Pen {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.line(name, text);
        }
        self
    }

    /// An element with attributes and a text.
    pub(crate) fn full(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> &mut Pen {
        if text.is_empty() {
            self.tag(name, attributes, "/>");
            self.end_line();
        } else {
            self.tag(name, attributes, ">");
            self.close_with(name, text);
        }
        self
    }

    /// The document, every element ended.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn close_with(&mut self, name: &str, text: &str) {
        let text = clean(text);
        self.text.push_str(&if self.one_line { text.replace('\n', "&#10;") } else { text });
        self.text.push_str(&format!("</{name}>"));
        self.end_line();
    }

    fn end_line(&mut self) {
        if !self.one_line {
            self.text.push('\n');
        }
    }

    fn indent(&mut self) {
        if !self.one_line {
            self.text.push_str(&"  ".repeat(self.open.len()));
        }
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            self.text.push_str(&format!(" {key}=\"{}\"", clean(value).replace('\n', "&#10;")));
        }
        self.text.push_str(end);
    }
}

/// Escaped, and without the characters that XML cannot carry.
fn clean(text: &str) -> String {
    let possible = |c: &char| matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    let kept: String = text.chars().filter(possible).collect();
    escape::escape(kept.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn documents_are_trees() {
        let root = Element::read(
            b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><a:r k='1 &amp; 2'><b>x &lt; <![CDATA[<y>]]></b><b/></a:r>",
        )
        .unwrap();
        assert_eq!((root.name.as_str(), root.attribute("k"), root.said("b")), ("r", Some("1 & 2"), Some("x < <y>")));
        assert_eq!(root.all("b").count(), 2);
        for wrong in ["", "<a>", "<a></b>", "<a>&bomb;</a>", "text", "</a>"] {
            assert!(Element::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let deep = "<a>".repeat(100);
        assert!(Element::read(deep.as_bytes()).unwrap_err().contains("inside each other"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "\\PC{0,40}", value in "\\PC{0,40}") {
            let mut pen = Pen::document();
            pen.begin("r", &[("k", &value)]).line("t", &text);
            let root = Element::read(pen.finish().as_bytes()).unwrap();
            let possible = |text: &str| text.chars().filter(|c| *c >= ' ' && *c != '\u{fffe}' && *c != '\u{ffff}').collect::<String>();
            let expected = possible(&value);
            prop_assert_eq!(root.attribute("k").unwrap_or_default(), expected.as_str());
            let expected = possible(&text);
            prop_assert_eq!(root.said("t").unwrap_or_default(), expected.trim());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Element::read(&bytes);
        }
    }
}
