//! A dispatch as a mail. RFC 5322; RFC 3834 for what keeps machines from answering it.

use kernel::message::Precedence;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::outgoing::Outgoing;

/// Writes it, or says what of it cannot be used.
///
/// # Errors
/// The address, in words.
pub fn write(message: &Outgoing, from: &Mailbox) -> Result<Message, String> {
    let to = &message.address().address;
    let to: Mailbox = to.parse().map_err(|error| format!("`{to}` is not a mail address: {error}"))?;
    let mut built = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(message.headline())
        // The same at every try, so that the recipient's server can tell a repetition.
        .message_id(Some(message_id(message, from)))
        .date(std::time::UNIX_EPOCH + std::time::Duration::from_micros(message.requested.micros().unsigned_abs()));
    for (name, value) in headers(message.precedence) {
        built = built.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()));
    }
    let text = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .header(ContentTransferEncoding::Base64)
        .body(message.body());
    built.multipart(MultiPart::mixed().singlepart(text)).map_err(|error| error.to_string())
}

/// `<message-…@domain>`.
pub(super) fn message_id(message: &Outgoing, from: &Mailbox) -> String {
    format!("<{}@{}>", message.id, from.email.domain())
}

fn headers(precedence: Precedence) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "OOF, AutoReply")];
    if matches!(precedence, Precedence::Distress | Precedence::Immediate) {
        all.extend([("X-Priority", "1"), ("Importance", "high")]);
    }
    all
}
