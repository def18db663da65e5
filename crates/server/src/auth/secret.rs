//! Secrets that the server gives out once and keeps as digests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Prefix of tokens for programs.
pub const TOKEN_PREFIX: &str = "vgt_";
/// Prefix of one-time links.
pub const SETUP_PREFIX: &str = "vgs_";

/// 256 random bits with a prefix that names their kind, so that scanners find leaked ones.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// From random bytes.
    pub fn new(prefix: &str, random: [u8; 32]) -> Secret {
        Secret(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// As somebody presented it.
    pub fn presented(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    /// What is stored. The secret has 256 bits, so a plain digest cannot be searched.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// The value that a browser sends back with every change, derived from the session's secret.
    pub fn csrf(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"vigie csrf\0");
        hasher.update(self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hasher.finalize())
    }

    /// The text, to show it the one time.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The first characters, to recognise it by.
    pub fn prefix(&self) -> String {
        self.0.chars().take(10).collect()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Compares without telling by the time taken where two texts differ.
pub fn same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_digest_nor_csrf_shows_the_secret() {
        let secret = Secret::new(TOKEN_PREFIX, [7; 32]);
        assert!(secret.reveal().starts_with("vgt_"));
        for shown in [format!("{secret:?}"), secret.digest(), secret.csrf()] {
            assert!(!shown.contains(&secret.reveal()[4..20]), "{shown}");
        }
        assert_ne!(secret.csrf(), Secret::new(TOKEN_PREFIX, [8; 32]).csrf());
    }
}
