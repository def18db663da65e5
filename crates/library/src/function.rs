//! Stored functions: kept, examined, dropped.

use std::collections::BTreeSet;

use kernel::diagnostic::Level;
use kernel::library::StoredFunction;
use kernel::{Actor, Diagnostic};
use kql::catalog::Catalog;
use serde::Serialize;
use serde_json::json;
use store::{Entry, Row, params};

use crate::error::{Error, What};
use crate::{Basis, Library, Put, Record, name, sql};

/// Bytes of a function.
const LARGEST: usize = 512 * 1024;

/// A function as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Function {
    pub name: String,
    pub parameters: String,
    pub body: String,
    #[serde(flatten)]
    pub record: Record,
}

impl Function {
    pub(crate) fn read(row: &Row) -> Result<Function, store::Error> {
        Ok(Function {
            name: row.text("name")?.to_owned(),
            parameters: row.text("parameters")?.to_owned(),
            body: row.text("body")?.to_owned(),
            record: Record::read(row)?,
        })
    }

    /// As the language sees it.
    pub fn stored(&self) -> StoredFunction {
        StoredFunction {
            name: self.name.clone(),
            parameters: self.parameters.clone(),
            body: self.body.clone(),
            description: self.record.description.clone(),
        }
    }
}

/// What is to be said of a function beside what it could call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examined {
    /// It cannot be read, or calls itself: it is not kept.
    pub refused: Vec<Diagnostic>,
    /// It names what is not there (yet), or what does not fit.
    pub problems: Vec<Diagnostic>,
    /// Stored functions that it calls, directly or through others.
    pub uses: BTreeSet<String>,
}

/// Looks at a function beside everything that it could name.
pub fn examine(function: &StoredFunction, catalog: &Catalog) -> Examined {
    let found = kql::check_function(function, catalog);
    let (refused, problems) = found.diagnostics.into_iter().partition(|diagnostic: &Diagnostic| {
        let fatal = [kql::codes::SYNTAX, kql::codes::LIMIT, kql::codes::OPEN_STRING, kql::codes::BAD_CHARACTER];
        diagnostic.level == Level::Error && fatal.contains(&diagnostic.code.as_str())
    });
    Examined { refused, problems, uses: found.uses }
}

impl Library {
    /// All functions, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn functions(&self) -> Result<Vec<Function>, Error> {
        let rows = self.store.fetch_all(&sql::FUNCTIONS, params![]).await?;
        Ok(rows.iter().map(Function::read).collect::<Result<_, _>>()?)
    }

    /// One function.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn function(&self, name: &str) -> Result<Function, Error> {
        let row = self.store.fetch_optional(&sql::FUNCTION, params![name]).await?;
        Ok(Function::read(&row.ok_or_else(|| Error::not_found(What::Function, name))?)?)
    }

    /// Keeps a function.
    ///
    /// # Errors
    /// [`Error::Refused`] for its name, [`Error::Invalid`] when it cannot be read or would call itself,
    /// [`Error::Conflict`] when `basis` is not what is there.
    pub async fn put_function(
        &self,
        actor: &Actor,
        function: &StoredFunction,
        basis: Basis,
    ) -> Result<Put<Function>, Error> {
        let function = StoredFunction {
            parameters: parameters(&function.parameters),
            body: function.body.trim_matches(['\r', '\n']).trim_end().to_owned(),
            description: function.description.trim().to_owned(),
            name: function.name.clone(),
        };
        name::check_function(&function.name)?;
        if function.body.len() > LARGEST {
            return Err(Error::Refused(format!(
                "the function has {} bytes; the limit is {LARGEST}",
                function.body.len()
            )));
        }
        let mut tx = self.store.begin().await?;
        // Two functions that begin to call one another at once must not both be kept.
        tx.execute(&sql::NEXT_REVISION, params![]).await?;
        let rows = tx.fetch_all(&sql::FUNCTIONS, params![]).await?;
        let others: Vec<Function> = rows.iter().map(Function::read).collect::<Result<_, _>>()?;
        let catalog = others.iter().fold(Catalog::default(), |catalog, one| catalog.with_function(one.stored()));
        let examined = examine(&function, &catalog);
        if !examined.refused.is_empty() {
            return Err(Error::Invalid(examined.refused));
        }
        let before = others.into_iter().find(|one| one.name == function.name);
        let version = before.as_ref().map(|before| before.record.version);
        if !basis.allows(version) {
            return Err(Error::conflict(json!(function), json!(before), version.unwrap_or(0)));
        }
        if let Some(before) = before.as_ref().filter(|before| before.stored() == function) {
            return Ok(Put::Unchanged(before.clone()));
        }
        let StoredFunction { name, parameters, body, description } = &function;
        let row = params![name, parameters, body, description, actor.to_string(), tx.now()];
        tx.execute(&sql::PUT_FUNCTION, row).await?;
        let after = tx.fetch_optional(&sql::FUNCTION, params![name]).await?;
        let after = Function::read(&after.ok_or_else(|| Error::not_found(What::Function, name))?)?;
        let verb = if before.is_some() { "function.change" } else { "function.make" };
        let entry = Entry::new(actor, verb, entity(name)).after(json!(after));
        let entry = match &before {
            Some(before) => entry.before(json!(before)),
            None => entry,
        };
        tx.commit(entry).await?;
        Ok(if before.is_some() { Put::Changed(after) } else { Put::Made(after) })
    }

    /// Drops a function that no other calls.
    ///
    /// # Errors
    /// [`Error::Refused`] naming those that call it; [`Error::NotFound`]; [`Error::Conflict`].
    pub async fn delete_function(&self, actor: &Actor, name: &str, basis: Basis) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        tx.execute(&sql::NEXT_REVISION, params![]).await?;
        let rows = tx.fetch_all(&sql::FUNCTIONS, params![]).await?;
        let all: Vec<Function> = rows.iter().map(Function::read).collect::<Result<_, _>>()?;
        let before = all.iter().find(|one| one.name == name).ok_or_else(|| Error::not_found(What::Function, name))?;
        if !basis.allows(Some(before.record.version)) {
            return Err(Error::conflict(json!(null), json!(before), before.record.version));
        }
        let callers = callers(name, &all);
        if !callers.is_empty() {
            return Err(Error::Refused(format!(
                "`{name}` is called by {}; change {} first",
                callers.join(", "),
                if callers.len() == 1 { "it" } else { "them" }
            )));
        }
        tx.execute_one(&sql::DELETE_FUNCTION, params![name]).await?;
        tx.commit(Entry::new(actor, "function.delete", entity(name)).before(json!(before))).await?;
        Ok(())
    }
}

/// Functions that call `name`.
fn callers(name: &str, all: &[Function]) -> Vec<String> {
    let catalog = all.iter().fold(Catalog::default(), |catalog, one| catalog.with_function(one.stored()));
    let calls = |one: &&Function| one.name != name && examine(&one.stored(), &catalog).uses.contains(name);
    all.iter().filter(calls).map(|one| format!("`{}`", one.name)).collect()
}

/// With parentheses, also where there are none to write.
fn parameters(written: &str) -> String {
    match written.trim() {
        "" => "()".to_owned(),
        written => written.to_owned(),
    }
}

fn entity(name: &str) -> String {
    format!("function:{name}")
}
