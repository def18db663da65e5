//! A mail, read: what somebody says, or what became of what we sent.
//!
//! RFC 5322, RFC 3464 (delivery status), RFC 3834 (what machines write).

use kernel::Timestamp;
use kernel::message::{Means, Precedence};
use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use crate::arrival::{Item, Reading, Receipt, Said, Text};

/// Hops that are kept.
const MOST_HOPS: usize = 20;
/// Characters that are kept; the raw bytes have all.
const MOST_TEXT: usize = 100_000;

/// Our own address, to tell a loop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnAddress(pub String);

/// Reads a mail.
pub fn read(own: &OwnAddress, bytes: &[u8]) -> Reading {
    let Some(mail) = MessageParser::default().parse(bytes) else {
        return Reading::only("this is not a mail: it has no header");
    };
    if let Some(status) = delivery_status(&mail) {
        return status;
    }
    let mut reading = Reading::default();
    let sender = mail.from().or_else(|| mail.sender()).and_then(first_address).unwrap_or_default();
    if sender.is_empty() {
        reading.note("the mail has no sender; it is kept without one");
    }
    let ours = mail.message_id().is_some_and(|id| id.starts_with("message-"));
    if !own.0.is_empty() && sender.eq_ignore_ascii_case(&own.0) && ours {
        reading.note("our own mail came back: a loop; it is kept and not told");
        return reading;
    }
    let text = mail.body_text(0).unwrap_or_default();
    let recipient = mail.to().and_then(first_address).unwrap_or_else(|| own.0.clone());
    let mut told = Text::plain(Means::Email, sender, recipient, without_quotation(&text));
    told.provider_id = mail.message_id().map(str::to_owned);
    told.subject = mail.subject().map(|subject| subject.trim().to_owned()).filter(|subject| !subject.is_empty());
    told.sent = mail.date().map(|date| Timestamp(date.to_timestamp().saturating_mul(1_000_000)));
    told.answers = answers(&mail);
    told.automatic = automatic(&mail);
    told.exercise = told.subject.as_deref().is_some_and(|subject| subject.to_uppercase().contains("EXERCISE"));
    told.precedence = urgent(&mail).then_some(Precedence::Immediate);
    told.relayed_by = hops(&mail);
    if mail.attachment_count() > 0 {
        reading.note(format!("{} attachments are kept with the raw mail and not shown", mail.attachment_count()));
    }
    reading.items.push(Item::Text(told));
    reading
}

fn first_address(address: &Address<'_>) -> Option<String> {
    address.first()?.address().map(|text| text.trim().to_lowercase())
}

/// The text of a header that we know by its name alone.
fn header<'a>(mail: &'a Message<'_>, name: &str) -> Option<&'a str> {
    match mail.header(name.to_owned())? {
        HeaderValue::Text(text) => Some(text.trim()),
        HeaderValue::TextList(all) => all.first().map(|text| text.trim()),
        _ => mail.header_raw(name.to_owned()).map(str::trim),
    }
}

/// Which of our messages it answers: the last of ours that it names.
fn answers(mail: &Message<'_>) -> Option<String> {
    let references = [mail.in_reply_to(), mail.references()];
    let ids = references.into_iter().flat_map(|value| match value {
        HeaderValue::Text(text) => vec![text.to_string()],
        HeaderValue::TextList(all) => all.iter().rev().map(ToString::to_string).collect(),
        _ => Vec::new(),
    });
    ids.filter_map(|id| our_id(&id)).next()
}

/// `message-…` of `<message-…@domain>`.
fn our_id(id: &str) -> Option<String> {
    let local = id.trim_matches(['<', '>', ' ']).split('@').next()?;
    local.parse::<kernel::id::MessageId>().ok().map(|id| id.to_string())
}

/// Whether a machine wrote it.
fn automatic(mail: &Message<'_>) -> bool {
    let says = |name: &str, words: &[&str]| {
        header(mail, name).is_some_and(|value| words.iter().any(|word| value.to_lowercase().contains(word)))
    };
    let submitted = header(mail, "Auto-Submitted").is_some_and(|value| !value.to_lowercase().starts_with("no"));
    let nobody = header(mail, "Return-Path").is_some_and(|path| path == "<>" || path.is_empty());
    submitted
        || nobody
        || says("Precedence", &["bulk", "junk", "list", "auto_reply"])
        || header(mail, "X-Autoreply").is_some()
        || header(mail, "X-Autorespond").is_some()
        || header(mail, "List-Id").is_some()
}

fn urgent(mail: &Message<'_>) -> bool {
    let first = |name: &str| header(mail, name).and_then(|value| value.chars().next());
    matches!(first("X-Priority"), Some('1' | '2'))
        || header(mail, "Importance").is_some_and(|value| value.eq_ignore_ascii_case("high"))
}

fn hops(mail: &Message<'_>) -> Vec<String> {
    let mut all: Vec<String> = mail.received_all().filter_map(|hop| hop.by().map(|host| host.to_string())).collect();
    all.reverse();
    all.truncate(MOST_HOPS);
    all
}

