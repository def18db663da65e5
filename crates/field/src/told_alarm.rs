//! A call for help in another room is an alarm at this desk, too: whoever is nearer, or awake, or has a line, helps.
//!
//! Calls of devices are told as they are, and heard as our own are; this is for those that people make there, by voice or
//! message. What was raised here because of another room is told to nobody as a call of ours.

use kernel::Timestamp;
use replica::RecordView;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::alarm::{self, Alarm, AlarmKind, AlarmState, Call, Cause};
use crate::error::Error;
use crate::position::aged;
use crate::room::Turn;
use crate::speech::{Sentence, say};

/// Before the room and the id of the alarm there.
const OF_NODE: &str = "node:";

/// What a call for help needs beside what is told of every alarm.
pub(crate) fn mark(alarm: &Alarm, body: &mut Json) {
    if matches!(alarm.kind, AlarmKind::Sos | AlarmKind::NeedsHelp) {
        let by_device = alarm.subject.starts_with("sos:device:") || alarm.subject.starts_with(OF_NODE);
        body["call"] = json!({ "at": alarm.course.called.unwrap_or(alarm.raised), "drill": alarm.course.drill });
        body["call"]["told_otherwise"] = by_device.into();
    }
}

#[derive(Deserialize)]
struct Told {
    label: String,
    kind: AlarmKind,
    title: String,
    /// The same as code and values; an older program says none.
    #[serde(default)]
    title_said: Option<Sentence>,
    state: AlarmState,
    outcome: Option<String>,
    call: Option<ToldCall>,
}

#[derive(Deserialize)]
struct ToldCall {
    at: Timestamp,
    drill: bool,
    /// As the signal of a device, or by the room where it was made.
    told_otherwise: bool,
}

/// Another room says something of an alarm.
pub(crate) async fn hear(turn: &mut Turn, record: &RecordView) -> Result<(), Error> {
    // An older program says less, or says it otherwise: its calls of devices are heard all the same.
    let Ok(told) = serde_json::from_value::<Told>(record.body.clone()) else { return Ok(()) };
    let Some(call) = told.call.filter(|call| !call.told_otherwise) else { return Ok(()) };
    let subject = format!("{OF_NODE}{}:{}", record.node, record.subject);
    if told.state == AlarmState::Closed {
        let outcome = told.outcome.map_or_else(|| Sentence::word("closed"), Sentence::from);
        if let Some(open) = alarm::open_call(turn, &subject).await? {
            alarm::close_about(turn, &open.subject, say!("closed in {node}: {outcome}", node = record.node, outcome))
                .await?;
        }
        return Ok(());
    }
    let now = turn.now();
    let title = say!(
        "{title} ({label}) in {node}",
        title = Sentence::kept(&told.title, told.title_said),
        label = told.label,
        node = record.node
    );
    let title = aged(title, call.at, now);
    let cause = Cause { kind: told.kind, subject, title, missed: now, while_down: false, tell: Vec::new() };
    let call = Call::anew(cause, call.at.min(now), call.drill);
    alarm::call_for_help(turn, call, None).await.map(drop)
}
