//! Tokens of programs: found by their digest, bounded by scopes, expiry and owner.

use kernel::Timestamp;
use kernel::id::{TokenId, UserId};
use store::{Housekeeping, Row, Store, params};

use crate::api::tokens::{Scope, Token};
use crate::api::users::Role;
use crate::api::words::UserRef;
use crate::auth::secret::Secret;
use crate::sql;

/// A token is written as used at most this often.
const TOUCH_EVERY_US: i64 = 60_000_000;

/// A token as the database holds it, with what its owner may do.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    pub id: TokenId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub target: Option<String>,
    pub owner: UserId,
    pub owner_name: String,
    /// Those of the owner now; none when the owner may not sign in any more.
    pub owner_roles: Vec<Role>,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub last_used: Option<Timestamp>,
    pub revoked: Option<Timestamp>,
}

impl TokenRecord {
    /// From a row of any statement that has the columns of a token.
    ///
    /// # Errors
    /// [`store::Error::Corrupt`] names the column.
    pub fn from_row(row: &Row) -> Result<TokenRecord, store::Error> {
        let owner_disabled = row.flag("owner_disabled")?;
        Ok(TokenRecord {
            id: row.id("id")?,
            name: row.text("name")?.to_owned(),
            prefix: row.text("prefix")?.to_owned(),
            scopes: row.json("scopes")?,
            target: row.text_opt("target")?.map(str::to_owned),
            owner: row.id("owner")?,
            owner_name: row.text("owner_name")?.to_owned(),
            owner_roles: if owner_disabled { Vec::new() } else { row.json("owner_roles")? },
            created: row.time("created_us")?,
            expires: row.time("expires_us")?,
            last_used: row.time_opt("last_used_us")?,
            revoked: row.time_opt("revoked_us")?,
        })
    }

    /// As the API shows it.
    pub fn to_api(&self) -> Token {
        Token {
            id: self.id.to_string(),
            name: self.name.clone(),
            prefix: self.prefix.clone(),
            scopes: self.scopes.clone(),
            target: self.target.clone(),
            owner: UserRef { id: self.owner.to_string(), name: self.owner_name.clone() },
            created: self.created.into(),
            expires: self.expires.into(),
            last_used: self.last_used.map(Into::into),
            revoked: self.revoked.map(Into::into),
        }
    }
}

/// Why a presented token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    #[error("the token is not known")]
    Unknown,
    #[error("the token has expired")]
    Expired,
    #[error("the token was revoked")]
    Revoked,
}

/// The token behind a secret, marked as used.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails; inside, why the token does not hold.
pub async fn find(store: &Store, secret: &Secret) -> Result<Result<TokenRecord, TokenRefusal>, store::Error> {
    let Some(row) = store.fetch_optional(&sql::TOKEN_BY_DIGEST, params![secret.digest()]).await? else {
        return Ok(Err(TokenRefusal::Unknown));
    };
    let token = TokenRecord::from_row(&row)?;
    let now = store.now();
    if token.revoked.is_some() {
        return Ok(Err(TokenRefusal::Revoked));
    }
    if now >= token.expires {
        return Ok(Err(TokenRefusal::Expired));
    }
    if token.last_used.is_none_or(|last| now.micros() - last.micros() >= TOUCH_EVERY_US) {
        touch(store, token.id, now).await;
    }
    Ok(Ok(token))
}

/// A token that cannot be marked as used still works.
async fn touch(store: &Store, id: TokenId, now: Timestamp) {
    let done = async {
        let mut tx = store.housekeeping(Housekeeping::SessionTouch).await?;
        tx.execute(&sql::TOUCH_TOKEN, params![id, now]).await?;
        tx.commit().await
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, "a token could not be marked as used");
    }
}
