//! One source record as fields, and the names that fields have.
//!
//! A *path* is where a value lies in the source record (`Event` › `System` › `EventID`); a *slot* is the field name
//! that it goes by (`EventID`). Paths are nodes of a tree that is built once for each delivery, so that the names of
//! the thousandth record cost one comparison each.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;

/// A field name, by number. The first slots are the fields that mappings use, the same in every delivery.
pub(crate) type Slot = u32;

/// No slot: the value is not a field (nulls, metadata, names beyond the limit).
pub(crate) const NO_SLOT: Slot = u32::MAX;

/// To which part of the record a field belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Part {
    /// What every record of the source has: time, host, id.
    #[default]
    Header,
    /// What this kind of record has: the `EventData` of Windows.
    Data,
    /// What the collector added; a field for Sigma, not a column.
    Envelope,
}

/// What a layout says of a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Naming {
    /// The field name of a value at this path; empty: none.
    pub(crate) name: String,
    pub(crate) part: Part,
    /// An object or array here is also kept whole, as JSON.
    pub(crate) whole: bool,
}

/// Names paths. Called once for each path of a delivery.
pub(crate) trait Layout {
    fn name(&self, path: &[&str]) -> Naming;
}

/// What a value was in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A number, or `true` or `false`: its JSON text is its value.
    Bare,
    /// An object or an array, whole.
    Json,
}

/// One value of the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) slot: Slot,
    pub(crate) part: Part,
    pub(crate) kind: Kind,
    /// The JSON of the value in the record (quotes excluded), when the record is JSON.
    raw: (u32, u32),
    /// The text of the value: in the record, or in the scratch when it had escapes.
    text: (u32, u32),
    in_scratch: bool,
    /// The next value of the same slot in this record.
    next: u32,
}

const NONE: u32 = u32::MAX;

/// From here on a text is worth unescaping by the block.
const LONG_BYTES: usize = 64;

/// The fields of the record that is being read; reused for the next one.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    list: Vec<Field>,
    scratch: String,
    /// Of the text that is being unescaped.
    bytes: Vec<u8>,
    /// By slot: the record it was seen in, its first and its last value.
    heads: Vec<(u32, u32, u32)>,
    epoch: u32,
    /// Some field is a whole object or array.
    has_whole: bool,
}

impl Fields {
    /// Forgets the record before.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.scratch.clear();
        self.has_whole = false;
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.heads.clear();
            self.epoch = 1;
        }
    }

    /// A value that is a span of the record.
    pub(crate) fn push_span(&mut self, slot: Slot, part: Part, kind: Kind, start: usize, end: usize) {
        let span = (start as u32, end as u32);
        self.push(Field { slot, part, kind, raw: span, text: span, in_scratch: false, next: NONE });
    }

    /// A JSON string with escapes.
    pub(crate) fn push_escaped(&mut self, slot: Slot, part: Part, record: &str, start: usize, end: usize) {
        let from = self.scratch.len() as u32;
        let raw = &record[start..end];
        if raw.len() < LONG_BYTES {
            crate::json::unescape(raw, &mut self.scratch);
        } else {
            crate::json::unescape_long(raw, &mut self.bytes, &mut self.scratch);
        }
        let text = (from, self.scratch.len() as u32);
        let raw = (start as u32, end as u32);
        self.push(Field { slot, part, kind: Kind::Text, raw, text, in_scratch: true, next: NONE });
    }

    /// A value that is not in the record as it stands.
    pub(crate) fn push_text(&mut self, slot: Slot, part: Part, text: &str) {
        let from = self.scratch.len() as u32;
        self.scratch.push_str(text);
        let text = (from, self.scratch.len() as u32);
        self.push(Field { slot, part, kind: Kind::Text, raw: (NONE, NONE), text, in_scratch: true, next: NONE });
    }

    fn push(&mut self, field: Field) {
        if field.slot == NO_SLOT {
            return;
        }
        self.has_whole |= field.kind == Kind::Json;
        let at = self.list.len() as u32;
        let slot = field.slot as usize;
        if slot >= self.heads.len() {
            self.heads.resize(slot + 1, (0, NONE, NONE));
        }
        let (epoch, first, last) = self.heads[slot];
        // Collectors write the host or the id under several names: the first is the value.
        if field.part == Part::Header && epoch == self.epoch {
            return;
        }
        self.list.push(field);
        // Whole objects stand beside their leaves; they are no further value of the field.
        if epoch == self.epoch {
            if field.kind != Kind::Json {
                self.list[last as usize].next = at;
                self.heads[slot] = (epoch, first, at);
            }
        } else {
            self.heads[slot] = (self.epoch, at, at);
        }
    }

    pub(crate) fn list(&self) -> &[Field] {
        &self.list
    }

    fn first(&self, slot: Slot) -> Option<&Field> {
        let &(epoch, first, _) = self.heads.get(slot as usize)?;
        (epoch == self.epoch).then(|| &self.list[first as usize])
    }

    /// A view of the record that lies in `text`.
    pub(crate) fn of<'a>(&'a self, text: &'a str, extent: Range<usize>) -> Record<'a> {
        Record { fields: self, text, raw: &text[extent] }
    }
}

/// A record and its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    fields: &'a Fields,
    /// What the spans of the fields are offsets into.
    text: &'a str,
    raw: &'a str,
}

