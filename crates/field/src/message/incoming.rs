//! A message arrives: it is logged, and what it plainly says is done. What it does not plainly say waits for a person.

use kernel::id::MessageId;
use kernel::message::{Address, Dispatch, Means, MessageReceived, Precedence};
use kernel::{Actor, Fact, Timestamp};
use serde_json::{Value as Json, json};
use store::{Delivery, Read, Row, params};

use super::attempt_reply;
use super::outgoing::send;
use super::words::{Answer, answer_of};
use crate::alarm::{self, AlarmKind, Call, Cause, Concerned};
use crate::duress;
use crate::earnest::is_meant;
use crate::enter::{self, Happened};
use crate::error::Error;
use crate::headcount::{self, Means as AnswerMeans, Reply};
use crate::line::{self, Act, Safety, Statement};
use crate::log::NewEntry;
use crate::position::aged;
use crate::register::{Holder, Record};
use crate::room::{Field, Turn};
use crate::speech::{Language, Sentence, say};
use crate::sql;

/// A network may set its clock ahead by so much and is still believed.
const AHEAD_US: i64 = 120_000_000;
/// What is done of a message that says nothing plainly.
/// Unread messages on a hand-over sheet.
const MOST_UNREAD: u32 = 500;

/// A message that reached the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub id: MessageId,
    pub means: String,
    /// The address it came from.
    pub sender: String,
    /// Key of the person, where the register knows one.
    pub person: Option<String>,
    pub name: String,
    pub organisation: Option<String>,
    pub subject: Option<String>,
    /// As it was written; duress words as they are to be shown.
    pub text: String,
    pub precedence: Option<String>,
    pub relayed_by: Vec<String>,
    pub sent: Option<Timestamp>,
    pub received: Timestamp,
    /// `contact`, `headcount`, `answer`, `distress`, `automatic`, or `unread`: somebody has to read it.
    pub taken_as: String,
    /// Its entry in the duty log.
    pub entry: i64,
    /// When somebody saw to what was `unread`.
    pub seen: Option<Timestamp>,
}

/// Which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only those that somebody has to read.
    pub unread: bool,
}

/// Who wrote.
pub(super) struct Sender {
    pub(super) person: Option<Record>,
    name: String,
    organisation: Option<String>,
    /// The sign under which they are on the net, and who holds it.
    pub(super) holder: Option<Holder>,
}

/// What was made of a message.
struct Taken {
    as_what: &'static str,
    outcome: Vec<Sentence>,
}

/// Takes a message: its entry in the log and what follows from it.
pub(crate) async fn take(turn: &mut Turn, told: &Delivery, message: &MessageReceived) -> Result<(), Error> {
    // The same message is one act, however often it is told.
    if turn.tx.fetch_optional(&sql::KNOWN_MESSAGE, params![message.message]).await?.is_some() {
        return Ok(());
    }
    let (message, said) = shown(turn, message).await?;
    let text: String = message.text.chars().take(line::LONGEST_LINE / 4).collect();
    let sender = sender(turn, &message);
    let mut entry = NewEntry {
        kind: "message",
        happened: Some(happened(&message)),
        sign: sender.holder.as_ref().map(|holder| holder.sign.clone()),
        holder: sender.holder.clone(),
        line: text.clone(),
        meaning: meaning(&message, &sender, &text),
        ..NewEntry::default()
    };
    let taken = act(turn, &message, &sender, &text, &mut entry).await?;
    entry.outcome.extend(taken.outcome);
    let logged = turn.log(entry).await?;
    if let Some(said) = said {
        // Whoever keeps the message as it came shows it no more, and on its way through the house it stays no longer.
        let (id, at) = (message.message, turn.now());
        turn.tx.replace_fact(told, &Fact::MessageReceived(Box::new(message.clone()))).await?;
        let (text, subject) = (message.text.clone(), message.subject.clone());
        turn.tx.emit(Fact::MessageConcealed { message: id, text, subject, at });
        let person = sender.person.as_ref().map(|person| person.key.clone());
        enter::raise_silently(turn, &logged, sender.holder.as_ref(), said, person.as_deref()).await?;
    }
    let row = params![
        message.message,
        message.means.as_str(),
        &message.sender,
        sender.person.as_ref().map(|person| person.key.clone()),
        &sender.name,
        sender.organisation.clone(),
        message.subject.clone(),
        &text,
        message.precedence.map(Precedence::as_str),
        &json!(message.relayed_by),
        message.sent,
        message.received,
        message.answers.clone(),
        taken.as_what,
        logged.number,
    ];
    turn.tx.execute(&sql::INSERT_INCOMING, row).await?;
    turn.record("message.take", message.message, Json::Null, json!({ "as": taken.as_what, "entry": logged.number }));
    Ok(())
}

