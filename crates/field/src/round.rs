//! Radio checks: a roster is called, and who was not heard is known by name.

use kernel::id::RoundId;
use kernel::{Timestamp, words};
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Read, Row, params};

use crate::alarm::{self, AlarmKind, Cause};
use crate::error::{Error, Refusal};
use crate::finding::Finding;
use crate::line::{CheckCall, CheckLine, Hearing};
use crate::register::{Directory, Holder};
use crate::room::{Field, Turn, next_number};
use crate::speech::{Sentence, say};
use crate::{equipment, sql};

/// Kinds of radio checks.
pub const KINDS: &[&str] = &["staff", "serviceability", "daily", "incident"];
/// The end of a round (subject: the round).
pub const ROUND: &str = "field.round";
/// A round is over by then, or somebody is asked.
const LONGEST_US: i64 = 45 * 60_000_000;
const MOST: u32 = 500;

words! {
    /// Where a round stands.
    RoundState {
        Open = "open",
        Ended = "ended",
        /// The base or a repeater failed: who was not heard is not to blame.
        Fault = "fault",
    }
}

/// A round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub id: RoundId,
    /// Counts up from 1.
    pub number: i64,
    pub kind: String,
    pub network: Option<String>,
    pub state: RoundState,
    /// What failed.
    pub fault: Option<String>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
}

/// Somebody on the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundCall {
    pub sign: String,
    pub name: String,
    pub organisation: Option<String>,
    /// `None`: not called yet.
    pub hearing: Option<Hearing>,
    pub attempts: i64,
    pub at: Option<Timestamp>,
}

impl Round {
    /// `RC-0042`.
    pub fn label(&self) -> String {
        format!("RC-{:04}", self.number)
    }
}

impl Field {
    /// Rounds, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn rounds(&self, limit: u32) -> Result<Vec<Round>, Error> {
        self.store.fetch_all(&sql::ROUNDS, params![limit.min(MOST)]).await?.iter().map(round).collect()
    }

    /// The roster of a round, by sign.
    ///
    /// # Errors
    /// [`Error::NotFound`], besides.
    pub async fn roster(&self, id: RoundId) -> Result<(Round, Vec<RoundCall>), Error> {
        let row = self.store.fetch_optional(&sql::ROUND, params![id]).await?;
        let found = row.map(|row| round(&row)).transpose()?.ok_or_else(|| Error::missing("round", id))?;
        let rows = self.store.fetch_all(&sql::ROSTER, params![id]).await?;
        Ok((found, rows.iter().map(call).collect::<Result<_, _>>()?))
    }
}

/// Carries out a line of a radio check, and tells what followed.
pub(crate) async fn enter(turn: &mut Turn, line: &CheckLine, at: Timestamp) -> Result<Vec<Sentence>, Error> {
    let open = open(&mut turn.tx).await?;
    match (line, open) {
        (CheckLine::Start { .. }, Some(open)) => {
            Err(Refusal::rule(say!("{label} is not over: `rc end` first", label = open.label())).into())
        }
        (CheckLine::Start { kind, network }, None) => {
            let word = |word: &Option<crate::line::Word>| word.as_ref().map(|word| word.text.clone());
            start(turn, word(kind), word(network), at).await
        }
        (_, None) => Err(Refusal::rule(say!("no radio check is open: `rc start` first")).into()),
        (CheckLine::Calls(calls), Some(open)) => note_calls(turn, &open, calls, at).await,
        (CheckLine::Fault(what), Some(open)) => end(turn, open, Some(what.text.clone()), at).await,
        (CheckLine::End, Some(open)) => end(turn, open, None, at).await,
    }
}

