//! Everybody is asked: by short message and mail, each with a link of their own.

use kernel::id::HeadcountId;
use kernel::message::{Address, Dispatch, Means as Travel, Precedence};
use sha2::{Digest, Sha256};
use store::params;

use super::tally::named;
use super::{Headcount, key_of, one, open};
use crate::error::Error;
use crate::line::Safety;
use crate::log::NewEntry;
use crate::message;
use crate::register::Record;
use crate::room::{Turn, setting};
use crate::speech::{Language, Sentence, say};
use crate::sql;

/// A link is good for so long.
const LINK_US: i64 = 24 * 3_600 * 1_000_000;

/// Asks people, those without an address of their own through whoever they rely on. Tells who cannot be asked.
pub(super) async fn everybody(turn: &mut Turn, open: &Headcount, people: &[&Record]) -> Result<Vec<Sentence>, Error> {
    let directory = turn.directory.clone();
    let server = setting(&mut turn.tx, "public_url").await?;
    let mut dispatches = Vec::new();
    let mut unasked = Vec::new();
    for person in people {
        let own = addresses(person);
        let (addresses, through) = if own.is_empty() {
            let relied = person.text_opt("relies_on").and_then(|key| directory.record("person", &key));
            (relied.map(addresses).unwrap_or_default(), true)
        } else {
            (own, false)
        };
        if addresses.is_empty() {
            unasked.push(person.key.clone());
            continue;
        }
        let link = match &server {
            Some(server) => Some(link(turn, open, &person.key, server).await?),
            None => None,
        };
        let language = turn.language_of(person).await?;
        dispatches.push(dispatch(open, person, addresses, (through, link), language));
    }
    let asked = dispatches.len();
    message::send(turn, dispatches).await?;
    let mut notes = Vec::new();
    if asked > 0 {
        notes.push(say!("{asked} are asked by message", asked));
    }
    if asked > 0 && !unasked.is_empty() {
        notes.push(say!("no address known of {people}: call them", people = named(&unasked, 10)));
    }
    Ok(notes)
}

fn addresses(person: &Record) -> Vec<Address> {
    let of = |column: &str, means| person.text_opt(column).map(|address| Address::new(means, address));
    of("phone", Travel::Sms).into_iter().chain(of("email", Travel::Email)).collect()
}

/// A link for one person: only its digest is kept.
async fn link(turn: &mut Turn, open: &Headcount, person: &str, server: &str) -> Result<String, Error> {
    let secret = hex::encode(turn.random::<16>());
    let expires = turn.now().plus_micros(LINK_US);
    turn.tx.execute(&sql::INSERT_LINK, params![digest(&secret), open.id, person, expires]).await?;
    Ok(format!("{}/answer/{secret}", server.trim_end_matches('/')))
}

pub(super) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn dispatch(
    open: &Headcount,
    person: &Record,
    addresses: Vec<Address>,
    (through, link): (bool, Option<String>),
    language: Language,
) -> Dispatch {
    let label = open.number_label();
    let name = person.text("name");
    let ask = if through {
        say!("{label}: is {name} safe?\nAnswer {key} SAFE or {key} HELP.", label, name, key = person.key)
    } else {
        say!("{label}: {name}, are you safe?\nAnswer SAFE or HELP.", label, name)
    };
    let ask = ask.in_message(language);
    let (text, secret) = link.map_or((ask.clone(), false), |link| (format!("{ask} {link}"), true));
    Dispatch {
        key: key_of(open.id, &person.key),
        about: open.id.to_string(),
        recipient: name.to_owned(),
        addresses,
        // The first line of the text is that of a mail.
        subject: None,
        text,
        precedence: Precedence::Immediate,
        exercise: open.exercise,
        // The link is theirs alone.
        secret,
        patience_s: None,
        expires: None,
    }
}

/// No means reached somebody: the desk has to call.
pub(crate) async fn not_reached(turn: &mut Turn, id: HeadcountId, person: &str) -> Result<(), Error> {
    let Some(open) = open(&mut turn.tx).await?.filter(|open| open.id == id) else { return Ok(()) };
    let Some(found) = one(&mut turn.tx, id, person).await?.filter(|one| one.safety == Safety::Unknown) else {
        return Ok(());
    };
    let text =
        say!("{label}: no message reaches {name} ({person}): call", label = open.label(), name = found.name, person);
    turn.log(NewEntry::words("headcount", text)).await.map(drop)
}
