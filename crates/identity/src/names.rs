//! Names that must be unlike those of others: who has which, and who gets the next.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::Timestamp;
use kernel::id::PersonId;
use minijinja::Value;
use store::{Read, Row, Tx, params};

use crate::account::{Protection, Wanted};
use crate::error::{Error, Refusal};
use crate::policy::Policy;
use crate::sql;
use crate::system::Naming;

/// Candidates that are tried before a person has to say another.
const MOST_TRIES: u32 = 200;
const MOST: u32 = 4_000_000;

/// The names of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    pub names: BTreeMap<String, String>,
    pub former: BTreeMap<String, Vec<String>>,
}

/// Who has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    person: Option<PersonId>,
    /// Free again from then on.
    until: Option<Timestamp>,
}

/// A name that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    scope: String,
    name: String,
    person: PersonId,
}

/// Names by scope. What it does not know it asks for, unless it knows all.
#[derive(Debug, Default)]
pub(crate) struct NameBook {
    known: HashMap<(String, String), Option<Holder>>,
    complete: bool,
    /// Given since the last [`write`].
    taken: Vec<Taken>,
}

impl NameBook {
    /// With every name that there is.
    pub(crate) async fn load(read: &mut impl Read) -> Result<NameBook, Error> {
        let mut book = NameBook { complete: true, ..NameBook::default() };
        for row in read.rows(&sql::NAMES, params![MOST]).await? {
            let key = (row.text("scope")?.to_owned(), row.text("folded")?.to_owned());
            book.known.insert(key, Some(holder(&row)?));
        }
        Ok(book)
    }

    async fn holder(&mut self, read: &mut impl Read, scope: &str, folded: &str) -> Result<Option<&Holder>, Error> {
        let key = (scope.to_owned(), folded.to_owned());
        if !self.complete && !self.known.contains_key(&key) {
            let row = read.rows(&sql::NAME, params![scope, folded]).await?;
            let found = row.first().map(holder).transpose()?;
            self.known.insert(key.clone(), found);
        }
        Ok(self.known.get(&key).and_then(Option::as_ref))
    }

    async fn is_free(
        &mut self,
        read: &mut impl Read,
        scope: &str,
        name: &str,
        person: PersonId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let holder = self.holder(read, scope, &name.to_lowercase()).await?;
        Ok(holder.is_none_or(|holder| holder.person == Some(person) || holder.until.is_some_and(|until| until <= now)))
    }

    fn take(&mut self, scope: &str, name: &str, person: PersonId) {
        let key = (scope.to_owned(), name.to_lowercase());
        self.known.insert(key, Some(Holder { person: Some(person), until: None }));
        self.taken.push(Taken { scope: scope.to_owned(), name: name.to_owned(), person });
    }

    /// What was given since, to be written.
    pub(crate) fn given(&mut self) -> Vec<Taken> {
        std::mem::take(&mut self.taken)
    }
}

fn holder(row: &Row) -> Result<Holder, Error> {
    Ok(Holder { person: row.id_opt("person_id")?, until: row.time_opt("held_until_us")? })
}

/// Writes names that were given.
pub(crate) async fn write(tx: &mut Tx, given: Vec<Taken>) -> Result<(), Error> {
    for taken in given {
        let row = params![&taken.scope, taken.name.to_lowercase(), &taken.name, taken.person];
        tx.execute(&sql::TAKE_NAME, row).await?;
    }
    Ok(())
}

/// Keeps the names of an account that is gone from others until then.
pub(crate) async fn hold(
    tx: &mut Tx,
    policy: &Policy,
    system: &str,
    wanted: &Wanted,
    until: Timestamp,
) -> Result<(), Error> {
    let Some(document) = policy.systems.get(system) else { return Ok(()) };
    for (key, name) in &wanted.names {
        let naming = if key == "login" { Some(&document.login) } else { document.names.get(key) };
        if let Some(naming) = naming {
            tx.execute(&sql::HOLD_NAME, params![&naming.scope, name.to_lowercase(), until]).await?;
        }
    }
    Ok(())
}

