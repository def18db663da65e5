//! Who is told what, when: on each change of a request, an activation or a campaign, and once more while they wait.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::id::{ActivationId, CampaignId, PersonId, RequestId};
use kernel::message::Precedence;
use kernel::{Actor, Fact, Timestamp};
use serde_json::Value as Json;
use store::{Deadline, Delivery, Due, HandlerError, Subscriber};

use super::words::Sentence;
use super::{FULFILMENT, Message, Notice, REMINDER, Value, delivered, fulfilment};
use crate::activation::{self, Activation, ActivationState};
use crate::approver::Via;
use crate::assignment::Target;
use crate::error::Error;
use crate::person;
use crate::request::{self, Request, RequestState, Seat};
use crate::review::{self, Campaign, CampaignState, ItemState};
use crate::room::{Identity, Turn};

const DAY_US: i64 = 86_400_000_000;
/// A campaign reminds so long before its end, or at half its time.
const BEFORE_END_US: i64 = 3 * DAY_US;

pub(super) struct Notices {
    pub(super) identity: Identity,
}

#[async_trait]
impl Subscriber for Notices {
    fn name(&self) -> &'static str {
        "identity.notices"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["request-changed", "activation-changed", "campaign-changed", "deadline-expired", "message-delivery"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        if let Fact::DeadlineExpired { kind, .. } = &delivery.fact
            && kind != REMINDER
            && kind != FULFILMENT
        {
            return Ok(());
        }
        let mut turn = self.identity.turn(&Actor::system("identity"), "people are told").await?;
        if turn.tx.acknowledge(delivery).await? {
            hear(&mut turn, &delivery.fact).await?;
            // Also where nobody new is told: what is promised next, or taken back, is kept with this entry.
            if !matches!(delivery.fact, Fact::MessageDelivery(_)) {
                turn.record("notice.look", delivery.fact.topic(), Json::Null, Json::Null);
            }
            turn.finish().await?;
        }
        Ok(())
    }
}

async fn hear(turn: &mut Turn, fact: &Fact) -> Result<(), Error> {
    match fact {
        Fact::RequestChanged { request, .. } => request_changed(turn, *request).await,
        Fact::ActivationChanged { activation, .. } => activation_changed(turn, *activation, false).await,
        Fact::CampaignChanged { campaign, .. } => campaign_changed(turn, *campaign, false).await,
        Fact::MessageDelivery(news) => delivered(turn, news).await,
        Fact::DeadlineExpired { kind, subject, .. } if kind == FULFILMENT => match subject.parse::<RequestId>() {
            Ok(id) => fulfilment::look(turn, id).await,
            Err(_) => Ok(()),
        },
        Fact::DeadlineExpired { subject, .. } => remind(turn, subject).await,
        _ => Ok(()),
    }
}

/// Half the time is over, or the end is near.
async fn remind(turn: &mut Turn, subject: &str) -> Result<(), Error> {
    if let Ok(id) = subject.parse::<RequestId>() {
        return request_reminds(turn, id).await;
    }
    if let Ok(id) = subject.parse::<ActivationId>() {
        return activation_changed(turn, id, true).await;
    }
    match subject.parse::<CampaignId>() {
        Ok(id) => campaign_changed(turn, id, true).await,
        Err(_) => Ok(()),
    }
}

