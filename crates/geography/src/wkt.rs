//! Shapes as well-known text (OGC 06-103r4) read into GeoJSON.

use serde_json::{Value as Json, json};

/// The shape that `text` writes; `None` where it is not well-known text.
pub fn read(text: &str) -> Option<Json> {
    let mut reader = Reader { rest: text };
    let shape = reader.shape(0)?;
    reader.skip();
    reader.rest.is_empty().then_some(shape)
}

/// Collections in collections; deeper ones are refused.
const DEEPEST: usize = 32;

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn shape(&mut self, depth: usize) -> Option<Json> {
        let name = self.word()?;
        // What follows the name: Z, M or ZM for further numbers of each position.
        let before = self.rest;
        match self.word() {
            Some(mark) if ["Z", "M", "ZM"].iter().any(|known| mark.eq_ignore_ascii_case(known)) => {}
            _ => self.rest = before,
        }
        let shape = |name: &str, coordinates: Json| json!({ "type": name, "coordinates": coordinates });
        let position = |reader: &mut Reader<'t>| reader.position();
        let chain = |reader: &mut Reader<'t>| reader.list(position);
        let rings = |reader: &mut Reader<'t>| reader.list(chain);
        Some(match name.to_ascii_uppercase().as_str() {
            "POINT" => {
                let mut positions = self.list(position)?.as_array()?.clone();
                if positions.len() > 1 {
                    return None;
                }
                shape("Point", positions.pop().unwrap_or_else(|| json!([])))
            }
            "LINESTRING" => shape("LineString", self.list(position)?),
            "POLYGON" => shape("Polygon", self.list(chain)?),
            "MULTIPOINT" => shape("MultiPoint", self.list(Reader::bracketed_position)?),
            "MULTILINESTRING" => shape("MultiLineString", self.list(chain)?),
            "MULTIPOLYGON" => shape("MultiPolygon", self.list(rings)?),
            "GEOMETRYCOLLECTION" if depth < DEEPEST => {
                let shapes = self.list(|reader| reader.shape(depth + 1))?;
                json!({ "type": "GeometryCollection", "geometries": shapes })
            }
            _ => return None,
        })
    }

    /// `EMPTY`, or items between brackets.
    fn list(&mut self, mut item: impl FnMut(&mut Reader<'t>) -> Option<Json>) -> Option<Json> {
        if !self.mark('(') {
            return self.word().filter(|word| word.eq_ignore_ascii_case("EMPTY")).map(|_| json!([]));
        }
        let mut items = vec![item(self)?];
        while self.mark(',') {
            items.push(item(self)?);
        }
        self.mark(')').then_some(Json::Array(items))
    }

    /// A position of `MULTIPOINT`, which may stand in brackets.
    fn bracketed_position(&mut self) -> Option<Json> {
        if !self.mark('(') {
            return self.position();
        }
        let position = self.position()?;
        self.mark(')').then_some(position)
    }

    /// Two numbers and up to two more.
    fn position(&mut self) -> Option<Json> {
        let mut numbers = Vec::new();
        while let Some(number) = self.number() {
            numbers.push(number);
        }
        (2..=4).contains(&numbers.len()).then_some(Json::Array(numbers))
    }

    fn number(&mut self) -> Option<Json> {
        self.skip();
        let end = self.rest.find(|sign: char| !(sign.is_ascii_digit() || "+-.eE".contains(sign)));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let number = match text.parse::<i64>() {
            Ok(whole) => json!(whole),
            Err(_) => json!(text.parse::<f64>().ok().filter(|number| number.is_finite())?),
        };
        self.rest = rest;
        Some(number)
    }

    fn word(&mut self) -> Option<&'t str> {
        self.skip();
        let end = self.rest.find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn mark(&mut self, mark: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }
}