async fn start(
    turn: &mut Turn,
    kind: Option<String>,
    network: Option<String>,
    at: Timestamp,
) -> Result<Vec<Sentence>, Error> {
    let kind = kind.unwrap_or_else(|| KINDS[0].to_owned()).to_lowercase();
    if !KINDS.contains(&kind.as_str()) {
        return Err(Refusal::bad("kind", say!("`{kind}` is none of {kinds}", kind, kinds = KINDS)).into());
    }
    let network = network.map(|network| network.to_uppercase());
    let roster: Vec<Holder> = turn.directory.holders(turn.now(), network.as_deref());
    if roster.is_empty() {
        return Err(Refusal::rule(nobody_on(network.as_deref())).into());
    }
    let number = next_number(&mut turn.tx, "round").await?;
    let (state, fault, ended) = (RoundState::Open, None, None);
    let round = Round { id: turn.tx.id(), number, kind, network, state, fault, started: at, ended };
    let row = params![round.id, number, &round.kind, round.network.clone(), round.state.as_str(), round.started];
    turn.tx.execute(&sql::INSERT_ROUND, row).await?;
    for holder in &roster {
        let organisation = holder.organisation.clone();
        let row = params![round.id, &holder.sign, &holder.kind, &holder.key, &holder.name, organisation];
        turn.tx.execute(&sql::INSERT_CALL, row).await?;
    }
    let deadline = Deadline {
        kind: ROUND.to_owned(),
        subject: round.id.to_string(),
        owes: "role:desk".to_owned(),
        due: Due::After(LONGEST_US),
        otherwise: format!("{} is still open: ask", round.label()),
    };
    turn.tx.deadline(deadline).await?;
    turn.record("round.start", round.id, Json::Null, json!({ "number": number, "roster": roster.len() }));
    Ok(vec![say!("{label}: {count} on the roster", label = round.label(), count = roster.len())])
}

/// Nobody can be called.
pub(crate) fn nobody_on(network: Option<&str>) -> Sentence {
    match network {
        Some(network) => say!("nobody has a call sign on {network}", network),
        None => say!("nobody has a call sign"),
    }
}

/// A sign may be said by its end, when only one on the roster ends so.
fn meant<'a>(roster: &'a [RoundCall], said: &str) -> Result<&'a RoundCall, Sentence> {
    let said = said.to_uppercase();
    if let Some(call) = roster.iter().find(|call| call.sign == said) {
        return Ok(call);
    }
    let ending: Vec<&RoundCall> = roster.iter().filter(|call| call.sign.ends_with(&said)).collect();
    match ending.as_slice() {
        [one] => Ok(one),
        [] => Err(say!("{said} is not on the roster", said)),
        several => {
            let signs: Vec<&str> = several.iter().map(|call| call.sign.as_str()).collect();
            Err(say!("{said} may be {signs}: say which", said, signs = either(&signs)))
        }
    }
}

/// One of several.
fn either(signs: &[&str]) -> Sentence {
    let signs = signs.iter().map(|sign| Sentence::from(*sign));
    signs.reduce(|before, next| say!("{before} or {next}", before, next)).unwrap_or_default()
}

/// Signs that are said and are not on the roster of a round, or may be several of it.
pub(crate) async fn unknown_calls(
    read: &mut impl Read,
    open: &Round,
    calls: &[CheckCall],
) -> Result<Vec<Finding>, Error> {
    Ok(unknown_in(&roster_in(read, open.id).await?, calls))
}

fn unknown_in(roster: &[RoundCall], calls: &[CheckCall]) -> Vec<Finding> {
    let wrong = calls.iter().filter_map(|said| Some((said, meant(roster, &said.sign.text).err()?)));
    wrong.map(|(said, problem)| Finding::error("FLD0103", said.sign.span, problem)).collect()
}

async fn note_calls(turn: &mut Turn, open: &Round, calls: &[CheckCall], at: Timestamp) -> Result<Vec<Sentence>, Error> {
    let roster = roster_in(&mut turn.tx, open.id).await?;
    let findings = unknown_in(&roster, calls);
    if !findings.is_empty() {
        return Err(Error::Line(findings));
    }
    let noted = calls.iter().filter_map(|said| Some((meant(&roster, &said.sign.text).ok()?, said.hearing)));
    let noted: Vec<(&RoundCall, Hearing)> = noted.collect();
    let mut outcome = Vec::new();
    for (call, hearing) in noted {
        turn.tx.execute_one(&sql::NOTE_CALL, params![open.id, &call.sign, hearing.as_str(), at]).await?;
        if call.hearing == Some(Hearing::NotHeard) && hearing != Hearing::NotHeard {
            outcome.push(say!("{sign} was heard at the second attempt", sign = call.sign));
        }
    }
    let left = roster_in(&mut turn.tx, open.id).await?.iter().filter(|call| call.hearing.is_none()).count();
    outcome.push(say!("{label}: {left} not called yet", label = open.label(), left));
    Ok(outcome)
}

