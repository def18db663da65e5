//! A line of the duty log, carried out: the entry and everything that follows from it, in one transaction.

use kernel::fact::{DuressUsed, IncidentReported, PersonUnderDuress};
use kernel::id::LogEntryId;
use kernel::{Actor, Fact, Severity, Timestamp};
use sha2::{Digest, Sha256};

use crate::alarm::{self, AlarmKind, Call, Cause, Concerned};
use crate::draft::{self, DraftKey};
use crate::duress;
use crate::earnest::is_meant;
use crate::error::{Error, Refusal};
use crate::finding::Finding;
use crate::line::{self, Act, Completion, CountLine, IncidentLine, Line, Place, Safety, Statement, Word};
use crate::log::{self, LogEntry, NewEntry};
use crate::mission::{self, Command, ContactState, Mission, MissionState, Reporter, decide};
use crate::position::aged;
use crate::register::{Directory, Holder};
use crate::room::{Field, Turn};
use crate::speech::{Sentence, say};
use crate::traffic::{command, spoken};
use crate::{correct, custody, equipment, headcount, hindrance, possible, report, reporter, round};

/// Traffic so long after the end of a mission is a surprise.
const SURPRISE_US: i64 = 24 * 3_600 * 1_000_000;

/// What a line means, before Enter.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub meaning: Sentence,
    pub usable: bool,
    pub findings: Vec<Finding>,
    pub completions: Vec<Completion>,
}

/// A line that is to be entered.
#[derive(Debug, Clone, Copy)]
pub struct Entering<'a> {
    pub line: &'a str,
    /// The sender's own name for it: for lines that were typed without a link.
    pub key: Option<&'a str>,
    /// The draft that it was.
    pub draft: Option<&'a DraftKey>,
    /// When it was typed, for one that waited for a link. A time that it says is told from there, and where it says none, it
    /// happened then. What lies ahead of this clock is taken as now.
    pub typed: Option<Timestamp>,
}

