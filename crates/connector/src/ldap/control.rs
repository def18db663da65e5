//! Controls that the LDAP library does not have, and safe readings of those it has. Pure.

use ldap3::controls::RawControl;

use super::ber::{self, BadBer, Reader};

/// Paged results, RFC 2696.
pub const PAGED: &str = "1.2.840.113556.1.4.319";
/// Content synchronisation, RFC 4533.
pub const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";
pub const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
pub const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
pub const SYNC_INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";
/// Directory synchronisation, [MS-ADTS] 3.1.1.3.4.1.3.
pub const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
/// Deleted objects are shown, [MS-ADTS] 3.1.1.3.4.1.14.
pub const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// Names come with GUID and SID, [MS-ADTS] 3.1.1.3.4.1.5.
pub const EXTENDED_NAMES: &str = "1.2.840.113556.1.4.529";

/// DirSync gives what the caller may read, not what needs the right to replicate.
const DIR_SYNC_OBJECT_SECURITY: i64 = 0x0000_0001;
/// DirSync gives changed values of linked attributes alone.
const DIR_SYNC_INCREMENTAL_VALUES: i64 = 0x8000_0000;

fn critical(oid: &str, value: Option<Vec<u8>>) -> RawControl {
    RawControl { ctype: oid.to_owned(), crit: true, val: value }
}

/// `size` entries after the cookie.
pub fn paged(size: i64, cookie: &[u8]) -> RawControl {
    let mut content = ber::integer(ber::INTEGER, size);
    content.extend(ber::value(ber::OCTETS, cookie));
    critical(PAGED, Some(ber::value(ber::SEQUENCE, &content)))
}

/// The cookie of a page; empty: it was the last one.
///
/// # Errors
/// The control makes no sense.
pub fn paged_cookie(value: &[u8]) -> Result<Vec<u8>, BadBer> {
    let mut parts = Reader::new(Reader::new(value).expect(ber::SEQUENCE, "a sequence is missing")?);
    parts.integer(ber::INTEGER)?;
    Ok(parts.expect(ber::OCTETS, "a cookie is missing")?.to_vec())
}

/// Deleted objects are shown.
pub fn show_deleted() -> RawControl {
    critical(SHOW_DELETED, None)
}

/// Names come as `<GUID=…>;<SID=…>;name`, the ids as text.
pub fn extended_names() -> RawControl {
    critical(EXTENDED_NAMES, Some(ber::value(ber::SEQUENCE, &ber::integer(ber::INTEGER, 1))))
}

/// Changes since the cookie; without one everything. `incremental`: of members those that came and went.
pub fn dir_sync(cookie: &[u8], incremental: bool, most_bytes: i64) -> RawControl {
    let flags = DIR_SYNC_OBJECT_SECURITY | if incremental { DIR_SYNC_INCREMENTAL_VALUES } else { 0 };
    // The flags are a 32-bit number whose highest bit is its sign.
    let flags = i64::from(u32::try_from(flags).unwrap_or(0).cast_signed());
    let mut content = ber::integer(ber::INTEGER, flags);
    content.extend(ber::integer(ber::INTEGER, most_bytes));
    content.extend(ber::value(ber::OCTETS, cookie));
    critical(DIR_SYNC, Some(ber::value(ber::SEQUENCE, &content)))
}

/// What DirSync says at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirSyncDone {
    pub more: bool,
    pub cookie: Vec<u8>,
}

/// Reads it.
///
/// # Errors
/// The control makes no sense.
pub fn dir_sync_done(value: &[u8]) -> Result<DirSyncDone, BadBer> {
    let mut parts = Reader::new(Reader::new(value).expect(ber::SEQUENCE, "a sequence is missing")?);
    let more = parts.integer(ber::INTEGER)? != 0;
    parts.integer(ber::INTEGER)?;
    Ok(DirSyncDone { more, cookie: parts.expect(ber::OCTETS, "a cookie is missing")?.to_vec() })
}

/// Content synchronisation, refresh only.
pub fn sync_request(cookie: Option<&[u8]>) -> RawControl {
    let mut content = ber::integer(ber::ENUMERATED, 1);
    content.extend(cookie.map(|cookie| ber::value(ber::OCTETS, cookie)).unwrap_or_default());
    critical(SYNC_REQUEST, Some(ber::value(ber::SEQUENCE, &content)))
}

/// What an entry is in a synchronisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// It is there and unchanged.
    Present,
    Add,
    Modify,
    Delete,
}

/// The state, the entryUUID and the cookie of one entry.
pub type StateOfEntry = (EntryState, Vec<u8>, Option<Vec<u8>>);

