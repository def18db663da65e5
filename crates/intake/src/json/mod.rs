//! JSON as logs have it: one object for each line, objects one after another, or one array of objects.
//!
//! A scanner of our own instead of a tree of values: it hands out spans of the record, so that numbers keep their
//! text, strings without escapes are never copied, and nested objects can be kept as the JSON that they were.

mod scan;
mod split;
mod walk;

pub(crate) use scan::{Fault, quote, unescape, unescape_long};
pub(crate) use split::Splitter;
pub(crate) use walk::walk;
