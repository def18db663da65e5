//! A message that somebody at the desk writes, or relays for somebody on the net.

use kernel::Actor;
use kernel::id::MessageId;
use kernel::message::{Address, Dispatch, Means, Precedence};
use serde_json::{Value as Json, json};
use store::params;

use super::outgoing::{Outgoing, outgoing, send};
use crate::duress;
use crate::error::{Error, Refusal, said};
use crate::log::NewEntry;
use crate::register::Directory;
use crate::room::Field;
use crate::speech::say;
use crate::sql;

/// Longest text, in characters: a mail; a short message of some ten parts.
const LONGEST_TEXT: usize = 1_600;

/// A message to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compose {
    /// Key of a person or contact, a telephone number, or a mail address.
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    /// `distress`, `immediate`, `routine` or `bulk`; `None`: routine.
    pub precedence: Option<String>,
    /// For whom it is relayed.
    pub relayed_for: Option<String>,
    pub exercise: bool,
    pub actor: Actor,
}

impl Field {
    /// Wants a message sent, and writes it into the log.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is nobody to send it to, or nothing to say.
    pub async fn write_message(&self, order: &Compose) -> Result<Outgoing, Error> {
        let text = said("text", &order.text, LONGEST_TEXT)?;
        let precedence = precedence(order.precedence.as_deref())?;
        let mut turn = self.turn(&order.actor, "").await?;
        let text = duress::clear(&mut turn.tx, &text).await?.line;
        let (recipient, addresses) = recipient(&turn.directory, &order.to)?;
        let id: MessageId = turn.tx.id();
        let key = format!("{id}/written");
        let relayed = order.relayed_for.as_ref().map(|who| who.trim().to_uppercase()).filter(|who| !who.is_empty());
        let sent = relayed.as_ref().map_or_else(|| text.clone(), |who| format!("{who} via radio room: {text}"));
        let dispatch = Dispatch {
            key: key.clone(),
            about: id.to_string(),
            recipient: recipient.clone(),
            addresses,
            subject: order.subject.clone(),
            text: sent,
            precedence,
            exercise: order.exercise,
            secret: false,
            patience_s: None,
            expires: None,
        };
        send(&mut turn, vec![dispatch]).await?;
        turn.record("message.write", id, Json::Null, json!({ "precedence": precedence.as_str() }));
        let mut meaning = say!("message to {recipient}", recipient);
        if let Some(who) = relayed {
            meaning = say!("{meaning}, relayed for {who}", meaning, who);
        }
        meaning = say!("{meaning} ({precedence}): {text}", meaning, precedence, text);
        if order.exercise {
            meaning = say!("EXERCISE {message}", message = meaning);
        }
        turn.log(NewEntry::words("message", meaning)).await?;
        turn.finish().await?;
        let row = self.store.fetch_optional(&sql::OUTGOING_ONE, params![&key]).await?;
        row.map(|row| outgoing(&row)).transpose()?.ok_or_else(|| Error::missing("message", key))
    }
}

fn precedence(word: Option<&str>) -> Result<Precedence, Refusal> {
    let Some(word) = word else { return Ok(Precedence::Routine) };
    let known = Precedence::ALL.into_iter().find(|known| known.as_str() == word);
    known.ok_or_else(|| Refusal::bad("precedence", say!("one of distress, immediate, routine, bulk")))
}

/// Who is meant, and by what they are reached, first by what comes first.
fn recipient(directory: &Directory, to: &str) -> Result<(String, Vec<Address>), Refusal> {
    let to = to.trim();
    if let Some(person) = directory.record("person", to) {
        let of = |column: &str, means| person.text_opt(column).map(|address| Address::new(means, address));
        let addresses: Vec<Address> = of("phone", Means::Sms).into_iter().chain(of("email", Means::Email)).collect();
        if addresses.is_empty() {
            return Err(Refusal::bad(
                "to",
                say!("no telephone number or mail address is known of {key}", key = person.key),
            ));
        }
        return Ok((person.text("name").to_owned(), addresses));
    }
    if let Some(callee) = directory.callee_of(to) {
        let means = match callee.means.as_str() {
            "sms" | "phone" => Means::Sms,
            "email" => Means::Email,
            other => return Err(Refusal::bad("to", say!("contact {to} is reached by {other}: call them", to, other))),
        };
        return Ok((callee.name, vec![Address::new(means, callee.address)]));
    }
    if to.contains('@') && !to.contains(char::is_whitespace) {
        return Ok((to.to_owned(), vec![Address::new(Means::Email, to)]));
    }
    let digits = to.chars().filter(char::is_ascii_digit).count();
    let is_number = to.starts_with('+') && digits >= 6 && to.chars().skip(1).all(|c| c.is_ascii_digit() || c == ' ');
    if is_number {
        return Ok((to.to_owned(), vec![Address::new(Means::Sms, to.replace(' ', ""))]));
    }
    Err(Refusal::bad("to", say!("the key of a person or contact, a number such as +67077231234, or a mail address")))
}