/// syncStateValue of RFC 4533 §2.2: state, entryUUID, cookie.
///
/// # Errors
/// The control makes no sense.
pub fn sync_state(value: &[u8]) -> Result<StateOfEntry, BadBer> {
    let mut parts = Reader::new(Reader::new(value).expect(ber::SEQUENCE, "a sequence is missing")?);
    let state = match parts.integer(ber::ENUMERATED)? {
        0 => EntryState::Present,
        1 => EntryState::Add,
        2 => EntryState::Modify,
        3 => EntryState::Delete,
        _ => return Err(BadBer { at: 0, what: "a state of no meaning" }),
    };
    let id = parts.expect(ber::OCTETS, "an entryUUID is missing")?.to_vec();
    Ok((state, id, parts.optional(ber::OCTETS)?.map(<[u8]>::to_vec)))
}

/// syncDoneValue of RFC 4533 §2.4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncDone {
    pub cookie: Option<Vec<u8>>,
    /// What was not mentioned is still there; `false`: it is gone.
    pub refresh_deletes: bool,
}

/// Reads it.
///
/// # Errors
/// The control makes no sense.
pub fn sync_done(value: &[u8]) -> Result<SyncDone, BadBer> {
    let mut parts = Reader::new(Reader::new(value).expect(ber::SEQUENCE, "a sequence is missing")?);
    let cookie = parts.optional(ber::OCTETS)?.map(<[u8]>::to_vec);
    let refresh_deletes =
        parts.optional(ber::BOOLEAN)?.is_some_and(|content| content.first().is_some_and(|byte| *byte != 0));
    Ok(SyncDone { cookie, refresh_deletes })
}

/// syncInfoValue of RFC 4533 §2.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncInfo {
    NewCookie(Vec<u8>),
    /// A phase ends: of what is gone (`true`), or of what is still there.
    Phase {
        deletes: bool,
        cookie: Option<Vec<u8>>,
    },
    /// Ids of what is gone (`true`), or still there.
    Ids {
        deletes: bool,
        ids: Vec<Vec<u8>>,
        cookie: Option<Vec<u8>>,
    },
}

/// Reads it.
///
/// # Errors
/// The message makes no sense.
pub fn sync_info(value: &[u8]) -> Result<SyncInfo, BadBer> {
    let (tag, content) = Reader::new(value).any()?;
    let mut parts = Reader::new(content);
    match tag {
        0x80 => Ok(SyncInfo::NewCookie(content.to_vec())),
        0xa1 | 0xa2 => {
            let cookie = parts.optional(ber::OCTETS)?.map(<[u8]>::to_vec);
            Ok(SyncInfo::Phase { deletes: tag == 0xa1, cookie })
        }
        0xa3 => {
            let cookie = parts.optional(ber::OCTETS)?.map(<[u8]>::to_vec);
            let deletes = parts.optional(ber::BOOLEAN)?.is_some_and(|flag| flag.first().is_some_and(|byte| *byte != 0));
            let mut set = Reader::new(parts.expect(ber::SET, "a set of ids is missing")?);
            let mut ids = Vec::new();
            while !set.is_empty() {
                ids.push(set.expect(ber::OCTETS, "an id is missing")?.to_vec());
            }
            Ok(SyncInfo::Ids { deletes, ids, cookie })
        }
        _ => Err(BadBer { at: 0, what: "a message of no meaning" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_travel_as_the_standards_write_them() {
        assert_eq!(paged(5, b"").val.unwrap(), [0x30, 5, 2, 1, 5, 4, 0]);
        let first = dir_sync(b"", false, 0).val.unwrap();
        assert_eq!(first, [0x30, 8, 2, 1, 1, 2, 1, 0, 4, 0]);
        let incremental = dir_sync(b"c", true, 1 << 20).val.unwrap();
        assert_eq!(incremental[..8], [0x30, 14, 2, 4, 0x80, 0, 0, 1]);
        assert_eq!(paged_cookie(&paged(0, b"abc").val.unwrap()), Ok(b"abc".to_vec()));
    }

    #[test]
    fn synchronisation_is_read() {
        let id = vec![7; 16];
        let mut content = ber::integer(ber::ENUMERATED, 3);
        content.extend(ber::value(ber::OCTETS, &id));
        assert_eq!(sync_state(&ber::value(ber::SEQUENCE, &content)), Ok((EntryState::Delete, id.clone(), None)));
        let mut set = ber::value(ber::BOOLEAN, &[0xff]);
        set.extend(ber::value(ber::SET, &ber::value(ber::OCTETS, &id)));
        let info = sync_info(&ber::value(0xa3, &set));
        assert_eq!(info, Ok(SyncInfo::Ids { deletes: true, ids: vec![id], cookie: None }));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (paged_cookie(&bytes), dir_sync_done(&bytes), sync_state(&bytes), sync_done(&bytes), sync_info(&bytes));
        }
    }
}
