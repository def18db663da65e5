//! Integration tests of the language.

mod corpus;
mod editor;
mod hostile;
mod prune;
mod specs;