/// A message as it may be shown, and what follows from the duress words that it had.
async fn shown(turn: &mut Turn, message: &MessageReceived) -> Result<(MessageReceived, Option<duress::Said>), Error> {
    let text = duress::clear(&mut turn.tx, message.text.trim()).await?;
    let mut shown = MessageReceived { text: text.line, ..message.clone() };
    let mut said = text.said;
    if let Some(subject) = &message.subject {
        let subject = duress::clear(&mut turn.tx, subject).await?;
        shown.subject = Some(subject.line);
        said = duress::Said::both(said, subject.said);
    }
    Ok((shown, said))
}

fn sender(turn: &Turn, message: &MessageReceived) -> Sender {
    let directory = &turn.directory;
    let (kind, key) = if message.means == Means::Satellite {
        directory.holder_of_device(&message.sender)
    } else {
        let person = directory.person_at(&message.sender).map(|person| person.key.clone());
        person.map_or_else(|| ("address".to_owned(), message.sender.clone()), |key| ("person".to_owned(), key))
    };
    let record = directory.record(&kind, &key).cloned();
    let name = record.as_ref().map_or_else(|| message.sender.clone(), |record| record.text("name").to_owned());
    let organisation = record.as_ref().and_then(|record| record.text_opt("organisation"));
    let sign = directory.sign_of(&kind, &key, turn.now());
    let holder = record.is_some().then(|| Holder {
        sign: sign.unwrap_or_else(|| key.clone()),
        kind: kind.clone(),
        key,
        name: name.clone(),
        organisation: organisation.clone(),
    });
    Sender { person: record.filter(|_| kind == "person"), name, organisation, holder }
}

/// When it was written, if that can be believed.
pub(super) fn happened(message: &MessageReceived) -> Timestamp {
    let believed = message.sent.filter(|sent| sent.micros() <= message.received.micros() + AHEAD_US);
    believed.unwrap_or(message.received).min(message.received)
}

fn meaning(message: &MessageReceived, sender: &Sender, text: &str) -> Sentence {
    let who = if sender.name == message.sender {
        say!("{sender} (nobody in the register)", sender = message.sender)
    } else {
        format!("{} ({})", sender.name, message.sender).into()
    };
    let mut from = match message.precedence {
        Some(precedence) => say!("{means} {precedence} from {who}", means = message.means, precedence, who),
        None => say!("{means} from {who}", means = message.means, who),
    };
    if !message.relayed_by.is_empty() {
        from = say!("{from}, relayed by {hops}", from, hops = message.relayed_by);
    }
    if message.exercise {
        from = say!("EXERCISE {message}", message = from);
    }
    match &message.subject {
        Some(subject) => say!("{from}: {subject}: {text}", from, subject, text),
        None => say!("{from}: {text}", from, text),
    }
}