impl<'a> Record<'a> {
    /// The record as it stands.
    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }

    pub(crate) fn list(self) -> &'a [Field] {
        self.fields.list()
    }

    /// The first value of a field.
    pub(crate) fn field(self, slot: Slot) -> Option<&'a Field> {
        self.fields.first(slot)
    }

    /// The text of the first value of a field.
    pub(crate) fn get(self, slot: Slot) -> Option<&'a str> {
        self.field(slot).map(|field| self.text(field))
    }

    /// Whether `field` is the first value of its slot.
    pub(crate) fn is_first(self, field: &Field) -> bool {
        self.field(field.slot).is_some_and(|first| std::ptr::eq(first, field))
    }

    /// The object or array of a slot as JSON; of several (the elements of an array), the one that holds the others.
    pub(crate) fn whole(self, slot: Slot) -> Option<&'a Field> {
        if !self.fields.has_whole {
            return None;
        }
        self.fields.list.iter().rev().find(|field| field.slot == slot && field.kind == Kind::Json)
    }

    /// The further values of the field whose `field` is given.
    pub(crate) fn next(self, field: &Field) -> Option<&'a Field> {
        self.fields.list.get(field.next as usize)
    }

    pub(crate) fn text(self, field: &Field) -> &'a str {
        let (start, end) = (field.text.0 as usize, field.text.1 as usize);
        if field.in_scratch { &self.fields.scratch[start..end] } else { &self.text[start..end] }
    }

    /// Appends the value as JSON.
    pub(crate) fn write_json(self, field: &Field, out: &mut String) {
        match field.kind {
            Kind::Bare | Kind::Json => out.push_str(self.text(field)),
            Kind::Text if field.raw.0 == NONE => crate::json::quote(self.text(field), out),
            Kind::Text => {
                out.push('"');
                out.push_str(&self.text[field.raw.0 as usize..field.raw.1 as usize]);
                out.push('"');
            }
        }
    }
}

/// A node of the tree of paths.
#[derive(Debug)]
struct Node {
    parent: u32,
    key: Box<str>,
    slot: Slot,
    part: Part,
    whole: bool,
    /// The node that came after this one in the record before.
    follower: u32,
}

/// The tree of paths and the list of slots of one delivery.
pub(crate) struct Shapes<'l> {
    layout: &'l dyn Layout,
    nodes: Vec<Node>,
    index: HashTable<u32>,
    names: Vec<Box<str>>,
    slots: HashTable<u32>,
    hasher: hashbrown::DefaultHashBuilder,
    limit: usize,
    /// Names that were beyond the limit.
    pub(crate) overflow: u64,
}

/// The root of the tree.
pub(crate) const ROOT: u32 = 0;

impl<'l> Shapes<'l> {
    /// `names` become the first slots; `limit` bounds the slots beyond them.
    pub(crate) fn new(layout: &'l dyn Layout, names: &[Box<str>], limit: usize) -> Shapes<'l> {
        let root =
            Node { parent: NONE, key: "".into(), slot: NO_SLOT, part: Part::Header, whole: false, follower: ROOT };
        let mut shapes = Shapes {
            layout,
            nodes: vec![root],
            index: HashTable::new(),
            names: Vec::with_capacity(names.len() + 64),
            slots: HashTable::new(),
            hasher: hashbrown::DefaultHashBuilder::default(),
            limit: limit + names.len(),
            overflow: 0,
        };
        for name in names {
            shapes.slot(name);
        }
        shapes
    }

    /// The slot called `name`, made when it is new; [`NO_SLOT`] beyond the limit.
    pub(crate) fn slot(&mut self, name: &str) -> Slot {
        let hash = self.hasher.hash_one(name);
        let names = &self.names;
        if let Some(&slot) = self.slots.find(hash, |&slot| *names[slot as usize] == *name) {
            return slot;
        }
        if self.names.len() >= self.limit {
            self.overflow += 1;
            return NO_SLOT;
        }
        let slot = self.names.len() as u32;
        self.names.push(name.into());
        let (names, hasher) = (&self.names, &self.hasher);
        self.slots.insert_unique(hash, slot, |&slot| hasher.hash_one(&*names[slot as usize]));
        slot
    }

    /// The names of all slots.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The child of `parent` under `key`. `previous` is the node that was visited before.
    #[inline]
    pub(crate) fn child(&mut self, parent: u32, key: &str, previous: u32) -> u32 {
        let guess = self.nodes[previous as usize].follower;
        let node = &self.nodes[guess as usize];
        if node.parent == parent && *node.key == *key {
            return guess;
        }
        let found = self.find_or_make(parent, key);
        self.nodes[previous as usize].follower = found;
        found
    }

    fn find_or_make(&mut self, parent: u32, key: &str) -> u32 {
        let hash = self.hasher.hash_one((parent, key));
        let nodes = &self.nodes;
        let found = self.index.find(hash, |&node| {
            let node = &nodes[node as usize];
            node.parent == parent && *node.key == *key
        });
        if let Some(&node) = found {
            return node;
        }
        // A tree without end would be memory without end: beyond the limit all new names share one nameless node.
        if self.nodes.len() > self.limit * 4 {
            self.overflow += 1;
            return ROOT;
        }
        let naming = self.layout.name(&self.path(parent, key));
        let slot = if naming.name.is_empty() { NO_SLOT } else { self.slot(&naming.name) };
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { parent, key: key.into(), slot, part: naming.part, whole: naming.whole, follower: ROOT });
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        self.index.insert_unique(hash, node, |&node| {
            let node = &nodes[node as usize];
            hasher.hash_one((node.parent, &*node.key))
        });
        node
    }

    fn path<'p>(&'p self, parent: u32, key: &'p str) -> Vec<&'p str> {
        let mut path = vec![key];
        let mut at = parent;
        while at != ROOT && path.len() < 256 {
            let node = &self.nodes[at as usize];
            path.push(&node.key);
            at = node.parent;
        }
        path.reverse();
        path
    }

    #[inline]
    pub(crate) fn naming(&self, node: u32) -> (Slot, Part, bool) {
        let node = &self.nodes[node as usize];
        (node.slot, node.part, node.whole)
    }
}
