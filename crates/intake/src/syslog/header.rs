//! The header of a message: priority, time, host, program.

/// The time as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp<'a> {
    None,
    /// ISO 8601.
    Iso(&'a str),
    /// `Nov 21 08:15:00`.
    Yearless(&'a str),
}

/// A message in parts; an empty text is absent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) facility: Option<&'static str>,
    pub(crate) severity: Option<&'static str>,
    pub(crate) time: Stamp<'a>,
    pub(crate) host: &'a str,
    pub(crate) program: &'a str,
    pub(crate) process_id: &'a str,
    pub(crate) message_id: &'a str,
    /// `id.name` and value of RFC 5424's structured data.
    pub(crate) structured: Vec<(String, String)>,
    pub(crate) message: &'a str,
}

const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Whether a line begins as syslog does.
pub(crate) fn looks_like_syslog(line: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&line[..line.len().min(256)]);
    let text = head.as_ref();
    priority(text).is_some() || {
        let (stamp, rest) = stamp(text);
        stamp != Stamp::None && rest.split(' ').nth(1).is_some_and(|tag| tag.ends_with(':') || tag.contains('['))
    }
}

/// Reads a message. Never fails: what is not there is absent, and what is not understood is the message.
pub(crate) fn parse(text: &str) -> Header<'_> {
    let (priority, rest) = match priority(text) {
        Some((priority, rest)) => (Some(priority), rest),
        None => (None, text),
    };
    let facility = priority.map(|priority| FACILITIES[usize::from(priority / 8)]);
    let severity = priority.map(|priority| SEVERITIES[usize::from(priority % 8)]);
    let parsed =
        rest.strip_prefix("1 ").filter(|_| priority.is_some()).and_then(rfc5424).unwrap_or_else(|| rfc3164(rest));
    Header { facility, severity, ..parsed }
}

/// `<34>` and what follows.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let priority: u8 = digits.parse().ok()?;
    (digits.len() <= 3 && priority < 192).then_some((priority, rest))
}

fn rfc5424(text: &str) -> Option<Header<'_>> {
    let mut parts = text.splitn(6, ' ');
    let mut next = || parts.next().map(|part| if part == "-" { "" } else { part });
    let (time, host, program, process_id, message_id) = (next()?, next()?, next()?, next()?, next()?);
    let rest = parts.next().unwrap_or("-");
    let (structured, message) = structured_data(rest)?;
    Some(Header {
        facility: None,
        severity: None,
        time: if time.is_empty() { Stamp::None } else { Stamp::Iso(time) },
        host,
        program,
        process_id,
        message_id,
        structured,
        message: message.strip_prefix(' ').unwrap_or(message).trim_start_matches('\u{FEFF}'),
    })
}

/// `[id name="value" …][…]` or `-`, and what follows.
fn structured_data(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some((Vec::new(), rest));
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(inside) = rest.strip_prefix('[') {
        let id_end = inside.find([' ', ']'])?;
        let (id, mut params) = inside.split_at(id_end);
        loop {
            params = params.trim_start_matches(' ');
            if let Some(after) = params.strip_prefix(']') {
                rest = after;
                break;
            }
            let (name, value) = params.split_once("=\"")?;
            let (value, after) = quoted(value)?;
            found.push((format!("{id}.{name}"), value));
            params = after;
        }
    }
    Some((found, rest))
}

/// The text up to the closing quote, escapes undone, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                escaped @ ('"' | '\\' | ']') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

fn rfc3164(text: &str) -> Header<'_> {
    let (time, rest) = stamp(text);
    // A host is there only after a time; devices that omit the time begin with the tag.
    let (host, rest) = match time {
        Stamp::None => ("", rest),
        _ => match rest.split_once(' ') {
            Some((host, after)) if !host.ends_with(':') && !host.contains('[') && !host.contains('=') => (host, after),
            _ => ("", rest),
        },
    };
    let (program, process_id, message) = tag(rest);
    Header {
        facility: None,
        severity: None,
        time,
        host,
        program,
        process_id,
        message_id: "",
        structured: Vec::new(),
        message,
    }
}