async fn act(
    turn: &mut Turn,
    message: &MessageReceived,
    sender: &Sender,
    text: &str,
    entry: &mut NewEntry,
) -> Result<Taken, Error> {
    if message.automatic && message.precedence == Some(Precedence::Immediate) {
        return warning(turn, message).await;
    }
    // An alert that is called off: somebody may still act on it.
    if message.automatic && (message.means, message.precedence) == (Means::Webhook, Some(Precedence::Routine)) {
        return Ok(Taken { as_what: "unread", outcome: vec![unread()] });
    }
    if message.automatic {
        return Ok(Taken { as_what: "automatic", outcome: vec![say!("a machine wrote it: nothing is done")] });
    }
    let directory = turn.directory.clone();
    let knows = |word: &str| directory.record("person", word).is_some() || directory.knows_sign(word);
    let answer = subject_cries(message).or_else(|| answer_of(&attempt_reply::without_label(&message.text), &knows));
    match attempt_reply::take(turn, message, sender, answer.as_ref()).await? {
        Some(attempt_reply::Reply::Taken(said)) => return Ok(Taken { as_what: "answer", outcome: vec![said] }),
        Some(attempt_reply::Reply::AskWhich(labels)) => {
            let language = language_of(turn, sender).await?;
            let which = say!("Which one: {labels}? Answer OK {first} or NO {first}.", labels, first = labels[0]);
            reply_to(turn, message, &which.in_message(language)).await?;
            let outcome = vec![say!("{labels} wait for their answer: they are asked which", labels), unread()];
            return Ok(Taken { as_what: "unread", outcome });
        }
        Some(attempt_reply::Reply::Waits(label)) => {
            let language = language_of(turn, sender).await?;
            let none = say!("{label} waits for no answer of yours. The radio room reads this.", label);
            reply_to(turn, message, &none.in_message(language)).await?;
            let outcome = vec![say!("{label} waits for no answer of theirs", label), unread()];
            return Ok(Taken { as_what: "unread", outcome });
        }
        None => {}
    }
    if let Some(answer) = &answer
        && let Some(outcome) = headcount_reply(turn, message, sender, answer).await?
    {
        if answer.is_cry() {
            say_received(turn, message, sender).await?;
        }
        return Ok(Taken { as_what: "headcount", outcome });
    }
    match answer {
        // `bf11 sos` is a line: it counts for the mission, too.
        Some(answer) if answer.is_cry() => match own_line(turn, message, sender, text, entry, is_sos).await? {
            Some(taken) => Ok(taken),
            None => distress(turn, message, sender, entry, &answer).await,
        },
        answer => contact(turn, message, sender, text, entry, answer.as_ref()).await,
    }
}

/// A call for help in the subject of a mail. Of one that answers another, the subject is not theirs.
fn subject_cries(message: &MessageReceived) -> Option<Answer> {
    const ANSWERS: [&str; 10] = ["re:", "res:", "rv:", "fw:", "fwd:", "tr:", "aw:", "enc:", "رد:", "sv:"];
    let subject = message.subject.as_deref().filter(|_| message.answers.is_none())?.trim().to_lowercase();
    let answers = ANSWERS.iter().any(|lead| subject.starts_with(lead));
    answer_of(&subject, &|_| false).filter(|answer| answer.is_cry() && !answers)
}

fn is_sos(act: &Act) -> bool {
    *act == Act::Sos
}

/// Somebody's systems warn of what cannot wait: a person reads it, and says who has to know.
async fn warning(turn: &mut Turn, message: &MessageReceived) -> Result<Taken, Error> {
    let what = message.subject.as_deref().map_or_else(|| say!("a warning"), Sentence::from);
    let title = say!("{what}, from {sender}: it has to be read", what, sender = message.sender);
    let title = if message.exercise { say!("EXERCISE: {title}", title) } else { title };
    let (kind, subject) = (AlarmKind::Incident, format!("warning:{}", message.message));
    let cause = Cause { kind, subject, title, missed: turn.now(), while_down: false, tell: Vec::new() };
    let mut outcome = vec![unread()];
    if let Some(alarm) = alarm::raise_for(turn, cause, None, message.exercise, Concerned::default()).await? {
        outcome.push(say!("{label} raised: {title}", label = alarm.label(), title = alarm.title));
    }
    Ok(Taken { as_what: "unread", outcome })
}

