//! Groups by text and whole numbers, the first of two steps: each thread groups its own rows, and DataFusion's final step
//! brings the threads' groups together.
//!
//! DataFusion hashes and compares every text of every row. A column of a file holds most texts by reference to a dictionary,
//! so that equal texts of one row group lie at one place of a buffer: [`texts`] remembers what number the text at a place
//! has, and reads a text only when it meets a place for the first time. Numbers of several columns make one
//! ([`keys`]), and the aggregates of DataFusion and our own are fed with it ([`operator`]). [`rule`] puts the operator into a
//! plan in the place of DataFusion's, which stays in the plan as the operator's description and is its slow twin.

mod codes;
mod keys;
mod operator;
mod places;
mod recent;
mod rule;
mod texts;
mod words;

pub use operator::GroupExec;
pub use rule::GroupByCode;
