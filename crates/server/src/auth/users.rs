//! People as the database holds them.

use kernel::id::UserId;
use kernel::{Actor, Timestamp};
use store::{Row, Store, params};

use crate::api::users::{Role, User};
use crate::api::words::UserRef;
use crate::sql;

/// A person, password digest included.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    pub id: UserId,
    pub name: String,
    pub display_name: String,
    pub roles: Vec<Role>,
    pub password_hash: Option<String>,
    pub disabled: bool,
    pub created: Timestamp,
    pub last_login: Option<Timestamp>,
    pub version: i64,
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserRecord({}, {:?})", self.id, self.roles)
    }
}

impl UserRecord {
    /// From a row of any statement that has the columns of a person.
    ///
    /// # Errors
    /// [`store::Error::Corrupt`] names the column.
    pub fn from_row(row: &Row) -> Result<UserRecord, store::Error> {
        Ok(UserRecord {
            id: row.id("id")?,
            name: row.text("name")?.to_owned(),
            display_name: row.text("display_name")?.to_owned(),
            roles: row.json("roles")?,
            password_hash: row.text_opt("password_hash")?.map(str::to_owned),
            disabled: row.flag("disabled")?,
            created: row.time("created_us")?,
            last_login: row.time_opt("last_login_us")?,
            version: row.int("version")?,
        })
    }

    /// As the API shows it.
    pub fn to_api(&self) -> User {
        User {
            id: self.id.to_string(),
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            roles: self.roles.clone(),
            disabled: self.disabled,
            invited: self.password_hash.is_none(),
            created: self.created.into(),
            last_login: self.last_login.map(Into::into),
            version: self.version,
        }
    }

    /// As the ledger holds it: ids and roles, no names.
    pub fn to_ledger(&self) -> serde_json::Value {
        serde_json::json!({ "roles": self.roles, "disabled": self.disabled, "version": self.version })
    }

    /// Who acts.
    pub fn actor(&self) -> Actor {
        Actor::User(self.id.to_string())
    }
}

/// Everybody.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails.
pub async fn all(store: &Store) -> Result<Vec<UserRecord>, store::Error> {
    store.fetch_all(&sql::USERS, params![]).await?.iter().map(UserRecord::from_row).collect()
}

/// Whether somebody can run the house: an administrator who has a password and may sign in.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails.
pub async fn somebody_administers(store: &Store) -> Result<bool, store::Error> {
    Ok(all(store).await?.iter().any(runs_the_house))
}

/// An administrator who can sign in.
pub fn runs_the_house(user: &UserRecord) -> bool {
    !user.disabled && user.password_hash.is_some() && user.roles.contains(&Role::Administrator)
}

/// Names of people, to show beside their ids.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Reads them.
    ///
    /// # Errors
    /// [`store::Error::Unavailable`] when the database fails.
    pub async fn load(store: &Store) -> Result<Names, store::Error> {
        let users = all(store).await?;
        Ok(Names(users.into_iter().map(|user| (user.id.to_string(), user.display_name)).collect()))
    }

    /// The person with `id`; one that is not known any more is shown by the id.
    pub fn user(&self, id: &str) -> UserRef {
        UserRef { id: id.to_owned(), name: self.find(id).unwrap_or(id).to_owned() }
    }

    /// The name of `user:…`; other actors are shown as they are.
    pub fn actor(&self, actor: &str) -> String {
        let name = actor.strip_prefix("user:").and_then(|id| self.find(id));
        name.unwrap_or(actor).to_owned()
    }

    fn find(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, name)| name.as_str())
    }
}

/// The name as it is stored, or what is wrong with it.
///
/// # Errors
/// The rule that it breaks.
pub fn clean_name(name: &str) -> Result<String, String> {
    let name = name.trim().to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '@');
    if !(2..=64).contains(&name.len()) || !name.chars().all(allowed) {
        return Err("a name has 2 to 64 of the characters a-z 0-9 . _ - @".to_owned());
    }
    Ok(name)
}
