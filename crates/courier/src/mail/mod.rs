//! Electronic mail: out by SMTP, in by IMAP.
//!
//! An office behind a satellite link cannot be reached from outside, so its desk reads a mailbox where that is, rather than
//! being a mail server: IMAP with IDLE.

mod imap;
mod read;
mod smtp;
mod write;

pub use imap::{Imap, ImapSettings};
pub use read::{OwnAddress, read};
pub use smtp::{MAIL, Smtp, SmtpSettings};

/// How a server of mail is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// TLS from the first byte.
    Wrapped,
    /// STARTTLS; a server without it is refused.
    Upgraded,
    /// In clear, because somebody said so, or on this machine.
    None,
}

/// A server of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    /// What follows after the host.
    pub(crate) path: String,
}

/// Reads `NAMEs://host`, `NAME://host` (STARTTLS) or `NAME://host?tls=none`.
pub(crate) fn place(text: &str, name: &str, wrapped_port: u16, plain_port: u16) -> Result<Place, String> {
    let url = url::Url::parse(text).map_err(|error| format!("{text}: {error}"))?;
    let host = url.host_str().ok_or_else(|| format!("{text} names no host"))?.to_owned();
    let clear = url.query_pairs().any(|(key, value)| key == "tls" && value == "none");
    let wrapped = format!("{name}s");
    let encryption = match url.scheme() {
        scheme if scheme == wrapped => Encryption::Wrapped,
        scheme if scheme == name && clear => Encryption::None,
        scheme if scheme == name => Encryption::Upgraded,
        other => {
            return Err(format!(
                "`{other}` is not possible; write {wrapped}://host, {name}://host or {name}://host?tls=none"
            ));
        }
    };
    let port = url.port().unwrap_or(if encryption == Encryption::Wrapped { wrapped_port } else { plain_port });
    let path = url.path().trim_matches('/').to_owned();
    Ok(Place { host, port, encryption, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_say_how_they_are_reached() {
        let check = |text: &str, port, encryption| {
            let place = place(text, "smtp", 465, 587).unwrap();
            assert_eq!((place.port, place.encryption), (port, encryption), "{text}");
        };
        check("smtps://mail.una.example", 465, Encryption::Wrapped);
        check("smtp://mail.una.example", 587, Encryption::Upgraded);
        check("smtp://127.0.0.1:2525?tls=none", 2525, Encryption::None);
        assert!(place("http://x", "smtp", 1, 2).unwrap_err().contains("smtps://host"));
    }
}
