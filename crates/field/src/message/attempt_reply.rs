//! An answer to an alarm: which of those that wait for its sender it is about.

use kernel::message::{Means, MessageReceived};

use super::incoming::{Sender, happened};
use super::words::Answer;
use crate::alarm::{self, Waiting};
use crate::enter;
use crate::error::Error;
use crate::room::Turn;
use crate::speech::{Sentence, say};

/// What an answer to an alarm came to.
pub(super) enum Reply {
    /// It was taken, or waits for nobody.
    Taken(Sentence),
    /// It does not say which of those that wait, or names another: those that wait.
    AskWhich(Vec<String>),
    /// It names one that waits for nothing of theirs, and none does.
    Waits(String),
}

/// Takes an `OK` or `NO` for the alarm that it names, that it is known to answer, or that alone waits for its sender. `None`: it
/// is no answer to an alarm.
pub(super) async fn take(
    turn: &mut Turn,
    message: &MessageReceived,
    sender: &Sender,
    answer: Option<&Answer>,
) -> Result<Option<Reply>, Error> {
    let Some(answer @ (Answer::Yes | Answer::Safe | Answer::No)) = answer else { return Ok(None) };
    let takes = *answer != Answer::No;
    let named = label(&message.text);
    let known = message.answers.as_deref().and_then(alarm::of_key);
    if let (None, Some((id, attempt))) = (named, known) {
        return taken(turn, id, attempt, takes).await.map(Some);
    }
    // A `safe` that answers nothing is for a headcount; an `ok` from the road says how they are.
    let only_by_name = *answer == Answer::Safe || !matches!(message.means, Means::Sms | Means::Email);
    if named.is_none() && (only_by_name || is_out(turn, message, sender).await?) {
        return Ok(None);
    }
    let person = sender.person.as_ref().map(|person| person.key.as_str());
    let waiting = alarm::waiting_for(turn, &message.sender, person).await?;
    let meant = |one: &&Waiting| named.is_none_or(|number| one.number == number);
    let meant: Vec<&Waiting> = waiting.iter().filter(meant).collect();
    match (meant.as_slice(), named) {
        ([], Some(number)) if waiting.is_empty() => Ok(Some(Reply::Waits(format!("A-{number:04}")))),
        ([], Some(_)) => Ok(Some(Reply::AskWhich(labels(&waiting)))),
        ([], None) => Ok(None),
        ([first, rest @ ..], _) if rest.iter().all(|other| other.alarm == first.alarm) => {
            taken(turn, first.alarm, first.attempt, takes).await.map(Some)
        }
        (_, _) => Ok(Some(Reply::AskWhich(labels(&waiting)))),
    }
}

/// They are on a mission.
async fn is_out(turn: &mut Turn, message: &MessageReceived, sender: &Sender) -> Result<bool, Error> {
    let Some(holder) = &sender.holder else { return Ok(false) };
    Ok(enter::sign_on_mission(turn, holder, happened(message)).await?.is_some())
}

fn labels(waiting: &[Waiting]) -> Vec<String> {
    let mut labels: Vec<String> = waiting.iter().map(|one| format!("A-{:04}", one.number)).collect();
    labels.dedup();
    labels
}

async fn taken(turn: &mut Turn, id: kernel::id::AlarmId, attempt: i64, takes: bool) -> Result<Reply, Error> {
    let done = alarm::answered_by_message(turn, id, attempt, takes).await?;
    Ok(Reply::Taken(done.unwrap_or_else(|| say!("the alarm waits for this answer no more"))))
}

/// The number of an alarm that is named: `A-0020`, `a-20`, `A0020`.
fn label(text: &str) -> Option<i64> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-').find_map(as_label)
}

/// The text without it, in which the answer itself is looked for.
pub(super) fn without_label(text: &str) -> String {
    let words = text.split_whitespace();
    let is_label = |word: &&str| as_label(word.trim_matches(|c: char| !c.is_alphanumeric())).is_some();
    words.filter(|word| !is_label(word)).collect::<Vec<_>>().join(" ")
}

fn as_label(word: &str) -> Option<i64> {
    let rest = word.strip_prefix(['a', 'A'])?;
    let digits = rest.strip_prefix('-').or(Some(rest).filter(|rest| rest.len() >= 4))?;
    let digits = Some(digits).filter(|digits| (1..=9).contains(&digits.len()));
    digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_as_people_write_them() {
        let check = |text: &str, number: Option<i64>, rest: &str| {
            assert_eq!((label(text), without_label(text).as_str()), (number, rest), "{text}");
        };
        check("OK A-0020", Some(20), "OK");
        check("a-20: ok", Some(20), "ok");
        check("A0020 no", Some(20), "no");
        check("ok", None, "ok");
        check("A20 ok", None, "A20 ok");
        check("a-team ok", None, "a-team ok");
        check("A-99999999999 ok", None, "A-99999999999 ok");
    }
}