impl Field {
    /// Reads a line without entering it; proposals are for the byte offset.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn read_line(&self, text: &str, offset: usize) -> Result<Reading, Error> {
        let (directory, now) = (self.directory().await?, self.now());
        let mut line = line::parse(text, &|word| directory.knows_sign(word));
        let happened = possible::check(&mut line, text, &directory, now);
        let mut read = self.store.clone();
        line.findings.extend(possible::hindrances(&mut read, &directory, &line, happened.unwrap_or(now), false).await?);
        let on_air = round::on_air(&mut read, &directory, now).await?;
        Ok(Reading {
            meaning: line::echo(&line, &directory, happened, now),
            usable: line.is_usable(),
            completions: line::complete(text, offset, &directory, &on_air, now),
            findings: line.findings,
        })
    }

    /// Enters a line. It is durable when this returns.
    ///
    /// # Errors
    /// [`Error::Line`] with findings and their places, [`Error::Refused`] when what it says is not possible now; the
    /// line is not entered then.
    pub async fn enter(&self, text: &str, actor: &Actor) -> Result<LogEntry, Error> {
        self.enter_as(&Entering { line: text, key: None, draft: None, typed: None }, actor).await
    }

    /// The same, once however often it comes with that key from the same person: the first entry is the answer then. The
    /// draft that it was is no more.
    ///
    /// # Errors
    /// As [`Field::enter`]; [`Error::Refused`] when the key was that of another line.
    pub async fn enter_as(&self, entering: &Entering<'_>, actor: &Actor) -> Result<LogEntry, Error> {
        let entered = match self.turn(actor, "").await {
            Ok(turn) => self.enter_in(turn, entering, actor).await,
            Err(error) => Err(error),
        };
        match entered {
            Err(error) if error.is_disk_full() && calls_for_help(entering.line) && self.store.spend_reserve() => {
                self.enter_in(self.urgent_turn(actor, "").await?, entering, actor).await
            }
            entered => entered,
        }
    }

    async fn enter_in(&self, mut turn: Turn, entering: &Entering<'_>, actor: &Actor) -> Result<LogEntry, Error> {
        let cleared = duress::clear(&mut turn.tx, entering.line).await?;
        if let Some(draft) = entering.draft {
            draft::entered(&mut turn.tx, draft, actor).await?;
        }
        let id = entering.key.map(|key| id_of(key, actor));
        if let Some(id) = id
            && let Some(entered) = log::find(&mut turn, id).await?
        {
            return same_line(entered, &line::without_unseen(cleared.line.trim()));
        }
        let (directory, now) = (turn.directory.clone(), turn.now());
        let typed = entering.typed.map(|typed| typed.min(now));
        let (line, happened) = usable(&mut turn, &cleared.line, typed).await?;
        let mut entry = NewEntry {
            id,
            kind: line.statement.kind(),
            happened,
            line: line::without_unseen(cleared.line.trim()),
            meaning: line::echo(&line, &directory, happened, now),
            outcome: line.findings.iter().map(|finding| finding.message.clone()).collect(),
            ..NewEntry::default()
        };
        let what = Happened { at: happened.unwrap_or(now), said: happened };
        let waited = typed.is_some();
        let line = match &line.statement {
            Statement::Correction { number, text } => {
                correct::enter(&mut turn, &mut entry, *number, &text.text).await?.unwrap_or(line)
            }
            _ => {
                carry_out(&mut turn, &mut entry, &line, what, waited).await?;
                line
            }
        };
        let holder = entry.holder.clone();
        let entry = turn.log(entry).await?;
        match &line.statement {
            Statement::Incident(incident) => turn.tx.emit(reported(&entry, incident, &turn.directory)),
            Statement::Misuse { sign, what } => equipment::misuse(&mut turn, &entry, &sign.text, &what.text).await?,
            _ => {}
        }
        if let Some(said) = cleared.said {
            let counted = match &line.statement {
                Statement::Count(CountLine::Answer { who, .. }) => headcount::person_meant(&turn, who, what.at),
                _ => None,
            };
            raise_silently(&mut turn, &entry, holder.as_ref(), said, counted.as_deref()).await?;
        }
        turn.finish().await?;
        Ok(entry)
    }
}

/// What a line says is done.
pub(crate) async fn carry_out(
    turn: &mut Turn,
    entry: &mut NewEntry,
    line: &Line,
    what: Happened,
    waited: bool,
) -> Result<(), Error> {
    match &line.statement {
        Statement::Traffic { sign, act } => traffic(turn, entry, &sign.text, act, what).await?,
        Statement::Check(check) => entry.outcome.extend(round::enter(turn, check, what.at).await?),
        Statement::Count(count) => entry.outcome.extend(headcount::enter(turn, count, what.at, waited).await?),
        Statement::Situation { report: number, text } => {
            entry.outcome.extend(report::situation(turn, *number, &text.text).await?);
        }
        Statement::Equipment { key, state, level_percent } => {
            let said = line.words.as_ref().map_or("", |words| words.text.as_str());
            let noted = equipment::note(turn, &key.text, *state, *level_percent, said, what.at).await?;
            entry.outcome.extend(noted);
        }
        Statement::Misuse { sign, .. } => {
            entry.sign = Some(sign.text.to_uppercase());
            entry.holder = turn.directory.holder(&sign.text, what.at);
        }
        Statement::Incident(incident) => {
            entry.id = entry.id.or_else(|| Some(turn.tx.id()));
            let outcome = report::open(turn, entry, incident, what.at).await?;
            entry.outcome.extend(outcome);
        }
        Statement::Correction { .. } | Statement::Note => {}
    }
    Ok(())
}