/// Counts an answer, if it is one to the headcount that is open. `None`: there is nothing to answer.
async fn headcount_reply(
    turn: &mut Turn,
    message: &MessageReceived,
    sender: &Sender,
    answer: &Answer,
) -> Result<Option<Vec<Sentence>>, Error> {
    let asked = message.answers.as_deref().and_then(headcount::of_key);
    let (who, safety) = match answer {
        Answer::Safe | Answer::Yes if asked.is_some() || *answer == Answer::Safe => (None, Safety::Safe),
        Answer::Help | Answer::Sos => (None, Safety::NeedsHelp),
        Answer::Other { who, safe } => {
            (Some(who.as_str()), if *safe { Safety::SafeByProxy } else { Safety::NeedsHelp })
        }
        Answer::Safe | Answer::Yes | Answer::No => return Ok(None),
    };
    let Some(person) = &sender.person else { return Ok(None) };
    let reply = Reply {
        from: &person.key,
        about: who,
        safety,
        sos: *answer == Answer::Sos,
        drill: message.exercise,
        earnest: is_meant(&message.text),
        asked: asked.map(|(id, _)| id),
        certain: message.answers_certain,
        at: happened(message),
        means: match message.means {
            Means::Email => AnswerMeans::Email,
            Means::Satellite => AnswerMeans::Satellite,
            Means::Sms | Means::Webhook | Means::Cot | Means::Mqtt => AnswerMeans::Sms,
        },
    };
    headcount::reply(turn, &reply).await
}

/// A call for help in words.
async fn distress(
    turn: &mut Turn,
    message: &MessageReceived,
    sender: &Sender,
    entry: &mut NewEntry,
    answer: &Answer,
) -> Result<Taken, Error> {
    let kind = if *answer == Answer::Sos { AlarmKind::Sos } else { AlarmKind::NeedsHelp };
    let (name, means) = (&sender.name, message.means);
    let title = match answer {
        Answer::Other { who, .. } => {
            say!("{name} asks for help for {whom} by {means}", name, whom = who.to_uppercase(), means)
        }
        _ => say!("{name} asks for help by {means}", name, means),
    };
    let title = aged(title, happened(message), turn.now());
    let earnest = is_meant(&message.text);
    let title = if message.exercise && !earnest { say!("EXERCISE: {title}", title) } else { title };
    let subject = format!("help:{}", message.sender);
    let cause = Cause { kind, subject, title, missed: turn.now(), while_down: false, tell: Vec::new() };
    let mission = match &sender.holder {
        Some(holder) => enter::mission_of(turn, holder, happened(message)).await?,
        None => None,
    };
    entry.mission = mission.as_ref().map(|mission| mission.id);
    let call = Call { earnest, ..Call::anew(cause, happened(message), message.exercise) };
    let (_, said) = alarm::call_for_help(turn, call, mission.as_ref()).await?;
    say_received(turn, message, sender).await?;
    Ok(Taken { as_what: "distress", outcome: vec![said] })
}

async fn say_received(turn: &mut Turn, message: &MessageReceived, sender: &Sender) -> Result<(), Error> {
    let language = language_of(turn, sender).await?;
    reply_to(turn, message, &say!("Received. The radio room sees to it.").in_message(language)).await
}

/// A line of the log about themselves, if the text is one that says what `fits`.
async fn own_line(
    turn: &mut Turn,
    message: &MessageReceived,
    sender: &Sender,
    text: &str,
    entry: &mut NewEntry,
    fits: fn(&Act) -> bool,
) -> Result<Option<Taken>, Error> {
    let Some(holder) = &sender.holder else { return Ok(None) };
    let directory = turn.directory.clone();
    let at = happened(message);
    // A message may have several lines; the log's have one.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line::parse(&text, &|word| directory.knows_sign(word));
    let Statement::Traffic { sign, act } = &line.statement else { return Ok(None) };
    if !line.is_usable() || !fits(act) || !enter::is_theirs(turn, holder, &sign.text, at).await? {
        return Ok(None);
    }
    let said = line.time.and_then(|time| time.instant(message.received, directory.zone()).ok());
    let what = Happened { at: said.unwrap_or(at), said: Some(said.unwrap_or(at)) };
    let meaning = line::echo(&line, &directory, said, message.received);
    entry.meaning = say!("{message}: {meaning}", message = entry.meaning, meaning);
    enter::traffic(turn, entry, &sign.text, act, what).await?;
    Ok(Some(Taken { as_what: "contact", outcome: Vec::new() }))
}

