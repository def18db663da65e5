//! What an alert or an incident is about. Kinds are those of Microsoft Sentinel's entity types.

use serde::{Deserialize, Serialize};

/// The kinds of things that a security event can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    Account,
    Host,
    Ip,
    Mailbox,
    FileHash,
    File,
    Process,
    Url,
    Dns,
    CloudApplication,
    RegistryKey,
    MailMessage,
}

impl EntityKind {
    /// The word in code, API and storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntityKind::Account => "account",
            EntityKind::Host => "host",
            EntityKind::Ip => "ip",
            EntityKind::Mailbox => "mailbox",
            EntityKind::FileHash => "file-hash",
            EntityKind::File => "file",
            EntityKind::Process => "process",
            EntityKind::Url => "url",
            EntityKind::Dns => "dns",
            EntityKind::CloudApplication => "cloud-application",
            EntityKind::RegistryKey => "registry-key",
            EntityKind::MailMessage => "mail-message",
        }
    }

    /// Strong kinds tie alerts together on their own; the others only support a tie.
    pub const fn is_strong(self) -> bool {
        matches!(
            self,
            EntityKind::Account
                | EntityKind::Host
                | EntityKind::Mailbox
                | EntityKind::FileHash
                | EntityKind::MailMessage
        )
    }
}

/// One thing that an alert names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    pub kind: EntityKind,
    /// As the source wrote it, for people to read.
    pub name: String,
    /// Normalised for comparison: see [`Entity::new`].
    pub key: String,
}

impl Entity {
    /// Names a thing and derives its comparison key: case-folded; a host by its first label, an account without
    /// its domain when that is a local or service authority, else `domain\name`.
    pub fn new(kind: EntityKind, name: &str) -> Entity {
        let name = name.trim();
        let folded = name.to_lowercase();
        let key = match kind {
            EntityKind::Host if folded.parse::<std::net::IpAddr>().is_err() => {
                folded.split('.').next().unwrap_or_default().to_owned()
            }
            EntityKind::Account => account_key(&folded),
            _ => folded,
        };
        Entity { kind, name: name.to_owned(), key }
    }
}

/// `DOMAIN\name` and `name@domain.example` meet in `name@domain`, the domain cut to its first label.
fn account_key(folded: &str) -> String {
    let (domain, name) = match (folded.split_once('\\'), folded.rsplit_once('@')) {
        (Some((domain, name)), _) => (domain, name),
        (None, Some((name, domain))) => (domain, name),
        (None, None) => return folded.to_owned(),
    };
    match domain.split('.').next() {
        None | Some("" | "nt authority" | "window manager" | "font driver host") => name.to_owned(),
        Some(label) => format!("{name}@{label}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: EntityKind, name: &str, key: &str) {
        assert_eq!(Entity::new(kind, name).key, key, "{name}");
    }

    #[test]
    fn spellings_of_one_thing_share_a_key() {
        check(EntityKind::Account, "CORP\\Amina.Diallo", "amina.diallo@corp");
        check(EntityKind::Account, "amina.diallo@corp.example", "amina.diallo@corp");
        check(EntityKind::Account, "NT AUTHORITY\\SYSTEM", "system");
        check(EntityKind::Host, "WS-041.corp.example", "ws-041");
        check(EntityKind::Host, "10.0.0.7", "10.0.0.7");
    }
}
