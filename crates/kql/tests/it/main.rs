//! Integration tests of the language.

mod corpus;
mod editor;
mod format;
mod hostile;
mod prune;
mod specs;
