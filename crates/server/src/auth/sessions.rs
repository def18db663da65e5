//! Sessions of people: opened, found by their cookie, touched, ended.

use axum::http::{HeaderMap, HeaderValue, header};
use kernel::Timestamp;
use kernel::id::SessionId;
use store::{Entry, Housekeeping, Store, Tx, params};

use crate::auth::secret::Secret;
use crate::auth::users::UserRecord;
use crate::config::ServerConfig;
use crate::sql;

/// A session is written as seen at most this often.
const TOUCH_EVERY_US: i64 = 60_000_000;
/// Ended sessions are kept for so long after their expiry: they tell from where somebody usually signs in.
const KEPT_US: i64 = 30 * 86_400_000_000;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    pub user: UserRecord,
    pub secret: Secret,
    pub expires: Timestamp,
}

/// Opens a session inside the transaction that has just proven who it is, and returns what to send as the cookie.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails.
pub async fn open(
    tx: &mut Tx,
    store: &Store,
    user: &UserRecord,
    address: &str,
    config: &ServerConfig,
) -> Result<Session, store::Error> {
    let secret = Secret::new("", store.random());
    let id: SessionId = tx.id();
    let now = tx.now();
    let expires = now.plus_micros(micros(config.session_s));
    tx.execute(&sql::INSERT_SESSION, params![secret.digest(), id, user.id, address, now, expires]).await?;
    tx.execute(&sql::SET_LAST_LOGIN, params![user.id, now]).await?;
    tx.record(Entry::new(&user.actor(), "session.open", id));
    Ok(Session { user: UserRecord { last_login: Some(now), ..user.clone() }, secret, expires })
}

/// The session of a cookie. `None`: unknown, expired, ended, or its person may not sign in any more.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails.
pub async fn find(store: &Store, secret: Secret, config: &ServerConfig) -> Result<Option<Session>, store::Error> {
    let Some(row) = store.fetch_optional(&sql::SESSION, params![secret.digest()]).await? else { return Ok(None) };
    let user = UserRecord::from_row(&row)?;
    let (seen, expires) = (row.time("last_seen_us")?, row.time("expires_us")?);
    let now = store.now();
    let idle_until = seen.plus_micros(micros(config.session_idle_s));
    if user.disabled || row.time_opt("ended_us")?.is_some() || now >= expires || now >= idle_until {
        return Ok(None);
    }
    if now.micros() - seen.micros() >= TOUCH_EVERY_US {
        touch(store, &secret, now).await;
    }
    Ok(Some(Session { user, secret, expires }))
}

/// A session that cannot be touched still works; it only ends earlier.
async fn touch(store: &Store, secret: &Secret, now: Timestamp) {
    let done = async {
        let mut tx = store.housekeeping(Housekeeping::SessionTouch).await?;
        tx.execute(&sql::TOUCH_SESSION, params![secret.digest(), now]).await?;
        tx.execute(&sql::FORGET_SESSIONS, params![now.plus_micros(-KEPT_US)]).await?;
        tx.commit().await
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, "a session could not be marked as seen");
    }
}

/// Whether the name has signed in from this address before.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails.
pub async fn known_place(store: &Store, name: &str, address: &str) -> Result<bool, store::Error> {
    let name = name.trim().to_lowercase();
    Ok(store.fetch_optional(&sql::KNOWN_PLACE, params![name, address]).await?.is_some())
}

/// The cookie's name. Under TLS the prefix binds it to this host.
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-vigie_session" } else { "vigie_session" }
}

/// The secret in the request's cookies.
pub fn from_headers(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie_name(secure))
        .map(|(_, value)| Secret::presented(value))
}

/// The header that sets the cookie, or takes it away.
pub fn cookie(secret: Option<&Secret>, config: &ServerConfig) -> HeaderValue {
    let (value, max_age) = secret.map_or(("", 0), |secret| (secret.reveal(), config.session_s));
    let secure = if config.secure_cookies { "; Secure" } else { "" };
    let name = cookie_name(config.secure_cookies);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age}{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Seconds as the microseconds of an instant.
pub fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}
