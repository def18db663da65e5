//! Which things an event names: from the fields of its record, as data.

use std::collections::BTreeSet;

use kernel::{Entity, EntityKind};

/// Fields that name a thing, by the source's spelling, and the field with its domain where there is one.
const FIELDS: [(&str, Option<&str>, EntityKind); 44] = [
    ("Computer", None, EntityKind::Host),
    ("Hostname", None, EntityKind::Host),
    ("HostName", None, EntityKind::Host),
    ("DeviceName", None, EntityKind::Host),
    ("DvcHostname", None, EntityKind::Host),
    ("dvchost", None, EntityKind::Host),
    ("host.name", None, EntityKind::Host),
    ("User", None, EntityKind::Account),
    ("SourceUser", None, EntityKind::Account),
    ("SubjectUserName", Some("SubjectDomainName"), EntityKind::Account),
    ("TargetUserName", Some("TargetDomainName"), EntityKind::Account),
    ("AccountName", Some("AccountDomain"), EntityKind::Account),
    ("AccountUpn", None, EntityKind::Account),
    ("UserPrincipalName", None, EntityKind::Account),
    ("UserId", None, EntityKind::Account),
    ("suser", None, EntityKind::Account),
    ("duser", None, EntityKind::Account),
    ("user.name", None, EntityKind::Account),
    ("userIdentity.arn", None, EntityKind::Account),
    ("properties.userPrincipalName", None, EntityKind::Account),
    ("IpAddress", None, EntityKind::Ip),
    ("IPAddress", None, EntityKind::Ip),
    ("ClientIP", None, EntityKind::Ip),
    ("ClientIPAddress", None, EntityKind::Ip),
    ("SourceIp", None, EntityKind::Ip),
    ("DestinationIp", None, EntityKind::Ip),
    ("SourceIP", None, EntityKind::Ip),
    ("DestinationIP", None, EntityKind::Ip),
    ("sourceIPAddress", None, EntityKind::Ip),
    ("src", None, EntityKind::Ip),
    ("dst", None, EntityKind::Ip),
    ("id.orig_h", None, EntityKind::Ip),
    ("id.resp_h", None, EntityKind::Ip),
    ("QueryName", None, EntityKind::Dns),
    ("query", None, EntityKind::Dns),
    ("Url", None, EntityKind::Url),
    ("c-uri", None, EntityKind::Url),
    ("RecipientEmailAddress", None, EntityKind::Mailbox),
    ("NetworkMessageId", None, EntityKind::MailMessage),
    ("Image", None, EntityKind::Process),
    ("SourceImage", None, EntityKind::Process),
    ("NewProcessName", None, EntityKind::Process),
    ("TargetFilename", None, EntityKind::File),
    ("TargetObject", None, EntityKind::RegistryKey),
];

/// Most entities of one event; a record cannot make an alert as large as it likes.
const MOST: usize = 32;
/// Longest name; longer ones are not names.
const LONGEST_BYTES: usize = 512;

/// The entities of an event; `field` gives the value of a source field.
pub fn of_event<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Vec<Entity> {
    let mut found = BTreeSet::new();
    for (name, domain, kind) in FIELDS {
        let Some(value) = field(name).filter(|value| is_name(value)) else { continue };
        let qualified = domain.and_then(&field).filter(|domain| is_name(domain));
        let text = match qualified {
            Some(domain) if !value.contains(['\\', '@']) => format!("{domain}\\{value}"),
            _ => value.to_owned(),
        };
        found.insert(Entity::new(kind, &text));
    }
    // One thing that two fields spell differently is one entity.
    let mut keys = BTreeSet::new();
    found.into_iter().filter(|entity| keys.insert((entity.kind, entity.key.clone()))).take(MOST).collect()
}

/// Values that sources write where they have none.
fn is_name(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty()
        && value.len() <= LONGEST_BYTES
        && !matches!(value, "-" | "N/A" | "null" | "::" | "0.0.0.0" | "127.0.0.1" | "::1" | "LOCAL" | "NULL SID")
}

/// Whether an entity may tie alerts together. Accounts that every machine has, and addresses that everybody shares, do
/// not.
pub fn ties(entity: &Entity) -> bool {
    match entity.kind {
        EntityKind::Account => {
            let name = entity.key.split('@').next().unwrap_or_default();
            !name.ends_with('$')
                && !SHARED_ACCOUNTS.contains(&name)
                && !name.starts_with("dwm-")
                && !name.starts_with("umfd-")
        }
        _ => !entity.key.is_empty(),
    }
}

const SHARED_ACCOUNTS: [&str; 9] = [
    "system",
    "local service",
    "network service",
    "anonymous logon",
    "iusr",
    "guest",
    "lokaler dienst",
    "netzwerkdienst",
    "root",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&str, &'static str)], expected: &[(EntityKind, &str)]) {
        let found = of_event(|name| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value));
        let found: Vec<_> = found.iter().map(|entity| (entity.kind, entity.key.as_str())).collect();
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn fields_become_entities_once_each() {
        check(
            &[("Computer", "WS-1.corp.example"), ("Hostname", "ws-1"), ("User", "CORP\\amina"), ("IpAddress", "-")],
            &[(EntityKind::Account, "amina@corp"), (EntityKind::Host, "ws-1")],
        );
        check(
            &[("SubjectUserName", "amina"), ("SubjectDomainName", "CORP"), ("TargetUserName", "-")],
            &[(EntityKind::Account, "amina@corp")],
        );
        check(&[("IpAddress", "127.0.0.1"), ("Url", "")], &[]);
    }

    #[test]
    fn accounts_that_every_machine_has_tie_nothing() {
        for name in ["NT AUTHORITY\\SYSTEM", "CORP\\WS-1$", "Window Manager\\DWM-1", "ANONYMOUS LOGON"] {
            assert!(!ties(&Entity::new(EntityKind::Account, name)), "{name}");
        }
        assert!(ties(&Entity::new(EntityKind::Account, "CORP\\amina")));
    }
}