/// A line that can be entered now, and when it happened, if it says so or waited since.
async fn usable(turn: &mut Turn, text: &str, typed: Option<Timestamp>) -> Result<(Line, Option<Timestamp>), Error> {
    let (directory, now) = (turn.directory.clone(), turn.now());
    let mut line = line::parse(text, &|word| directory.knows_sign(word));
    let happened = possible::check(&mut line, text, &directory, typed.unwrap_or(now)).or(typed);
    let at = happened.unwrap_or(now);
    line.findings.extend(possible::hindrances(&mut turn.tx, &directory, &line, at, typed.is_some()).await?);
    if line.is_usable() { Ok((line, happened)) } else { Err(Error::Line(line.findings)) }
}

/// Whether somebody is in need by this line: it is written also when the disk is full.
fn calls_for_help(text: &str) -> bool {
    match line::parse(text, &|_| true).statement {
        Statement::Correction { text, .. } => calls_for_help(&text.text),
        Statement::Traffic { act, .. } => act == Act::Sos,
        Statement::Count(CountLine::Answer { safety, .. }) => safety == Safety::NeedsHelp,
        _ => false,
    }
}

/// The entry that came of a key before. Another line under the same key is not that entry, and must not be lost as it.
fn same_line(entered: LogEntry, line: &str) -> Result<LogEntry, Error> {
    if entered.line == line {
        return Ok(entered);
    }
    let number = entered.number;
    Err(Refusal::rule(say!("this key is that of entry {number}, which is another line: give this one its own", number))
        .into())
}

/// The id of what somebody enters under a key.
fn id_of(key: &str, actor: &Actor) -> LogEntryId {
    let digest = Sha256::digest(format!("field.enter\n{actor}\n{key}"));
    LogEntryId::derived(std::array::from_fn(|at| digest[at]))
}

/// When something happened that is told.
#[derive(Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) at: Timestamp,
    /// As the line says; `None`: now.
    pub(crate) said: Option<Timestamp>,
}

/// What somebody on the net says: for their mission, and for the alarms that it raises or settles.
pub(crate) async fn traffic(
    turn: &mut Turn,
    entry: &mut NewEntry,
    sign: &str,
    act: &Act,
    what: Happened,
) -> Result<(), Error> {
    let sign = sign.to_uppercase();
    let mut holder = turn.directory.holder(&sign, what.at);
    if holder.is_none() && *act == Act::Sos {
        // Whoever has the sign now is likelier in need than nobody.
        holder = turn.directory.holder(&sign, turn.now());
    }
    entry.sign = Some(sign.clone());
    entry.holder.clone_from(&holder);
    let mut missions = match &holder {
        Some(holder) => mission::of_member(&mut turn.tx, &holder.kind, &holder.key).await?,
        None => Vec::new(),
    };
    if missions.iter().all(|one| one.state.is_final()) {
        missions.extend(custody::by_told_sign(&mut turn.tx, &sign).await?);
    }
    let running = running(&missions, &sign, holder.as_ref(), act);
    if let [mission, others @ ..] = running.as_slice() {
        entry.mission = Some(mission.id);
        if !others.is_empty() {
            let also: Vec<String> = others.iter().map(|other| other.label()).collect();
            entry.outcome.push(say!(
                "{sign} is on {also}, too: this counts for {label}",
                sign,
                also,
                label = mission.label()
            ));
        }
        let by = reporter::of(mission, &sign, holder.as_ref(), &turn.directory, what.at);
        let mut notes = on_mission(turn, mission, by, act, what).await?;
        // What was found while it was typed is said once.
        notes.retain(|note| !entry.outcome.contains(note));
        entry.outcome.extend(notes);
        let waits = others.iter().find(|other| other.state == MissionState::Briefed);
        if let Some(waits) = waits.filter(|_| mission.state == MissionState::Arrived && moves(act)) {
            let (label, sign) = (waits.label(), sign.to_lowercase());
            entry.outcome.push(say!("{label} has not departed by the log: if this is it, `{sign} dep`", label, sign));
        }
    } else if let Some(over) = missions.iter().find(|one| is_surprise(one, what.at)) {
        entry.mission = Some(over.id);
        let title =
            say!("{sign} is on the net, but {label} is {state}", sign, label = over.label(), state = over.state);
        let subject = format!("traffic:{}", over.id);
        let cause = Cause { title, ..cause(AlarmKind::UnexpectedTraffic, subject, what.at) };
        if let Some(alarm) = alarm::raise_for(turn, cause, None, over.exercise, Concerned::default()).await? {
            entry.outcome.push(say!("{label} raised: {title}", label = alarm.label(), title = alarm.title));
        }
    }
    if running.is_empty() {
        let unsaid = hindrance::nobody_follows(&sign, act).filter(|note| !entry.outcome.contains(note));
        entry.outcome.extend(unsaid);
    }
    if *act == Act::Sos {
        let mission = running.first().copied();
        let title = match holder {
            Some(holder) => say!("{sign} ({name}) calls for help", sign, name = holder.name),
            None => say!("{sign} calls for help", sign),
        };
        let title = aged(title, what.at, turn.now());
        let cause = Cause { title, ..cause(AlarmKind::Sos, format!("sos:{sign}"), what.at) };
        // Whoever is aboard by any sheet of that sign is concerned.
        let others = running.iter().skip(1).map(|other| alarm::concerned(turn, other));
        let others = others.fold(Concerned::default(), Concerned::and);
        let call = Call { others, earnest: is_meant(&entry.line), ..Call::anew(cause, what.at, false) };
        entry.outcome.push(alarm::call_for_help(turn, call, mission).await?.1);
    }
    Ok(())
}