async fn remind_at(turn: &mut Turn, subject: &str, at: Timestamp) -> Result<(), Error> {
    let deadline = Deadline {
        kind: REMINDER.to_owned(),
        subject: subject.to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::At(at),
        otherwise: "who has not answered is told once more".to_owned(),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

async fn name(turn: &mut Turn, id: PersonId) -> Result<Value, Error> {
    Ok(Value::Text(person::must(&mut turn.tx, id).await?.sheet.display_name()))
}

/// What is asked for, in words of the language that it was asked in.
pub(super) fn what(request: &Request) -> Value {
    Value::Text(request.parts.iter().map(|part| part.title.as_str()).collect::<Vec<_>>().join(", "))
}

/// Seats of the open stage that nobody decided on, with their places.
fn waiting(request: &Request) -> Vec<(usize, usize, &Seat)> {
    let Some(place) = request.open_stage().filter(|_| request.state.is_open()) else { return Vec::new() };
    let seats = request.stages[place].seats.iter().enumerate();
    seats.filter(|(_, seat)| seat.decision.is_none()).map(|(number, seat)| (place, number, seat)).collect()
}

async fn request_changed(turn: &mut Turn, id: RequestId) -> Result<(), Error> {
    let request = request::find(&mut turn.tx, id).await?;
    let about = id.to_string();
    let asked: Vec<PersonId> =
        waiting(&request).iter().filter_map(|(_, _, seat)| seat.holder()).map(|one| one.person).collect();
    let is_replaced = |notice: &Notice| notice.kind == Sentence::RequestReplaced.as_str();
    turn.unsend(&about, |notice: &Notice| asked.contains(&notice.person) || is_replaced(notice)).await?;
    if !request.state.is_open() {
        turn.tx.cancel_deadline(REMINDER, &about).await?;
        return request_closed(turn, &request).await;
    }
    tell_replaced(turn, &request).await?;
    let mut is_new = false;
    for (place, number, person) in holders(&request) {
        let key = format!("{place}/{number}/{person}");
        is_new |= ask_for(turn, &request, place, person, key, Sentence::RequestAsk).await?;
    }
    if is_new && let Some(due) = request.open_stage().and_then(|place| request.stages[place].due) {
        let now = turn.now();
        remind_at(turn, &about, now.plus_micros((due.micros() - now.micros()) / 2)).await?;
    }
    Ok(())
}

/// Who was to decide, and in whose place somebody was appointed, hears who it is.
async fn tell_replaced(turn: &mut Turn, request: &Request) -> Result<(), Error> {
    let about = request.id.to_string();
    for (place, number, seat) in waiting(request) {
        let Some(appointed) = seat.holder().filter(|holder| holder.via == Via::Appointment) else { continue };
        let Some(to) = appointed.instead_of else { continue };
        let instead = name(turn, appointed.person).await?;
        let person = name(turn, request.person).await?;
        let values = vec![("what", what(request)), ("person", person), ("instead", instead)];
        let key = format!("{place}/{number}/{to}/replaced/{}", appointed.person);
        let (sentence, precedence) = (Sentence::RequestReplaced, Precedence::Routine);
        turn.send(Message { about: &about, key, sentence, to, language: None, values, precedence, expires: None })
            .await?;
    }
    Ok(())
}

fn holders(request: &Request) -> Vec<(usize, usize, PersonId)> {
    let of_seat = |(place, number, seat): (usize, usize, &Seat)| Some((place, number, seat.holder()?.person));
    waiting(request).into_iter().filter_map(of_seat).collect()
}

async fn ask_for(
    turn: &mut Turn,
    request: &Request,
    place: usize,
    to: PersonId,
    key: String,
    sentence: Sentence,
) -> Result<bool, Error> {
    let due = request.stages[place].due.unwrap_or(turn.now());
    let (requester, person) = (name(turn, request.requester).await?, name(turn, request.person).await?);
    let values = vec![("what", what(request)), ("person", person), ("requester", requester), ("due", Value::Time(due))];
    let about = request.id.to_string();
    turn.send(Message {
        about: &about,
        key,
        sentence,
        to,
        language: None,
        values,
        precedence: Precedence::Routine,
        expires: Some(due),
    })
    .await
}

async fn request_reminds(turn: &mut Turn, id: RequestId) -> Result<(), Error> {
    let request = request::find(&mut turn.tx, id).await?;
    for (place, number, person) in holders(&request) {
        let key = format!("{place}/{number}/{person}/remind");
        ask_for(turn, &request, place, person, key, Sentence::RequestRemind).await?;
    }
    Ok(())
}

/// Who asked, and whom it is for, hear how it ended.
async fn request_closed(turn: &mut Turn, request: &Request) -> Result<(), Error> {
    let sentence = match request.state {
        RequestState::Granted => Sentence::RequestGranted,
        RequestState::Refused => Sentence::RequestRefused,
        RequestState::Lapsed => Sentence::RequestLapsed,
        RequestState::Blocked => Sentence::RequestBlocked,
        RequestState::Pending | RequestState::Withdrawn => return Ok(()),
    };
    if request.state == RequestState::Granted {
        fulfilment::begin(turn, request).await?;
    }
    let because = Value::Text(request.closed_because.clone().unwrap_or_default());
    tell_both(turn, request, sentence, ("because", because)).await
}

/// Tells whoever asked, in the language of the request, and whom it is for.
pub(super) async fn tell_both(
    turn: &mut Turn,
    request: &Request,
    sentence: Sentence,
    (word, value): (&'static str, Value),
) -> Result<(), Error> {
    let about = request.id.to_string();
    let Value::Text(said) = value else { return Ok(()) };
    for to in std::collections::BTreeSet::from([request.requester, request.person]) {
        let person = name(turn, request.person).await?;
        let values = vec![("what", what(request)), ("person", person), (word, Value::Text(said.clone()))];
        let language = (to == request.requester).then_some(request.language.as_str());
        let key = format!("{sentence}/{to}");
        let precedence = Precedence::Routine;
        turn.send(Message { about: &about, key, sentence, to, language, values, precedence, expires: None }).await?;
    }
    Ok(())
}

async fn activation_changed(turn: &mut Turn, id: ActivationId, remind: bool) -> Result<(), Error> {
    let activation = activation::find(&mut turn.tx, id).await?;
    let about = id.to_string();
    let to = activation.person;
    let title = title_of(turn, &activation)?;
    let mut values = vec![("what", Value::Text(title)), ("person", name(turn, to).await?)];
    let sentence = match activation.state {
        ActivationState::Waiting => return ask_to_activate(turn, &activation, remind).await,
        // What began by itself, nobody has to be told that asked for it this moment.
        ActivationState::Active if activation.decided_by.is_some() => Sentence::ActivationActive,
        ActivationState::Refused => Sentence::ActivationRefused,
        ActivationState::Void => Sentence::ActivationVoid,
        ActivationState::Active | ActivationState::Ending | ActivationState::Ended | ActivationState::NotRevoked => {
            return Ok(());
        }
    };
    turn.unsend(&about, |_| false).await?;
    turn.tx.cancel_deadline(REMINDER, &about).await?;
    values.push(("because", Value::Text(activation.comment.clone().unwrap_or_default())));
    values.push(("until", Value::Time(activation.until.unwrap_or(turn.now()))));
    let (key, precedence) = (sentence.to_string(), Precedence::Immediate);
    let expires = activation.until;
    turn.send(Message { about: &about, key, sentence, to, language: None, values, precedence, expires }).await.map(drop)
}

fn title_of(turn: &Turn, activation: &Activation) -> Result<String, Error> {
    let policy = &turn.known.policy;
    Ok(match activation.target()? {
        Target::Role(key) => policy.roles.get(&key).map_or(key, |role| role.title.clone()),
        Target::Entitlement(id) => {
            turn.known.catalog.entitlement(id).map_or_else(|| id.to_string(), |one| one.grant().to_string())
        }
    })
}

/// Whoever should agree is told at once; at half the window they are told again, and those who stand in for them, too.
async fn ask_to_activate(turn: &mut Turn, activation: &Activation, remind: bool) -> Result<(), Error> {
    let window = activation.window.unwrap_or(turn.now());
    let about = activation.id.to_string();
    let title = title_of(turn, activation)?;
    let first = activation.candidates.first().map(|one| one.person);
    let known = super::about_in(&mut turn.tx, &about).await?;
    let mut is_new = false;
    for candidate in &activation.candidates {
        let to = candidate.person;
        if candidate.via == Via::Fallback && Some(to) != first && !remind {
            continue;
        }
        let again = remind && known.iter().any(|notice| notice.person == to);
        let sentence = if again { Sentence::ActivationRemind } else { Sentence::ActivationAsk };
        let values = vec![
            ("what", Value::Text(title.clone())),
            ("person", name(turn, activation.person).await?),
            ("hours", Value::Text(activation.hours.to_string())),
            ("due", Value::Time(window)),
        ];
        let (key, precedence) = (format!("{sentence}/{to}"), Precedence::Immediate);
        let expires = Some(window);
        is_new |= turn
            .send(Message { about: &about, key, sentence, to, language: None, values, precedence, expires })
            .await?;
    }
    if is_new && !remind {
        let now = turn.now();
        remind_at(turn, &about, now.plus_micros((window.micros() - now.micros()) / 2)).await?;
    }
    Ok(())
}

/// One message to each reviewer, however many accesses wait for them.
async fn campaign_changed(turn: &mut Turn, id: CampaignId, remind: bool) -> Result<(), Error> {
    let campaign = review::find_campaign(&mut turn.tx, id).await?;
    let about = id.to_string();
    if campaign.state != CampaignState::Open {
        turn.tx.cancel_deadline(REMINDER, &about).await?;
        return turn.unsend(&about, |_| false).await;
    }
    let mut counts: BTreeMap<PersonId, usize> = BTreeMap::new();
    for item in review::items_of(&mut turn.tx, id).await? {
        if let (ItemState::Open, Some(reviewer)) = (item.state, item.reviewer) {
            *counts.entry(reviewer).or_default() += 1;
        }
    }
    let mut is_new = false;
    for (to, count) in counts {
        is_new |= ask_to_review(turn, &campaign, to, count, remind).await?;
    }
    let now = turn.now();
    let left_us = campaign.plan.due.micros() - now.micros();
    if is_new && !remind && left_us > 0 {
        let at = campaign.plan.due.plus_micros(-BEFORE_END_US.min(left_us / 2));
        remind_at(turn, &about, at).await?;
    }
    Ok(())
}

async fn ask_to_review(
    turn: &mut Turn,
    campaign: &Campaign,
    to: PersonId,
    count: usize,
    remind: bool,
) -> Result<bool, Error> {
    let due = campaign.plan.due;
    let (sentence, key) = match remind {
        // A campaign that was prolonged reminds once more.
        true => (Sentence::ReviewRemind, format!("{to}/remind/{}", due.micros())),
        false => (Sentence::ReviewAsk, format!("{to}/ask")),
    };
    let values = vec![
        ("title", Value::Text(campaign.plan.title.clone())),
        ("count", Value::Text(count.to_string())),
        ("due", Value::Time(due)),
    ];
    let about = campaign.id.to_string();
    let (precedence, expires) = (Precedence::Routine, Some(due));
    turn.send(Message { about: &about, key, sentence, to, language: None, values, precedence, expires }).await
}
