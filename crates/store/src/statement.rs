//! One named statement of the one portable SQL.

use crate::error::Error;

/// A statement under a name that errors and logs can show. Every room keeps its own in `sql.rs` and lists them in
/// `STATEMENTS`, so that a test can prepare each of them on both engines.
///
/// Portable means: `$1` placeholders, `TEXT`, `BIGINT`, `DOUBLE PRECISION`, `CAST(SUM(x) AS BIGINT)`, `ON CONFLICT`,
/// `RETURNING`, and no function that only one engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// `room.what_it_does`.
    pub name: &'static str,
    pub sql: &'static str,
}

/// What a statement does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Reads,
    /// Writes the one table that is named.
    Writes(&'static str),
}

impl Statement {
    /// Names a statement.
    pub const fn new(name: &'static str, sql: &'static str) -> Statement {
        Statement { name, sql }
    }

    /// What it does, from its first words.
    ///
    /// # Errors
    /// [`Error::Misuse`] when it is not a SELECT, INSERT, UPDATE or DELETE.
    pub fn effect(&self) -> Result<Effect, Error> {
        let mut words = self.sql.split_ascii_whitespace();
        let mut word = || words.next().unwrap_or_default();
        let verb = word().to_ascii_uppercase();
        let table = match verb.as_str() {
            "SELECT" | "WITH" => return Ok(Effect::Reads),
            "UPDATE" => word(),
            "INSERT" | "DELETE" => {
                word();
                word()
            }
            _ => return Err(Error::misuse(self, "a statement starts with SELECT, WITH, INSERT, UPDATE or DELETE")),
        };
        Ok(Effect::Writes(table.split('(').next().unwrap_or_default()))
    }

    /// Refuses anything but a read.
    pub(crate) fn must_read(&self) -> Result<(), Error> {
        match self.effect()? {
            Effect::Reads => Ok(()),
            Effect::Writes(_) => Err(Error::misuse(self, "it writes; run it in a transaction")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effect_is_read_from_the_text() {
        let effect = |sql| Statement::new("test.statement", sql).effect();
        assert_eq!(effect("SELECT 1").ok(), Some(Effect::Reads));
        assert_eq!(effect("INSERT INTO alert (id) VALUES ($1)").ok(), Some(Effect::Writes("alert")));
        assert_eq!(effect("INSERT INTO alert(id) VALUES ($1)").ok(), Some(Effect::Writes("alert")));
        assert_eq!(effect("  update alert SET id = $1").ok(), Some(Effect::Writes("alert")));
        assert_eq!(effect("DELETE FROM alert").ok(), Some(Effect::Writes("alert")));
        assert!(effect("DROP TABLE alert").is_err());
    }
}
