//! Attempts by text: what is written to whom, and taken back when it no longer matters.
//!
//! An attempt by voice is the desk's to make; one by short message or mail goes out by itself. A silent alarm is never
//! named in a message: it asks to look at the screen, and its text is kept nowhere.

use kernel::message::{Address, Dispatch, Means as Travel, Precedence};

use super::alarms::{Alarm, Attempt, AttemptState};
use super::ladder::Means;
use crate::error::Error;
use crate::message;
use crate::room::Turn;
use crate::speech::{Language, say};

/// Sends what new attempts ask for, and takes back what is not waited for any more.
pub(super) async fn of_changes(turn: &mut Turn, before: Option<&Alarm>, alarm: &Alarm) -> Result<(), Error> {
    let was = |number: i64| before.and_then(|before| before.course.attempts.iter().find(|one| one.number == number));
    let mut dispatches = Vec::new();
    let mut withdrawn = Vec::new();
    for attempt in &alarm.course.attempts {
        let Some(address) = address(attempt) else { continue };
        let key = key(alarm, attempt);
        match (was(attempt.number), attempt.state) {
            (None, AttemptState::Pending) => {
                let own = attempt.contact.as_ref().and_then(|contact| turn.directory.language_of_contact(contact));
                let language = match own {
                    Some(language) => language,
                    None => turn.office_language().await?,
                };
                dispatches.push(dispatch(alarm, attempt, (key, address), language));
            }
            (Some(earlier), state) if earlier.state == AttemptState::Pending && state != AttemptState::Pending => {
                withdrawn.push(key);
            }
            _ => {}
        }
    }
    message::send(turn, dispatches).await?;
    message::withdraw(turn, withdrawn, "it is not waited for any more");
    Ok(())
}

fn address(attempt: &Attempt) -> Option<Address> {
    let means = match attempt.means {
        Means::Sms => Travel::Sms,
        Means::Email => Travel::Email,
        Means::Radio | Means::Phone | Means::Satellite | Means::Visit | Means::Screen => return None,
    };
    (!attempt.address.is_empty()).then(|| Address::new(means, attempt.address.clone()))
}

fn key(alarm: &Alarm, attempt: &Attempt) -> String {
    format!("{}/attempt/{}", alarm.id, attempt.number)
}

/// The alarm and the attempt that a dispatch was for.
pub(crate) fn of_key(key: &str) -> Option<(kernel::id::AlarmId, i64)> {
    let (alarm, attempt) = key.split_once("/attempt/")?;
    Some((alarm.parse().ok()?, attempt.parse().ok()?))
}

fn dispatch(alarm: &Alarm, attempt: &Attempt, (key, address): (String, Address), language: Language) -> Dispatch {
    let label = alarm.label();
    // The first line is the subject of a mail.
    let text = if alarm.silent {
        say!("{label}: please look at your alarms now.", label)
    } else {
        say!("{label}: {title}.\nAnswer OK if you see to it, NO to pass it on.", label, title = alarm.title)
    };
    Dispatch {
        key,
        about: alarm.id.to_string(),
        recipient: attempt.name.clone(),
        addresses: vec![address],
        subject: None,
        text: text.in_message(language),
        precedence: if alarm.is_about_lives() { Precedence::Distress } else { Precedence::Immediate },
        exercise: alarm.course.drill,
        secret: alarm.silent,
        patience_s: None,
        expires: Some(attempt.answer_by),
    }
}
