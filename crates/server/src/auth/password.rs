//! Passwords: argon2id with OWASP's parameters, on threads of their own, a few at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

/// Shorter ones are refused; there is no other rule about what is in one.
pub const SHORTEST: usize = 12;
/// Longer ones are refused, so that nobody makes the server hash a book.
pub const LONGEST: usize = 1_024;
/// Checks that may wait; more are told to come back.
const WAITING: usize = 32;

/// Why a password was not hashed or checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {0} characters; at least {SHORTEST} are needed")]
    TooShort(usize),
    #[error("the password is longer than {LONGEST} bytes")]
    TooLong,
    #[error("too many people are signing in at this moment")]
    Busy,
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// Hashes and checks passwords.
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// What is checked for a name that nobody has, so that the answer takes as long.
    decoy: Arc<str>,
}

impl Passwords {
    /// At most `at_once` at a time.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when the first hash cannot be made: the machine has not 19 MiB to spare.
    pub fn new(at_once: usize, decoy_salt: [u8; 16]) -> Result<Passwords, PasswordError> {
        let decoy = hash_now("a password that nobody has", decoy_salt)?;
        Ok(Passwords {
            running: Arc::new(Semaphore::new(at_once.max(1))),
            waiting: Arc::new(Semaphore::new(WAITING)),
            decoy: decoy.into(),
        })
    }

    /// The text to store for a new password.
    ///
    /// # Errors
    /// [`PasswordError`] says what is wrong with it, or that the server is busy.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
        let length = password.chars().count();
        if length < SHORTEST {
            return Err(PasswordError::TooShort(length));
        }
        if password.len() > LONGEST {
            return Err(PasswordError::TooLong);
        }
        let password = password.to_owned();
        self.run(move || hash_now(&password, salt)).await?
    }

    /// Whether the password is the one that was hashed. Without a hash the time taken is the same and the answer no.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when too many are waiting.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, PasswordError> {
        if password.len() > LONGEST {
            return Ok(false);
        }
        let known = stored.is_some();
        let stored = stored.map_or_else(|| self.decoy.to_string(), str::to_owned);
        let password = password.to_owned();
        let right = self.run(move || verify_now(&password, &stored)).await?;
        Ok(right && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let _place = self.waiting.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn = self.running.clone().acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

fn argon() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash_now(password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
    let hash: PasswordHash = argon()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| argon().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_and_no_other() {
        let passwords = Passwords::new(1, [1; 16]).unwrap();
        let stored = passwords.hash("correct horse battery", [2; 16]).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(passwords.verify("correct horse battery", Some(&stored)).await, Ok(true));
        assert_eq!(passwords.verify("correct horse batterx", Some(&stored)).await, Ok(false));
        assert_eq!(passwords.verify("a password that nobody has", None).await, Ok(false));
        assert_eq!(passwords.verify("anything", Some("damaged")).await, Ok(false));
    }

    #[tokio::test]
    async fn length_is_the_only_rule() {
        let passwords = Passwords::new(1, [1; 16]).unwrap();
        assert_eq!(passwords.hash("elevenchars", [0; 16]).await, Err(PasswordError::TooShort(11)));
        assert!(passwords.hash("            ", [0; 16]).await.is_ok());
        assert_eq!(passwords.hash(&"x".repeat(1_025), [0; 16]).await, Err(PasswordError::TooLong));
    }
}