/// What was written, without what it answers: up to the first line that begins a quotation.
fn without_quotation(text: &str) -> String {
    let text: String = text.chars().take(MOST_TEXT).collect();
    let begins = |line: &str| {
        let line = line.trim();
        line.starts_with('>')
            || line.starts_with("-----Original")
            || line.starts_with("________________________________")
            || (line.ends_with(':') && line.contains('@') && line.len() < 200)
            || (line.starts_with("On ") && line.ends_with("wrote:"))
            || (line.starts_with("Le ") && line.ends_with("écrit :"))
    };
    let said: Vec<&str> = text.lines().take_while(|line| !begins(line)).collect();
    let said = said.join("\n").trim().to_owned();
    // An answer below the quotation: everything that is not quoted.
    if said.is_empty() {
        let rest: Vec<&str> = text.lines().filter(|line| !begins(line)).collect();
        return rest.join("\n").trim().to_owned();
    }
    said
}

/// A report on one of our mails. RFC 3464.
fn delivery_status(mail: &Message<'_>) -> Option<Reading> {
    let kind = mail.content_type()?;
    let report = kind.ctype().eq_ignore_ascii_case("multipart") && kind.subtype()?.eq_ignore_ascii_case("report");
    if !report || !kind.attribute("report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status")) {
        return None;
    }
    let mut all = String::new();
    for part in &mail.parts {
        match &part.body {
            PartType::Text(text) => all.push_str(text),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => all.push_str(&String::from_utf8_lossy(bytes)),
            PartType::Message(inner) => all.push_str(&String::from_utf8_lossy(inner.raw_message())),
            _ => {}
        }
        all.push('\n');
    }
    let line = |name: &str| {
        let found =
            all.lines().find(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        found.map(|line| line[name.len()..].trim().to_owned())
    };
    let Some(ours) = line("Message-ID:").and_then(|id| our_id(&id)) else {
        return Some(Reading::only("a delivery report names none of our messages"));
    };
    let action = line("Action:").unwrap_or_default().to_lowercase();
    let status = line("Status:").unwrap_or_default();
    let said = match action.as_str() {
        "failed" => Said::Lost,
        "delivered" => Said::Delivered,
        "delayed" | "relayed" | "expanded" => Said::Underway,
        _ if status.starts_with('5') => Said::Lost,
        _ => Said::Underway,
    };
    let told = line("Diagnostic-Code:").unwrap_or(status);
    let problem = (said == Said::Lost).then(|| format!("the mail came back: {told}"));
    Some(Reading { items: vec![Item::Receipt(Receipt { provider_id: ours, said, problem })], findings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: &str = "message-0197c2f0-0000-7000-8000-000000000000";

    fn told(mail: &str) -> Text {
        let own = OwnAddress("radio@una.example".to_owned());
        match read(&own, mail.replace('\n', "\r\n").as_bytes()).items.remove(0) {
            Item::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_told_without_what_it_answers() {
        let mail = format!(
            "From: Ana Soares <Ana@UNA.example>\nTo: radio@una.example\nSubject: =?utf-8?Q?Re=3A_Are_you_safe=3F?=\n\
             Message-ID: <1@una.example>\nIn-Reply-To: <{OURS}@una.example>\nDate: Sat, 21 Nov 2026 12:00:00 +0000\n\
             X-Priority: 1 (Highest)\nReceived: from a by relay.example; Sat, 21 Nov 2026 12:00:00 +0000\n\
             Content-Type: text/plain; charset=utf-8\n\nSAFE, at the bridge\n\nOn Sat, 21 Nov 2026, Radio room wrote:\n> Are you safe?\n"
        );
        let text = told(&mail);
        assert_eq!((text.sender.as_str(), text.text.as_str()), ("ana@una.example", "SAFE, at the bridge"));
        assert_eq!((text.answers.as_deref(), text.provider_id.as_deref()), (Some(OURS), Some("1@una.example")));
        assert_eq!((text.automatic, text.precedence), (false, Some(Precedence::Immediate)));
        assert_eq!(text.sent.map(|at| at.to_string()).as_deref(), Some("2026-11-21T12:00:00.000000Z"));
        assert_eq!(text.relayed_by, ["relay.example"]);
    }

    #[test]
    fn machines_are_told_from_people() {
        let check = |headers: &str, automatic: bool| {
            let text = told(&format!("From: a@b.example\n{headers}Subject: x\n\nhello\n"));
            assert_eq!(text.automatic, automatic, "{headers}");
        };
        check("", false);
        check("Auto-Submitted: no\n", false);
        check("Auto-Submitted: auto-replied\n", true);
        check("Precedence: bulk\n", true);
        check("Return-Path: <>\n", true);
        check("List-Id: <staff.una.example>\n", true);
        check("X-Autoreply: yes\n", true);
    }

    #[test]
    fn our_own_mail_is_a_loop_and_a_report_is_a_receipt() {
        let own = OwnAddress("radio@una.example".to_owned());
        let back = format!("From: radio@una.example\r\nMessage-ID: <{OURS}@una.example>\r\n\r\nhello\r\n");
        assert!(read(&own, back.as_bytes()).items.is_empty());
        let report = format!(
            "From: MAILER-DAEMON@mail.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mail.example\r\n\r\nFinal-Recipient: rfc822; x@y.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
             Diagnostic-Code: smtp; 550 no such user\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
             Message-ID: <{OURS}@una.example>\r\nSubject: x\r\n\r\n--b--\r\n"
        );
        let reading = read(&own, report.as_bytes());
        let problem = Some("the mail came back: smtp; 550 no such user".to_owned());
        let receipt = Receipt { provider_id: OURS.to_owned(), said: Said::Lost, problem };
        assert_eq!(reading.items, [Item::Receipt(receipt)], "{reading:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let reading = read(&OwnAddress::default(), &bytes);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