async fn end(turn: &mut Turn, open: Round, fault: Option<String>, at: Timestamp) -> Result<Vec<Sentence>, Error> {
    let roster = roster_in(&mut turn.tx, open.id).await?;
    let state = if fault.is_some() { RoundState::Fault } else { RoundState::Ended };
    turn.tx.execute_one(&sql::END_ROUND, params![open.id, state.as_str(), fault.clone(), at]).await?;
    turn.tx.keep_deadline(ROUND, &open.id.to_string()).await?;
    alarm::close_about(turn, &open.id.to_string(), say!("the radio check is over")).await?;
    let of = |hearing: Option<Hearing>| -> Vec<String> {
        let calls = roster.iter().filter(|call| call.hearing == hearing);
        calls.map(|call| format!("{} ({})", call.sign, call.name)).collect()
    };
    let (silent, uncalled) = (of(Some(Hearing::NotHeard)), of(None));
    let heard = roster.len() - silent.len() - uncalled.len();
    turn.record("round.end", open.id, Json::Null, json!({ "heard": heard, "roster": roster.len(), "fault": fault }));
    let mut outcome =
        vec![say!("{label}: {heard} of {count} heard", label = open.label(), heard, count = roster.len())];
    match fault {
        Some(what) => {
            outcome.push(say!("{what} at fault: nobody is blamed, call again when it works", what));
            outcome.extend(
                equipment::fault(turn, &what, &say!("{what} failed in {label}", what, label = open.label())).await?,
            );
        }
        None if heard == roster.len() => outcome.push(say!("everybody was heard")),
        None => {
            if !silent.is_empty() {
                outcome.push(say!("not heard: {signs}", signs = silent));
            }
            if !uncalled.is_empty() {
                outcome.push(say!("not called: {signs}", signs = uncalled));
            }
        }
    }
    Ok(outcome)
}

/// A round was open for too long.
pub(crate) async fn overdue(turn: &mut Turn, id: RoundId, due: Timestamp, while_down: bool) -> Result<(), Error> {
    let Some(open) = open(&mut turn.tx).await?.filter(|open| open.id == id) else { return Ok(()) };
    let title = say!("{label} is still open: `rc end`, or go on", label = open.label());
    let (kind, subject) = (AlarmKind::RoundOpen, id.to_string());
    let cause = Cause { kind, subject, title, missed: due, while_down, tell: Vec::new() };
    alarm::raise(turn, cause, None).await.map(drop)
}

/// Signs that are likely to be said next: of missions on the road, and those of the open round who are not called yet.
pub(crate) async fn on_air(read: &mut impl Read, directory: &Directory, now: Timestamp) -> Result<Vec<String>, Error> {
    let mut signs = Vec::new();
    for mission in crate::mission::open_in(read).await? {
        signs.extend(mission.leader.iter().chain(&mission.deputy).cloned());
        signs.extend(mission.on_the_way().filter_map(|one| directory.sign_of("vehicle", &one.vehicle, now)));
    }
    if let Some(open) = open(read).await? {
        let roster = roster_in(read, open.id).await?;
        signs.extend(roster.into_iter().filter(|call| call.hearing.is_none()).map(|call| call.sign));
    }
    Ok(signs)
}

pub(crate) async fn open(read: &mut impl Read) -> Result<Option<Round>, Error> {
    read.rows(&sql::OPEN_ROUND, params![]).await?.first().map(round).transpose()
}

async fn roster_in(read: &mut impl Read, id: RoundId) -> Result<Vec<RoundCall>, Error> {
    read.rows(&sql::ROSTER, params![id]).await?.iter().map(call).collect()
}

fn round(row: &Row) -> Result<Round, Error> {
    Ok(Round {
        id: row.id("id")?,
        number: row.int("number")?,
        kind: row.text("kind")?.to_owned(),
        network: row.text_opt("network")?.map(str::to_owned),
        state: row.parse("state")?,
        fault: row.text_opt("fault")?.map(str::to_owned),
        started: row.time("started_us")?,
        ended: row.time_opt("ended_us")?,
    })
}

fn call(row: &Row) -> Result<RoundCall, Error> {
    let hearing = row.text_opt("hearing")?.is_some();
    Ok(RoundCall {
        sign: row.text("sign")?.to_owned(),
        name: row.text("holder_name")?.to_owned(),
        organisation: row.text_opt("organisation")?.map(str::to_owned),
        hearing: if hearing { Some(row.parse("hearing")?) } else { None },
        attempts: row.int("attempts")?,
        at: row.time_opt("at_us")?,
    })
}
