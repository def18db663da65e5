//! From the text of one JSON object to the fields of a record, in one pass.

use super::scan::{Fault, RawString, Scanner};
use crate::limits::DecodeLimits;
use crate::record::{Fields, Kind, NO_SLOT, Part, ROOT, Shapes};

/// Reads the object that begins at byte `start` of `text` into `fields`; returns where it ends.
///
/// Spans in `fields` are offsets from the start of `text`.
pub(crate) fn walk(
    text: &str,
    start: usize,
    limits: &DecodeLimits,
    shapes: &mut Shapes<'_>,
    fields: &mut Fields,
) -> Result<usize, Fault> {
    let scanner = Scanner::starting_at(text.as_bytes(), start);
    let mut walker = Walker { text, scanner, limits, shapes, fields, previous: ROOT, key: String::new() };
    if walker.scanner.peek() != Some(b'{') {
        return Err(walker.scanner.fault("a record must be a JSON object; this begins with something else"));
    }
    walker.object(ROOT, 1)?;
    Ok(walker.scanner.at())
}

struct Walker<'a, 's, 'l> {
    text: &'a str,
    scanner: Scanner<'a>,
    limits: &'a DecodeLimits,
    shapes: &'s mut Shapes<'l>,
    fields: &'s mut Fields,
    /// The node visited last, from which the next one is guessed.
    previous: u32,
    /// The text of a key that has escapes.
    key: String,
}

impl Walker<'_, '_, '_> {
    /// An object whose brace is next; `node` is its path.
    fn object(&mut self, node: u32, depth: usize) -> Result<(), Fault> {
        self.check_depth(depth)?;
        self.scanner.bump();
        if self.scanner.peek() == Some(b'}') {
            self.scanner.bump();
            return Ok(());
        }
        for width in 0.. {
            if width >= self.limits.width {
                return Err(self.scanner.fault("an object with more keys than the limit"));
            }
            let key = self.scanner.string()?;
            let child = self.child(node, key);
            self.scanner.expect(b':', "`:` was expected after the key")?;
            self.value(child, depth)?;
            match self.scanner.peek() {
                Some(b',') => self.scanner.bump(),
                Some(b'}') => break,
                _ => return Err(self.scanner.fault("`,` or `}` was expected")),
            }
        }
        self.scanner.bump();
        Ok(())
    }

    fn child(&mut self, node: u32, key: RawString) -> u32 {
        let raw = &self.text[key.start..key.end];
        let child = if key.escaped {
            self.key.clear();
            super::unescape(raw, &mut self.key);
            self.shapes.child(node, &self.key, self.previous)
        } else {
            self.shapes.child(node, raw, self.previous)
        };
        self.previous = child;
        child
    }

    /// An array whose bracket is next: its elements are values of the same path.
    fn array(&mut self, node: u32, depth: usize) -> Result<(), Fault> {
        self.check_depth(depth)?;
        self.scanner.bump();
        if self.scanner.peek() == Some(b']') {
            self.scanner.bump();
            return Ok(());
        }
        for width in 0.. {
            if width >= self.limits.width {
                return Err(self.scanner.fault("an array with more elements than the limit"));
            }
            self.value(node, depth)?;
            match self.scanner.peek() {
                Some(b',') => self.scanner.bump(),
                Some(b']') => break,
                _ => return Err(self.scanner.fault("`,` or `]` was expected")),
            }
        }
        self.scanner.bump();
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), Fault> {
        if depth > self.limits.depth { Err(self.scanner.fault("nesting deeper than the limit")) } else { Ok(()) }
    }

    fn value(&mut self, node: u32, depth: usize) -> Result<(), Fault> {
        let (slot, part, whole) = self.shapes.naming(node);
        match self.scanner.peek() {
            Some(b'"') => {
                let string = self.scanner.string()?;
                self.text_field((slot, part), string);
            }
            Some(b'{') => self.nested((slot, part, whole), |walker| walker.object(node, depth + 1))?,
            Some(b'[') => self.nested((slot, part, whole), |walker| walker.array(node, depth + 1))?,
            Some(b't') => self.word(b"true", (slot, part))?,
            Some(b'f') => self.word(b"false", (slot, part))?,
            Some(b'n') => self.scanner.literal(b"null")?,
            _ => {
                let (start, end) = self.scanner.number()?;
                self.bare((slot, part), start, end);
            }
        }
        Ok(())
    }

    fn text_field(&mut self, (slot, part): (u32, Part), string: RawString) {
        if slot == NO_SLOT {
            return;
        }
        if string.escaped {
            self.fields.push_escaped(slot, part, self.text, string.start, string.end);
        } else {
            self.fields.push_span(slot, part, Kind::Text, string.start, string.end);
        }
    }

    fn word(&mut self, word: &'static [u8], naming: (u32, Part)) -> Result<(), Fault> {
        let start = self.scanner.at();
        self.scanner.literal(word)?;
        self.bare(naming, start, self.scanner.at());
        Ok(())
    }

    fn bare(&mut self, (slot, part): (u32, Part), start: usize, end: usize) {
        if slot != NO_SLOT {
            self.fields.push_span(slot, part, Kind::Bare, start, end);
        }
    }

    /// An object or array: its leaves, and itself where the layout wants it whole.
    fn nested(
        &mut self,
        (slot, part, whole): (u32, Part, bool),
        inside: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let start = self.scanner.at();
        inside(self)?;
        if whole && slot != NO_SLOT {
            self.fields.push_span(slot, part, Kind::Json, start, self.scanner.at());
        }
        Ok(())
    }
}
