//! How Active Directory writes ids, times, flags and passwords ([MS-ADTS], [MS-DTYP]). Pure.

use kernel::Timestamp;
use uuid::Uuid;

/// userAccountControl: the account cannot sign in.
pub const ACCOUNT_DISABLED: i64 = 0x0002;
/// userAccountControl: an account of a person or a service.
pub const NORMAL_ACCOUNT: i64 = 0x0200;
/// userAccountControl: of another domain, of a computer, of a domain controller, of a read-only one.
pub const MACHINES: [(i64, &str); 4] = [
    (0x0800, "the account of a trusted domain"),
    (0x1000, "the account of a computer"),
    (0x2000, "the account of a domain controller"),
    (0x0400_0000, "the account of a read-only domain controller"),
];
/// Relative ids that every domain has.
pub const BUILT_IN: [(u32, &str); 4] = [
    (500, "the built-in Administrator"),
    (501, "the built-in Guest"),
    (502, "krbtgt, the key of the domain"),
    (503, "the built-in DefaultAccount"),
];
/// `accountExpires` of an account that does not end.
pub const NEVER: &str = "9223372036854775807";
/// 1601-01-01 in microseconds since 1970.
const FILETIME_EPOCH_US: i64 = -11_644_473_600_000_000;

/// objectGUID as text; `None`: not sixteen bytes.
pub fn guid_text(bytes: &[u8]) -> Option<String> {
    Some(Uuid::from_bytes_le(bytes.try_into().ok()?).to_string())
}

/// The bytes of objectGUID.
pub fn guid_bytes(text: &str) -> Option<Vec<u8>> {
    Some(Uuid::try_parse(text).ok()?.to_bytes_le().to_vec())
}

/// The last part of an objectSid: the relative id.
pub fn relative_id(sid: &[u8]) -> Option<u32> {
    // Revision, count of parts, authority of six bytes, parts of four bytes.
    let count = usize::from(*sid.get(1)?);
    if count == 0 || sid.len() != 8 + count * 4 {
        return None;
    }
    Some(u32::from_le_bytes(sid[sid.len() - 4..].try_into().ok()?))
}

/// `S-1-5-21-…`
pub fn sid_text(sid: &[u8]) -> Option<String> {
    relative_id(sid)?;
    let authority = sid[2..8].iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    let mut text = format!("S-{}-{authority}", sid[0]);
    for part in sid[8..].chunks_exact(4) {
        text.push_str(&format!("-{}", u32::from_le_bytes(part.try_into().ok()?)));
    }
    Some(text)
}

/// accountExpires as an instant; 0 and [`NEVER`]: none.
pub fn expires(ticks: i64) -> Option<Timestamp> {
    if ticks <= 0 || ticks == i64::MAX { None } else { Some(Timestamp(FILETIME_EPOCH_US.saturating_add(ticks / 10))) }
}

/// An instant as accountExpires.
pub fn expires_text(at: Option<Timestamp>) -> String {
    match at {
        None => NEVER.to_owned(),
        Some(at) => at.micros().saturating_sub(FILETIME_EPOCH_US).max(1).saturating_mul(10).to_string(),
    }
}

/// A password as unicodePwd: in quotation marks, UTF-16.
pub fn password_bytes(password: &str) -> zeroize::Zeroizing<Vec<u8>> {
    zeroize::Zeroizing::new(format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect())
}

/// A name with its ids: `<GUID=…>;<SID=…>;CN=…`. The GUID, where there is one, and the name.
pub fn extended_name(text: &str) -> (Option<String>, &str) {
    let (mut guid, mut rest) = (None, text);
    while let Some(inner) = rest.strip_prefix('<') {
        let Some((part, after)) = inner.split_once('>') else { break };
        if let Some(found) = part.strip_prefix("GUID=") {
            guid = Uuid::try_parse(found).ok().map(|id| id.to_string());
        }
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    (guid, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_as_people_see_them() {
        let bytes = guid_bytes("4128d254-5284-4eaf-a90e-eb88006ead93").unwrap();
        assert_eq!(bytes[..4], [0x54, 0xd2, 0x28, 0x41]);
        assert_eq!(guid_text(&bytes).as_deref(), Some("4128d254-5284-4eaf-a90e-eb88006ead93"));
        let sid = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xf6, 1, 0, 0];
        assert_eq!((relative_id(&sid), sid_text(&sid).as_deref()), (Some(502), Some("S-1-5-21-1-2-3-502")));
        let name = "<GUID=4128d254-5284-4eaf-a90e-eb88006ead93>;<SID=S-1-5-21-1>;CN=A\\;b,DC=x";
        assert_eq!(extended_name(name), (Some("4128d254-5284-4eaf-a90e-eb88006ead93".into()), "CN=A\\;b,DC=x"));
        assert_eq!(*password_bytes("aé"), [34, 0, 97, 0, 0xe9, 0, 34, 0]);
    }

    proptest! {
        #[test]
        fn ends_round_trip(micros in 0i64..253_402_300_799_000_000) {
            let at = Timestamp(micros);
            prop_assert_eq!(expires(expires_text(Some(at)).parse().unwrap()), Some(at));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..70), text in ".{0,40}") {
            let _ = (relative_id(&bytes), sid_text(&bytes), guid_text(&bytes), extended_name(&text), guid_bytes(&text));
        }
    }

    #[test]
    fn an_account_without_end() {
        assert_eq!((expires(0), expires(i64::MAX), expires_text(None).as_str()), (None, None, NEVER));
    }
}