/// The time at the start, and what follows it.
fn stamp(text: &str) -> (Stamp<'_>, &str) {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    // Cisco writes `*` or `.` before a time that its clock does not vouch for.
    let start = text.trim_start_matches(['*', '.']);
    if let Some(time) = start.get(..15).filter(|time| MONTHS.contains(&&time.as_bytes()[..3])) {
        let bytes = time.as_bytes();
        if bytes[3] == b' ' && bytes[6] == b' ' && bytes[9] == b':' && bytes[12] == b':' {
            let rest = &start[15..];
            let fraction =
                rest.strip_prefix('.').map_or(0, |digits| 1 + digits.bytes().take_while(u8::is_ascii_digit).count());
            return (Stamp::Yearless(time), rest[fraction..].trim_start_matches([':', ' ']));
        }
    }
    let first = text.split(' ').next().unwrap_or("");
    if first.len() >= 19 && first.as_bytes()[4] == b'-' && first.as_bytes()[10] == b'T' {
        return (Stamp::Iso(first), text[first.len()..].trim_start_matches(' '));
    }
    (Stamp::None, text)
}

/// `program[123]: message`.
fn tag(text: &str) -> (&str, &str, &str) {
    let end = text.bytes().take(64).position(|byte| matches!(byte, b':' | b'[' | b' ')).unwrap_or(0);
    let name = &text[..end];
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.' | b'%' | b'@' | b'(' | b')')
    };
    if name.is_empty() || name == "CEF" || !name.bytes().all(allowed) {
        return ("", "", text);
    }
    let rest = &text[end..];
    if let Some(message) = rest.strip_prefix(':') {
        return (name, "", message.strip_prefix(' ').unwrap_or(message));
    }
    if let Some((process_id, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let message = after.strip_prefix(':').unwrap_or(after);
        return (name, process_id, message.strip_prefix(' ').unwrap_or(message));
    }
    ("", "", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let header = parse(text);
        let time = match header.time {
            Stamp::None => "-",
            Stamp::Iso(text) | Stamp::Yearless(text) => text,
        };
        let found = format!(
            "{} {} {time} host={} program={} pid={} id={} {:?} | {}",
            header.facility.unwrap_or("-"),
            header.severity.unwrap_or("-"),
            header.host,
            header.program,
            header.process_id,
            header.message_id,
            header.structured,
            header.message
        );
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn headers_as_devices_write_them() {
        check(
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed on /dev/pts/8",
            "auth crit Oct 11 22:14:15 host=mymachine program=su pid= id= [] | 'su root' failed on /dev/pts/8",
        );
        check(
            "<165>1 2003-10-11T22:14:15.003Z host.example.org evntslog 4 ID47 [ex@32473 iut=\"3\" q=\"a \\\"b\\\" \\]\"] An event",
            "local4 notice 2003-10-11T22:14:15.003Z host=host.example.org program=evntslog pid=4 id=ID47 [(\"ex@32473.iut\", \"3\"), (\"ex@32473.q\", \"a \\\"b\\\" ]\")] | An event",
        );
        check("<13>1 - - - - - -", "user notice - host= program= pid= id= [] | ");
        check(
            "Nov  1 08:15:00 web01 sshd[812]: Accepted",
            "- - Nov  1 08:15:00 host=web01 program=sshd pid=812 id= [] | Accepted",
        );
        check(
            "<189>45: *Mar  1 18:46:11: %SYS-5-CONFIG_I: x",
            "local7 notice - host= program=45 pid= id= [] | *Mar  1 18:46:11: %SYS-5-CONFIG_I: x",
        );
        check(
            "<14>2026-11-21T08:15:00+01:00 fw01 kernel: IN=eth0",
            "user info 2026-11-21T08:15:00+01:00 host=fw01 program=kernel pid= id= [] | IN=eth0",
        );
        check("<134>CEF:0|V|P|1|2|n|3|src=1", "local0 info - host= program= pid= id= [] | CEF:0|V|P|1|2|n|3|src=1");
        check("<999>x", "- - - host= program= pid= id= [] | <999>x");
        check("", "- - - host= program= pid= id= [] | ");
    }
}