/// The missions that traffic may be about, the likeliest first.
pub(crate) fn running<'a>(missions: &'a [Mission], sign: &str, holder: Option<&Holder>, act: &Act) -> Vec<&'a Mission> {
    let is_of = |one: &&Mission| !one.state.is_final() && is_aboard(one, sign, holder);
    let mut running: Vec<&Mission> = missions.iter().filter(is_of).collect();
    running.sort_by_key(|one| claim(one, act));
    running
}

/// Which of several missions traffic is about: the smaller, the likelier. A departure is of the one that waits for it; what else
/// is heard, of the one on the road before one that nobody has closed yet.
fn claim(mission: &Mission, act: &Act) -> u8 {
    let state = mission.state;
    let on_the_road = state.is_on_the_road() || (state == MissionState::Arrived && mission.overnight);
    let further_leg = mission.has_further_leg();
    match act {
        Act::Depart(_) if state == MissionState::Briefed => 0,
        Act::Depart(_) if state == MissionState::Arrived && further_leg => 1,
        Act::NotArrived { .. } if mission.is_all_in() || mission.is_part_arrived() => 0,
        _ if on_the_road => 2,
        _ if state == MissionState::Arrived => 3,
        _ => 4,
    }
}

/// Whoever says so is on the way.
fn moves(act: &Act) -> bool {
    matches!(act, Act::At(_) | Act::Position { .. } | Act::Halt(_) | Act::Resume | Act::Depart(_))
}

fn cause(kind: AlarmKind, subject: String, missed: Timestamp) -> Cause {
    Cause { kind, subject, title: Sentence::default(), missed, while_down: false, tell: Vec::new() }
}

fn is_aboard(mission: &Mission, sign: &str, holder: Option<&Holder>) -> bool {
    mission.told_sign(sign).is_some()
        || holder.is_some_and(|holder| match holder.kind.as_str() {
            "person" => mission.aboard().contains(&holder.key.as_str()),
            _ => true,
        })
}

fn is_surprise(mission: &Mission, at: Timestamp) -> bool {
    let recently = mission.ended.is_some_and(|ended| ended <= at && at.micros() - ended.micros() <= SURPRISE_US);
    recently && mission.state == mission::MissionState::Cancelled
}

