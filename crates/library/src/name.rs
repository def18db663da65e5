//! Names under which something can be kept.

use crate::error::{Error, What};

/// Characters of a name.
const LONGEST: usize = 120;
/// Names that the language itself calls.
const SPECIAL: [&str; 12] = [
    "materialize",
    "table",
    "toscalar",
    "view",
    "database",
    "cluster",
    "workspace",
    "app",
    "adx",
    "externaldata",
    "_GetWatchlist",
    "_GetWatchlistAlias",
];

/// Refuses a name that could not be called, or that would hide a function of the language.
pub(crate) fn check_function(name: &str) -> Result<(), Error> {
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !plain || name.is_empty() || name.len() > LONGEST || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Error::Refused(format!(
            "`{name}` cannot name a function: use up to {LONGEST} letters, digits and `_`, with no digit first"
        )));
    }
    let known =
        SPECIAL.contains(&name) || kql::functions::scalar(name).is_some() || kql::functions::aggregate(name).is_some();
    if known {
        return Err(Error::Refused(format!("`{name}` is a function of the language; choose another name")));
    }
    Ok(())
}

/// Refuses a name that no text in quotes could hold.
pub(crate) fn check(what: What, name: &str) -> Result<(), Error> {
    let fits = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ' ');
    if name.trim() != name || name.is_empty() || name.len() > LONGEST || !name.chars().all(fits) {
        return Err(Error::Refused(format!(
            "`{name}` cannot name a {what}: use up to {LONGEST} letters, digits, `_`, `-`, `.` and spaces inside"
        )));
    }
    Ok(())
}