/// A check-in: a line of the log about themselves, or a word from somebody on a mission. Anything else is to be read.
async fn contact(
    turn: &mut Turn,
    message: &MessageReceived,
    sender: &Sender,
    text: &str,
    entry: &mut NewEntry,
    answer: Option<&Answer>,
) -> Result<Taken, Error> {
    if let Some(taken) = own_line(turn, message, sender, text, entry, |act| *act != Act::Say).await? {
        return Ok(taken);
    }
    let at = happened(message);
    let well = matches!(answer, Some(Answer::Safe | Answer::Yes));
    if let Some(holder) = sender.holder.as_ref().filter(|_| well)
        && let Some(sign) = enter::sign_on_mission(turn, holder, at).await?
    {
        let what = Happened { at, said: Some(at) };
        enter::traffic(turn, entry, &sign, &Act::Okay, what).await?;
        return Ok(Taken { as_what: "contact", outcome: Vec::new() });
    }
    let mut outcome = vec![unread()];
    if message.precedence == Some(Precedence::Distress) {
        let title = say!("a message of distress from {name} has to be read", name = sender.name);
        let (kind, subject) = (AlarmKind::NeedsHelp, format!("message:{}", message.message));
        let cause = Cause { kind, subject, title, missed: turn.now(), while_down: false, tell: Vec::new() };
        if let Some(alarm) = alarm::raise(turn, cause, None).await? {
            outcome.push(say!("{label} raised: {title}", label = alarm.label(), title = alarm.title));
        }
    }
    Ok(Taken { as_what: "unread", outcome })
}

fn unread() -> Sentence {
    say!("somebody has to read it")
}

/// In which language a sender is answered.
async fn language_of(turn: &mut Turn, sender: &Sender) -> Result<Language, Error> {
    match &sender.person {
        Some(person) => turn.language_of(person).await,
        None => turn.office_language().await,
    }
}

async fn reply_to(turn: &mut Turn, message: &MessageReceived, text: &str) -> Result<(), Error> {
    if !matches!(message.means, Means::Sms | Means::Email) {
        return Ok(());
    }
    let dispatch = Dispatch {
        key: format!("{}/reply", message.message),
        about: message.message.to_string(),
        recipient: message.sender.clone(),
        addresses: vec![Address::new(message.means, message.sender.clone())],
        subject: message.subject.as_ref().map(|subject| format!("Re: {subject}")),
        text: text.to_owned(),
        precedence: Precedence::Immediate,
        exercise: message.exercise,
        secret: false,
        patience_s: None,
        expires: None,
    };
    send(turn, vec![dispatch]).await
}

impl Field {
    /// Messages that came in, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn received(&self, filter: &MessageFilter, limit: u32) -> Result<Vec<Received>, Error> {
        self.store.fetch_all(&sql::INCOMING, params![filter.unread, limit]).await?.iter().map(received).collect()
    }

    /// Somebody has read a message and seen to it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no such message waits.
    pub async fn see_message(&self, id: MessageId, actor: &Actor, reason: &str) -> Result<(), Error> {
        let mut turn = self.turn(actor, reason).await?;
        let now = turn.now();
        if turn.tx.execute(&sql::SEE_MESSAGE, params![id, now]).await? == 0 {
            return Err(Error::missing("message", id));
        }
        turn.record("message.see", id, Json::Null, Json::Null);
        turn.log(NewEntry::words("message", say!("read and seen to: {reason}", reason))).await?;
        turn.finish().await.map(drop)
    }
}

/// Messages that somebody has to read.
pub(crate) async fn unread_in(read: &mut impl Read) -> Result<Vec<Received>, Error> {
    read.rows(&sql::INCOMING, params![true, MOST_UNREAD]).await?.iter().map(received).collect()
}

fn received(row: &Row) -> Result<Received, Error> {
    let text = |column| -> Result<Option<String>, store::Error> { Ok(row.text_opt(column)?.map(str::to_owned)) };
    Ok(Received {
        id: row.id("id")?,
        means: row.text("means")?.to_owned(),
        sender: row.text("sender")?.to_owned(),
        person: text("person")?,
        name: row.text("name")?.to_owned(),
        organisation: text("organisation")?,
        subject: text("subject")?,
        text: row.text("body")?.to_owned(),
        precedence: text("precedence")?,
        relayed_by: row.json("relayed_by")?,
        sent: row.time_opt("sent_us")?,
        received: row.time("received_us")?,
        taken_as: row.text("taken_as")?.to_owned(),
        entry: row.int("entry_number")?,
        seen: row.time_opt("seen_us")?,
    })
}