/// Whose account gets names.
pub(crate) struct Namesake<'a> {
    pub(crate) system: &'a str,
    pub(crate) person: PersonId,
    pub(crate) facts: &'a Value,
    pub(crate) before: Option<&'a Wanted>,
    /// Names of other accounts of the person in that system, in small letters.
    pub(crate) beside: BTreeSet<String>,
    pub(crate) now: Timestamp,
}

/// The names of an account: those it has, as long as policy would still give them; new ones otherwise, and the old as former.
pub(crate) async fn settle(
    book: &mut NameBook,
    read: &mut impl Read,
    policy: &Policy,
    whose: &Namesake<'_>,
) -> Result<Named, Error> {
    let mut named =
        Named { names: BTreeMap::new(), former: whose.before.map(|before| before.former.clone()).unwrap_or_default() };
    let Some(document) = policy.systems.get(whose.system) else { return Ok(named) };
    let namings = std::iter::once(("login", &document.login))
        .chain(document.names.iter().map(|(key, naming)| (key.as_str(), naming)));
    for (key, naming) in namings {
        let current = whose.before.and_then(|before| before.names.get(key));
        if let Some(current) = current {
            if !naming.follows || would_give(policy, whose, key, naming, current)? {
                named.names.insert(key.to_owned(), current.clone());
                continue;
            }
            let former = named.former.entry(key.to_owned()).or_default();
            former.retain(|known| known != current);
            former.push(current.clone());
        }
        let name = choose(book, read, policy, whose, key, naming).await?;
        if let Some(former) = named.former.get_mut(key) {
            former.retain(|known| *known != name);
        }
        named.names.insert(key.to_owned(), name);
    }
    named.former.retain(|_, former| !former.is_empty());
    Ok(named)
}

/// Whether a name is one that the template gives to this person with some number.
fn would_give(policy: &Policy, whose: &Namesake<'_>, key: &str, naming: &Naming, name: &str) -> Result<bool, Refusal> {
    for n in 1..=MOST_TRIES {
        let candidate = candidate(policy, whose, key, naming, n)?;
        if candidate.eq_ignore_ascii_case(name) {
            return Ok(true);
        }
        // A number beyond the one that the name ends in cannot give it.
        if n > 1 && !name.ends_with(|last: char| last.is_ascii_digit()) {
            return Ok(false);
        }
    }
    Ok(false)
}

async fn choose(
    book: &mut NameBook,
    read: &mut impl Read,
    policy: &Policy,
    whose: &Namesake<'_>,
    key: &str,
    naming: &Naming,
) -> Result<String, Error> {
    for n in 1..=MOST_TRIES {
        let name = candidate(policy, whose, key, naming, n)?;
        if name.is_empty() {
            let why = "the template gives nothing for this person: name them otherwise, or mend the template";
            return Err(Refusal::bad(format!("system {}: {key}", whose.system), why).into());
        }
        if policy.protection(whose.system, &name) != Protection::None || whose.beside.contains(&name.to_lowercase()) {
            continue;
        }
        if book.is_free(read, &naming.scope, &name, whose.person, whose.now).await? {
            book.take(&naming.scope, &name, whose.person);
            return Ok(name);
        }
    }
    let why = format!("{MOST_TRIES} names were tried and all are taken");
    Err(Refusal::bad(format!("system {}: {key}", whose.system), why).into())
}

/// The `n`th candidate, cut to the longest that the system takes. Templates that say nothing of `n` get it at the end.
fn candidate(policy: &Policy, whose: &Namesake<'_>, key: &str, naming: &Naming, n: u32) -> Result<String, Refusal> {
    let name = policy.templates.name(whose.system, key, whose.facts, n)?;
    let counts = n == 1 || name != policy.templates.name(whose.system, key, whose.facts, 1)?;
    let length = name.chars().count();
    if counts && length <= naming.max_length {
        return Ok(name);
    }
    let suffix = if n == 1 { String::new() } else { n.to_string() };
    let (local, domain) = name.split_once('@').map_or((name.as_str(), None), |(local, domain)| (local, Some(domain)));
    let rest = suffix.chars().count() + domain.map_or(0, |domain| domain.chars().count() + 1);
    let local: String = local.chars().take(naming.max_length.saturating_sub(rest)).collect();
    Ok(match domain {
        Some(domain) => format!("{local}{suffix}@{domain}"),
        None => format!("{local}{suffix}"),
    })
}