/// What traffic does to the mission of whoever is heard.
async fn on_mission(
    turn: &mut Turn,
    before: &Mission,
    by: Reporter,
    act: &Act,
    what: Happened,
) -> Result<Vec<Sentence>, Error> {
    if let Some(unsaid) = hindrance::vehicle_unsaid(before, &by, act) {
        return Ok(vec![unsaid]);
    }
    if let Some(early) = what.said.and_then(|at| hindrance::too_early(before, act, at)) {
        return Ok(vec![early]);
    }
    if let Act::Arrive { place: Place::Named(word), .. } = act
        && let Some(elsewhere) = arrives_elsewhere(before, word, &by.sign, &turn.directory)
    {
        let is_there = Act::At(Place::Named(word.clone()));
        let mut notes = Box::pin(on_mission(turn, before, by, &is_there, what)).await?;
        notes.push(elsewhere);
        return Ok(notes);
    }
    let moves_sheet = matches!(act, Act::Arrive { .. } | Act::NotArrived { .. } | Act::Depart(_) | Act::Abandon(_));
    if let Some(room) = before.custody.as_ref().filter(|_| moves_sheet) {
        // Its sheet is what the room says that follows it.
        return Ok(vec![say!("{room} follows {label}: tell them", room, label = before.label())]);
    }
    let question = is_arrival_doubtful(before, &by, act);
    let Some(command) = command(before, by, act, &turn.directory) else {
        return Ok(vec![say!("{label} is {state}: nothing is owed", label = before.label(), state = before.state)]);
    };
    let moment = mission::moment(turn, before, &command, what.said);
    let acted = match decide(before, &command, moment) {
        Ok(mut acted) => {
            if let Command::LeaveVehicle { vehicle, .. } = &command {
                mission::pass_lead(&turn.directory, &mut acted, vehicle, turn.now());
            }
            acted
        }
        // What was heard is logged in any case; what it cannot do is said.
        Err(Refusal::Rule(_)) if matches!(command, Command::Report { .. }) => {
            return Ok([say!("they were heard then, or later")].into_iter().chain(question).collect());
        }
        Err(refusal @ (Refusal::NotNow { .. } | Refusal::Rule(_))) => {
            return Ok([refusal.said()].into_iter().chain(question).collect());
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let settled = mission::write(turn, Some(before), &acted, command.name()).await?;
    let mut notes = acted.notes;
    if matches!(act, Act::Depart(_)) && !matches!(command, Command::Depart) {
        notes.push(say!("{label} is on the road already", label = before.label()));
    }
    notes.extend(question);
    if let Some(room) = &before.custody {
        notes.push(say!("{room} follows {label}: tell them", room, label = before.label()));
    }
    let heard = matches!(acted.mission.contact, ContactState::Ok | ContactState::Regained);
    let owes = acted.contact || matches!(command, Command::NotArrived { .. });
    if let (true, true, Some(due)) = (owes, heard, acted.mission.due) {
        let due = crate::line::both(due, turn.now(), turn.directory.zone());
        notes.push(say!("{label}: next contact by {due}", label = acted.mission.label(), due));
    }
    notes.extend(settled);
    Ok(notes)
}

/// Who is in by the log is heard on the road: a question, for people alone say who is in and who is not.
fn is_arrival_doubtful(mission: &Mission, by: &Reporter, act: &Act) -> Option<Sentence> {
    let moves = moves(act);
    let next_leg = *act == Act::Depart(Place::Unsaid) && mission.has_further_leg();
    let own = mission.convoy.iter().find(|one| Some(&one.vehicle) == by.vehicle.as_ref());
    let (sign, label) = (by.sign.to_lowercase(), mission.label());
    if moves && !next_leg && mission.is_all_in() && !mission.overnight {
        let all = if mission.convoy.len() > 1 { " all" } else { "" };
        return Some(say!("{label} is in by the log: if it is on the road, `{sign} not-arr{all}`", label, sign, all));
    }
    let is_in = moves && mission.is_part_arrived() && own.is_some_and(|one| one.arrived.is_some());
    is_in.then(|| {
        say!("{sign} is in by the log: if it is on the road, `{sign_2} not-arr`", sign = by.sign, sign_2 = sign)
    })
}

/// An arrival at another place than the sheet says is none, and why.
pub(crate) fn arrives_elsewhere(mission: &Mission, word: &Word, sign: &str, directory: &Directory) -> Option<Sentence> {
    let wanted = is_elsewhere(mission, word, directory)?;
    let (said, sign) = (spoken(word, directory), sign.to_lowercase());
    Some(say!(
        "{said} is not {wanted}, where the sheet says they go: no arrival, they are followed on; `{sign} arr same` when everybody is \
         out there, or reroute the mission",
        said,
        wanted,
        sign
    ))
}

/// Where the sheet says that they go, when the place that is said is another. A part of its name will do.
fn is_elsewhere(mission: &Mission, said: &Word, directory: &Directory) -> Option<String> {
    let wanted = mission.destination()?;
    // Whoever gave up goes wherever is best.
    let is_followed = mission.state.is_on_the_road() && mission.state != MissionState::Aborted;
    if said.text.eq_ignore_ascii_case("all") || !is_followed {
        return None;
    }
    let names = |text: &str| -> Vec<String> {
        let record = directory.place(text);
        let of_record = record.map(|record| [record.key.clone(), record.text("name").to_owned()]);
        let all = of_record.into_iter().flatten().chain([text.to_owned()]);
        all.map(|name| crate::spelling::words(&name).into_iter().map(|word| word.letters + " ").collect()).collect()
    };
    let (there, here) = (names(wanted), names(&said.text));
    let same =
        here.iter().any(|one| there.iter().any(|other| other.contains(one.as_str()) || one.contains(other.as_str())));
    (!same).then(|| directory.place(wanted).map_or_else(|| wanted.to_owned(), |record| record.text("name").to_owned()))
}

fn reported(entry: &LogEntry, incident: &IncidentLine, directory: &Directory) -> Fact {
    let said = |word: &Option<Word>| word.as_ref().map(|word| word.text.clone());
    let who = incident.who.as_ref().map(|word| match directory.holder(&word.text, entry.happened) {
        Some(holder) => format!("{} ({})", holder.sign, holder.name),
        None => word.text.clone(),
    });
    Fact::IncidentReported(IncidentReported {
        entry: entry.id,
        who: who.unwrap_or_default(),
        place: said(&incident.place),
        what: format!(
            "{}{}",
            if incident.exercise { "EXERCISE: " } else { "" },
            said(&incident.what).unwrap_or_default()
        ),
        severity: incident.severity.unwrap_or(Severity::High),
        at: entry.happened,
    })
}

/// Nothing of it shows, but to those who are told. A person who is counted is under duress from then on, whatever
/// they say.
pub(crate) async fn raise_silently(
    turn: &mut Turn,
    entry: &LogEntry,
    holder: Option<&Holder>,
    said: duress::Said,
    counted: Option<&str>,
) -> Result<(), Error> {
    let who = match (holder, &entry.sign, counted) {
        (Some(holder), _, _) => format!("{} ({})", holder.sign, holder.name).into(),
        (None, Some(sign), _) => sign.as_str().into(),
        (None, None, Some(person)) => format!("{} ({person})", turn.directory.name("person", person)).into(),
        (None, None, None) => say!("somebody"),
    };
    let title = say!("{who} used a duress word in entry {number}", who, number = entry.number);
    let duress::Said { tell, follows } = said;
    let cause = Cause { title, tell, ..cause(AlarmKind::Duress, format!("duress:{}", entry.id), entry.happened) };
    let alarm = alarm::raise(turn, cause, None).await?;
    if let Some(alarm) = &alarm {
        ask_other_desks(turn, alarm, holder, follows, counted);
    }
    match (alarm, counted) {
        (Some(alarm), Some(person)) => headcount::under_duress(turn, person, alarm.id, entry.happened).await,
        _ => Ok(()),
    }
}

/// What the phrase asks for besides: of the other desks, who say nothing of duress.
fn ask_other_desks(
    turn: &mut Turn,
    alarm: &alarm::Alarm,
    holder: Option<&Holder>,
    follows: duress::Follows,
    counted: Option<&str>,
) {
    let duress::Follows { lock_accounts, open_incident } = follows;
    if !lock_accounts && !open_incident {
        return;
    }
    let held = holder.filter(|holder| holder.kind == "person").map(|holder| holder.key.as_str());
    let person = counted.or(held).map(|key| PersonUnderDuress {
        key: key.to_owned(),
        name: turn.directory.name("person", key),
        email: turn.directory.record("person", key).and_then(|record| record.text_opt("email")),
    });
    let (label, at) = (alarm.label(), turn.now());
    let used = DuressUsed { alarm: alarm.id, label, person, lock_accounts, open_incident, at };
    turn.tx.emit(Fact::DuressUsed(Box::new(used)));
}

/// The mission on which somebody was at an instant: one that is not over, else the one of that time.
pub(crate) async fn mission_of(turn: &mut Turn, holder: &Holder, at: Timestamp) -> Result<Option<Mission>, Error> {
    let missions = mission::of_member(&mut turn.tx, &holder.kind, &holder.key).await?;
    let covers = |one: &&Mission| {
        one.departed.is_some_and(|departed| departed <= at) && one.ended.is_none_or(|ended| at <= ended)
    };
    let of_time = missions.iter().filter(covers).min_by_key(|one| claim(one, &Act::Okay)).cloned();
    Ok(of_time.or_else(|| {
        missions.into_iter().find(|one| !one.state.is_final() && is_aboard(one, &holder.sign, Some(holder)))
    }))
}

/// The mission of somebody that was called off last.
pub(crate) async fn cancelled_of(turn: &mut Turn, holder: &Holder) -> Result<Option<Mission>, Error> {
    let missions = mission::of_member(&mut turn.tx, &holder.kind, &holder.key).await?;
    let called_off = missions.into_iter().filter(|one| one.state == mission::MissionState::Cancelled);
    Ok(called_off.max_by_key(|one| one.ended))
}

/// Somebody or something of the register, under the sign that it holds now; its key where it holds none.
pub(crate) fn holder_by(directory: &Directory, kind: &str, key: &str, now: Timestamp) -> Holder {
    let record = directory.record(kind, key);
    Holder {
        sign: directory.sign_of(kind, key, now).unwrap_or_else(|| key.to_owned()),
        kind: kind.to_owned(),
        key: key.to_owned(),
        name: directory.name(kind, key),
        organisation: record.and_then(|record| record.text_opt("organisation")),
    }
}

/// Whether a sign is theirs to report for: their own, or that of the vehicle in which they sit.
pub(crate) async fn is_theirs(turn: &mut Turn, holder: &Holder, sign: &str, at: Timestamp) -> Result<bool, Error> {
    let Some(held) = turn.directory.holder(sign, at) else { return Ok(false) };
    if (&held.kind, &held.key) == (&holder.kind, &holder.key) {
        return Ok(true);
    }
    let mission = mission_of(turn, holder, at).await?;
    let sits = mission.as_ref().and_then(|mission| reporter::vehicle_of(mission, &holder.sign, Some(holder), at));
    Ok(held.kind == "vehicle" && sits == Some(held.key))
}

/// The sign under which somebody on a mission reports; `None`: they are on none that is followed.
pub(crate) async fn sign_on_mission(turn: &mut Turn, holder: &Holder, at: Timestamp) -> Result<Option<String>, Error> {
    let Some(mission) = mission_of(turn, holder, at).await?.filter(|mission| !mission.state.is_final()) else {
        return Ok(None);
    };
    let vehicle = reporter::vehicle_of(&mission, &holder.sign, Some(holder), at);
    let own = turn.directory.sign_of(&holder.kind, &holder.key, at);
    let of_vehicle = vehicle.and_then(|vehicle| turn.directory.sign_of("vehicle", &vehicle, at));
    Ok(own.or(of_vehicle))
}
