//! Secrets of authenticators as they lie in the state database: sealed with a key that lies elsewhere, and bound to the person
//! whose they are, so that a row cannot be put in another's place.

use kernel::id::PersonId;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// What a sealed secret begins with; others are from before, in hexadecimal.
const MARK: &str = "sealed1:";

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// A key under which secrets are kept (ChaCha20-Poly1305, RFC 8439).
pub struct Seal(LessSafeKey);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// From the bytes of a key. `None`: they are not [`KEY_BYTES`] many.
    pub fn new(key: &[u8]) -> Option<Seal> {
        Some(Seal(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?)))
    }

    /// Seals a secret; a nonce is used once.
    pub(super) fn close(&self, person: PersonId, secret: &[u8], nonce: [u8; NONCE_LEN]) -> Option<String> {
        let mut sealed = secret.to_vec();
        let about = Aad::from(person.to_string());
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut sealed).ok()?;
        Some(format!("{MARK}{}{}", hex::encode(nonce), hex::encode(sealed)))
    }

    /// Opens what was sealed. `None`: another key, another person, or a damaged row.
    fn open(&self, person: PersonId, text: &str) -> Option<Vec<u8>> {
        let bytes = hex::decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let open = self.0.open_in_place(nonce, Aad::from(person.to_string()), &mut sealed).ok()?;
        Some(open.to_vec())
    }
}

/// Whether a stored secret is sealed.
pub(super) fn is_sealed(text: &str) -> bool {
    text.starts_with(MARK)
}

/// A stored secret, sealed or from before. `None`: the key is not there or does not open it.
pub(super) fn read(seal: Option<&Seal>, person: PersonId, text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix(MARK) {
        Some(sealed) => seal?.open(person, sealed),
        None => hex::decode(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_it_for_the_same_person() {
        let (one, other) = (PersonId::derived([1; 16]), PersonId::derived([2; 16]));
        let seal = Seal::new(&[7; KEY_BYTES]).unwrap();
        let text = seal.close(one, b"a secret of twenty b", [3; NONCE_LEN]).unwrap();
        assert!(!text.contains(&hex::encode(b"a secret")), "{text}");
        assert_eq!(read(Some(&seal), one, &text).as_deref(), Some(&b"a secret of twenty b"[..]));
        let another = Seal::new(&[8; KEY_BYTES]).unwrap();
        let damaged = text.replace(&text[text.len() - 2..], "00");
        for (seal, person, text) in [
            (Some(&seal), other, &text),
            (Some(&another), one, &text),
            (None, one, &text),
            (Some(&seal), one, &damaged),
        ] {
            assert_eq!(read(seal, person, text), None);
        }
        assert_eq!(read(None, one, "0a0b").as_deref(), Some(&[10, 11][..]), "from before");
        assert!(Seal::new(&[1; 16]).is_none());
    }
}
