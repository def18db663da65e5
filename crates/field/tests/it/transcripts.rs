//! Runs `specs/*.md`. Each block ```desk is a shift: steps as `12:05 > bf11 dep`, one a line. The block ```told after it
//! holds everything that the room said and logged. `UPDATE_SPECS=1` rewrites the answers.
//!
//! | step | what |
//! |---|---|
//! | `12:00 > LINE` | a line is entered |
//! | `12:00 ? LINE` | a line is read and not entered; `\n`, `\0`, `\u{202e}` stand for what they name |
//! | `12:00 queued -90m LINE` | a line that was typed so long before, without a link |
//! | `12:00 request convoy=UN-1,UN-2 people=P-1:UN-1 area=LOW leader=BF11` | a mission, cleared and briefed; `draft` leaves it a draft |
//! | `12:00 do M1 reroute HIGH` | a command on a mission |
//! | `12:00 ack A1 2 Ana`, `noanswer A1 2`, `close A1` | on an alarm |
//! | `12:00 desk ana take`, `desk ana sign`, `desk beto relieve A-0001` | at the desk |
//! | `12:00 retire person P-9` … `12:00 sign 3621 P-1 P-2` | in the register |
//! | `12:00 down 90` | the program is down for so many minutes |
//! | `12:00 wall -1d` | the wall clock is set wrong by so much |
//! | `12:00 reach` | the office gets telephones, devices, fences and wardens |
//! | `12:00 sms +67077000001 -90m SAFE` | a short message, written so long before; `re:KEY` names the dispatch that it answers |
//! | `12:00 fix T-1 -8.55 125.57 -10m acc=20` | a device's position, so old, so good |
//! | `12:00 device-sos T-1 -6h`, `device-cancel T-1` | a device's call for help, and its cancellation |
//! | `12:00 undeliverable A1 2` | no means carried the message of an attempt |
//! | `12:00 sent` | what was wanted sent since |
//! | `12:00 list adviser` | everybody in the open headcount, as a user sees them |
//! | `12:00 languages`, `languages LINE` | everything that is told now, or a line that is read, in six languages |
//! | `12:00 show` | missions, alarms and pending deadlines |

use std::fmt::Write;

use field::alarm::{Alarm, AlarmCommand, AlarmOrder, AttemptState};
use field::headcount::Tally;
use field::mission::{Command, Leg, Mission, MissionOrder, MissionState, RequestMission};
use field::position::{PositionFilter, Trust};
use field::register::Affiliation;
use field::{DeskCommand, Entering, Follows, LogFilter};
use kernel::{Actor, Fact, Timestamp};
use store::OutboxPort;
use testkit::{TestClock, sqlite};

use crate::languages;
use crate::rig::{self, Rig, Signal, operator};

const MINUTE: i64 = 60_000_000;

struct Desk {
    rig: Rig,
    told: String,
    /// The last entry that was shown.
    shown: i64,
    /// Facts that were looked at for messages.
    looked: i64,
}

/// `\n`, `\0` and `\u{202e}` as what they stand for.
fn written(step: &str) -> String {
    step.replace("\\n", "\n").replace("\\0", "\0").replace("\\u{202e}", "\u{202e}")
}

/// `14:05` on the first day, `+1d 02:00` on the next.
fn instant(day: i64, time: &str) -> Timestamp {
    let (hour, minute) = time.split_once(':').unwrap_or_else(|| panic!("`{time}` is no time"));
    let minutes = hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap();
    TestClock::NOON.plus_micros((day * 24 * 60 + minutes - 12 * 60) * MINUTE)
}

fn clock_text(at: Timestamp) -> String {
    at.to_string()[5..16].replace('T', " ")
}

/// Everything that a shift was told.
async fn told(url: &str, steps: &str) -> String {
    let mut desk = Desk { rig: rig::open(url).await, told: String::new(), shown: 0, looked: 0 };
    for step in steps.lines().filter(|line| !line.trim().is_empty()) {
        writeln!(desk.told, "{step}").unwrap();
        let (day, rest) = match step.strip_prefix("+1d ") {
            Some(rest) => (1, rest),
            None => (0, step),
        };
        let (time, what) = rest.split_once(' ').unwrap_or_else(|| panic!("`{step}` has no step"));
        desk.rig.pass_until(instant(day, time)).await;
        desk.new_entries().await;
        desk.step(what).await;
        desk.rig.work().await;
        desk.new_entries().await;
    }
    assert_eq!(desk.rig.store.verify_ledger().await.unwrap().fault, None);
    desk.told
}

impl Desk {
    fn tell(&mut self, text: impl std::fmt::Display) {
        writeln!(self.told, "    {text}").unwrap();
    }

    fn outcome<T>(&mut self, result: Result<T, field::Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.tell(format!("refused: {error}"));
                None
            }
        }
    }

    async fn new_entries(&mut self) {
        let mut entries = self.rig.field.duty_log(&LogFilter::default(), 200).await.unwrap();
        entries.retain(|entry| entry.number > self.shown);
        for entry in entries.iter().rev() {
            self.shown = entry.number;
            let suspect = if entry.clock_suspect { " (clock suspect)" } else { "" };
            let entered = &clock_text(entry.entered)[6..];
            let text = format!("#{} {entered} {}: {}{suspect}", entry.number, entry.kind, entry.meaning);
            self.tell(text);
            for outcome in &entry.outcome {
                self.tell(format!("    - {outcome}"));
            }
        }
    }

    async fn step(&mut self, what: &str) {
        let words: Vec<&str> = what.split_whitespace().collect();
        match words.as_slice() {
            [">", ..] => {
                let entered = self.rig.enter(&written(what[1..].trim())).await;
                self.outcome(entered);
            }
            ["queued", ago, line @ ..] => {
                let typed = self.rig.store.now().plus_micros(-self::ago(&[ago]));
                let line = line.join(" ");
                let entering = Entering { line: &line, key: None, draft: None, typed: Some(typed) };
                let entered = self.rig.field.enter_as(&entering, &operator()).await;
                self.outcome(entered);
            }
            ["?", ..] => self.read(&written(what[1..].trim_start())).await,
            ["request", options @ ..] => self.request(options).await,
            ["do", mission, command @ ..] => self.command(mission, command).await,
            ["ack", alarm, attempt, name] => {
                let attempt = attempt.parse().unwrap();
                self.on_alarm(alarm, AlarmCommand::Acknowledge { attempt: Some(attempt), name: (*name).to_owned() })
                    .await;
            }
            ["noanswer", alarm, attempt] => {
                self.on_alarm(alarm, AlarmCommand::NoAnswer { attempt: attempt.parse().unwrap() }).await;
            }
            ["close", alarm] => self.on_alarm(alarm, AlarmCommand::Close).await,
            ["desk", who, command @ ..] => self.at_desk(who, command).await,
            ["sign", sign, from, to] => {
                let done = self.rig.assign(sign, Some(from), Some(("person", to))).await;
                self.outcome(done);
            }
            ["presence", person, presence] => self.presence(person, presence).await,
            ["down", minutes] => self.rig.restart(minutes.parse::<u64>().unwrap() * 60_000_000).await,
            ["wall", by] => {
                let minutes: i64 = by.trim_end_matches('m').parse().unwrap();
                self.rig.clock.set_wall(self.rig.store.now().plus_micros(minutes * MINUTE));
            }
            ["show"] => self.show().await,
            _ => self.outside(what, &words).await,
        }
    }

    /// What comes from outside, and what is asked of it.
    async fn outside(&mut self, what: &str, words: &[&str]) {
        match words {
            ["reach"] => self.rig.reach().await,
            ["sms", sender, rest @ ..] => self.sms(sender, rest).await,
            ["fix", device, latitude, longitude, rest @ ..] => self.fix(device, latitude, longitude, rest).await,
            ["device-sos", device, rest @ ..] => self.rig.signal(device, Signal::Call, ago(rest)).await,
            ["device-drill", device, rest @ ..] => self.rig.signal(device, Signal::Drill, ago(rest)).await,
            ["device-cancel", device, rest @ ..] => self.rig.signal(device, Signal::Cancel, ago(rest)).await,
            ["undeliverable", alarm, attempt] => {
                let key = format!("{}/attempt/{attempt}", self.alarm(alarm).await.id);
                self.rig.undeliverable(&key).await;
            }
            ["duress", phrase @ ..] => {
                let tell = vec!["user-adviser".to_owned()];
                let set = self
                    .rig
                    .field
                    .set_duress(&phrase.join(" "), "all well", tell, Follows::default(), &operator(), "agreed")
                    .await;
                self.outcome(set);
            }
            ["affiliate", user, person] => {
                let (user, person) = (format!("user-{user}"), Some((*person).to_owned()));
                let wanted = Affiliation { user, organisation: None, person };
                let done = self.rig.field.affiliate(&wanted, &operator(), "known").await;
                self.outcome(done);
            }
            ["silent", alarm, name] => {
                let adviser = Actor::User("user-adviser".to_owned());
                let alarm = self.alarm(alarm).await;
                let command = AlarmCommand::Acknowledge { attempt: None, name: (*name).to_owned() };
                let (reason, version) = ("seen".to_owned(), alarm.version);
                let order = AlarmOrder { alarm: alarm.id, version, actor: adviser, reason, command };
                let done = self.rig.field.command_alarm(&order).await;
                self.outcome(done);
            }
            ["alarms", user] => {
                let reader = Actor::User(format!("user-{user}"));
                for alarm in self.rig.field.alarms(false, &reader).await.unwrap() {
                    self.tell_alarm(&alarm);
                }
            }
            ["latest"] => {
                for one in self.rig.field.latest_positions(Timestamp::MIN).await.unwrap() {
                    let (place, when) = ((one.fix.latitude, one.fix.longitude), clock_text(one.fix.at));
                    self.tell(format!("{} {} {place:?} {when} {}", one.holder_kind, one.holder, one.trust));
                }
            }
            _ => self.kept(what, words).await,
        }
    }

    /// What happens to records, and lists of what there is.
    async fn kept(&mut self, what: &str, words: &[&str]) {
        match words {
            ["retire", noun, key] => {
                let (_, records) = self.rig.field.records(noun).await.unwrap();
                let record = records.into_iter().find(|record| record.key == *key).unwrap();
                let done = self.rig.field.retire_record(noun, key, record.version, &operator(), "left").await;
                self.outcome(done);
            }
            ["erase", person] => {
                let done = self.rig.field.erase_person(person, &operator(), "past its time").await;
                if let Some(erased) = self.outcome(done) {
                    let (messages, entries, ledger) = (erased.messages, erased.entries, erased.ledger);
                    self.tell(format!("{messages} messages, {entries} entries, {ledger} of the ledger"));
                }
            }
            ["log"] => self.show_log().await,
            ["equipment"] => self.show_equipment().await,
            ["sent"] => self.sent().await,
            ["list", user] => self.list(user).await,
            ["languages", ..] => {
                let told = languages::all(&self.rig, written(what["languages".len()..].trim_start())).await;
                self.told.push_str(&told);
            }
            _ => panic!("`{what}` is no step"),
        }
    }

    async fn show_log(&mut self) {
        for entry in self.rig.field.duty_log(&LogFilter::default(), 200).await.unwrap().into_iter().rev() {
            let holder = entry.holder.map_or(String::new(), |(_, _, name)| name);
            self.tell(format!("#{} {holder}: {} | {}", entry.number, entry.meaning, entry.line));
        }
    }

    async fn show_equipment(&mut self) {
        for one in self.rig.field.equipment().await.unwrap() {
            let state = one.state.map_or("never read", |state| state.as_str());
            let low = if one.power_low { ", power low" } else { "" };
            let doubts: Vec<&str> = one.doubts.iter().map(|doubt| doubt.english()).collect();
            self.tell(format!("{} {state}{low}: {}", one.equipment, doubts.join("; ")));
        }
        for one in self.rig.field.anomalies().await.unwrap() {
            self.tell(format!("{} {}: {}", one.label(), one.title, one.outcome.as_deref().unwrap_or("open")));
        }
    }

    async fn sms(&mut self, sender: &str, rest: &[&str]) {
        let answers = rest.iter().find_map(|word| word.strip_prefix("re:")).map(str::to_owned);
        let options = |word: &&&str| !word.starts_with("re:") && !is_ago(word);
        let text: Vec<&str> = rest.iter().filter(options).copied().collect();
        let answers = match answers {
            Some(person) if person.starts_with("P-") => {
                let open = self.rig.field.headcounts(1).await.unwrap().remove(0);
                Some(format!("{}/person/{person}", open.id))
            }
            Some(attempt) => {
                let (alarm, attempt) = attempt.split_once('.').unwrap();
                Some(format!("{}/attempt/{attempt}", self.alarm(alarm).await.id))
            }
            None => None,
        };
        self.rig.sms(sender, &text.join(" "), ago(rest), answers).await;
    }

    async fn fix(&mut self, device: &str, latitude: &str, longitude: &str, rest: &[&str]) {
        let accuracy = rest.iter().find_map(|word| word.strip_prefix("acc=")).map(|metres| metres.parse().unwrap());
        let place = (latitude.parse().unwrap(), longitude.parse().unwrap());
        self.rig.fix(device, place, ago(rest), accuracy).await;
        for position in self.rig.field.positions(&PositionFilter::default(), 1).await.unwrap() {
            let doubts: Vec<&str> = position.doubts.iter().map(|doubt| doubt.as_str()).collect();
            if position.trust != Trust::Good || !doubts.is_empty() {
                self.tell(format!("{} {}: {}", position.holder, position.trust, doubts.join(" ")));
            }
        }
    }

    /// Messages that the room wanted sent since it was last asked.
    async fn sent(&mut self) {
        for stored in self.rig.store.facts_after(self.looked, 100_000).await.unwrap() {
            self.looked = stored.seq;
            match stored.fact.unwrap() {
                Fact::MessagesRequested { dispatches, .. } => {
                    for one in dispatches {
                        let to: Vec<&str> = one.addresses.iter().map(|address| address.address.as_str()).collect();
                        let secret = if one.secret { " (secret)" } else { "" };
                        let text = one.text.split(" http").next().unwrap_or_default().replace('\n', " / ");
                        self.tell(format!("to {} {}{secret}: {text}", one.recipient, to.join(", ")));
                    }
                }
                Fact::MessagesWithdrawn { keys, reason, .. } => {
                    self.tell(format!("{} withdrawn: {reason}", keys.len()))
                }
                _ => {}
            }
        }
    }

    async fn list(&mut self, user: &str) {
        let open = self.rig.field.headcounts(1).await.unwrap().remove(0);
        let reader = Actor::User(format!("user-{user}"));
        let (_, people) = self.rig.field.counted(open.id, &reader).await.unwrap();
        for one in &people {
            let by = one.answered_by.as_deref().map_or(String::new(), |by| format!(" by {by}"));
            let means = one.means.map_or(String::new(), |means| format!(" ({means})"));
            let duress = if one.duress { " DURESS" } else { "" };
            self.tell(format!("{} {}{by}{means}{duress}", one.person, one.safety));
        }
        self.tell(Tally::of(&people).words(&people));
    }

    async fn read(&mut self, line: &str) {
        let reading = self.rig.field.read_line(line, line.len()).await.unwrap();
        self.tell(format!("means: {}", reading.meaning));
        for finding in &reading.findings {
            let at = line.get(finding.span.start as usize..finding.span.end as usize).unwrap_or("?");
            let help = finding.help.as_deref().map(|help| format!(" | {help}")).unwrap_or_default();
            self.tell(format!("{} `{at}` {}{help}", finding.code, finding.message));
        }
        let next: Vec<String> = reading.completions.iter().map(|one| one.text.clone()).take(8).collect();
        if !next.is_empty() {
            self.tell(format!("next: {}", next.join(" ")));
        }
    }

    async fn request(&mut self, options: &[&str]) {
        let option = |name: &str| {
            options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        let list = |name: &str| -> Vec<String> {
            option(name).map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        let person = |text: String| match text.split_once(':') {
            Some((person, vehicle)) => (person.to_owned(), Some(vehicle.to_owned())),
            None => (text, None),
        };
        let areas = list("area");
        let order = RequestMission {
            title: "School visit".to_owned(),
            legs: (0..).zip(&areas).map(|(at, area)| Leg { corridor: option("corridor"), ..leg(at, area) }).collect(),
            vehicles: list("convoy"),
            people: list("people").into_iter().map(person).collect(),
            leader: option("leader"),
            deputy: option("deputy"),
            planned_departure: option("planned").map(|time| instant(0, &time)),
            exercise: options.contains(&"exercise"),
            actor: operator(),
            reason: "asked for".to_owned(),
        };
        let Some(moved) = ({
            let requested = self.rig.field.request_mission(&order).await;
            self.outcome(requested)
        }) else {
            return;
        };
        if !options.contains(&"draft") {
            let label = moved.mission.number.to_string();
            self.command(&label, &["clear"]).await;
            self.command(&label, &["brief"]).await;
        }
    }

    async fn mission(&self, label: &str) -> Mission {
        let number: i64 = label.trim_start_matches('M').parse().unwrap();
        let missions = self.rig.field.missions(true).await.unwrap();
        missions.into_iter().find(|mission| mission.number == number).unwrap()
    }

    async fn command(&mut self, label: &str, words: &[&str]) {
        let mission = self.mission(label).await;
        let owned = |word: &str| word.to_owned();
        let command = match words {
            ["clear"] => Command::Clear,
            ["brief"] => Command::Brief,
            ["depart"] => Command::Depart,
            ["close"] => Command::Close,
            ["cancel"] => Command::Cancel,
            ["abort"] => Command::Abort,
            ["overnight"] => Command::Arrive { vehicle: None, place: None, overnight: true },
            ["reroute", area] => Command::Reroute { area: Some(owned(area)), to: None, corridor: None },
            ["reroute-to", to @ ..] => Command::Reroute { area: None, to: Some(to.join(" ")), corridor: None },
            ["leave", vehicle, place @ ..] => {
                Command::LeaveVehicle { vehicle: owned(vehicle), place: Some(place.join(" ")) }
            }
            ["add", vehicle] => Command::AddVehicle { vehicle: owned(vehicle) },
            ["seat", person, vehicle] => Command::Seat { person: owned(person), vehicle: Some(owned(vehicle)) },
            ["seat", person] => Command::Seat { person: owned(person), vehicle: None },
            ["lead", leader] => Command::Lead { leader: Some(owned(leader)), deputy: None },
            ["report"] => Command::Report { by: None, place: None },
            ["offer", room] => Command::OfferCustody { room: owned(room) },
            ["confirm"] => Command::ConfirmCustody,
            ["not-arrived"] => Command::NotArrived { vehicle: None },
            ["not-arrived", vehicle] => Command::NotArrived { vehicle: Some(owned(vehicle)) },
            ["take-back"] => Command::TakeBack,
            _ => panic!("{words:?} is no command"),
        };
        let order = MissionOrder {
            mission: mission.id,
            version: mission.version,
            at: None,
            actor: operator(),
            reason: "as asked".to_owned(),
            command,
        };
        let moved = self.rig.field.command_mission(&order).await;
        self.outcome(moved);
    }

    async fn alarm(&self, label: &str) -> Alarm {
        let number: i64 = label.trim_start_matches('A').parse().unwrap();
        let alarms = self.rig.field.alarms(true, &Actor::User("user-adviser".to_owned())).await.unwrap();
        alarms.into_iter().find(|alarm| alarm.number == number).unwrap()
    }

    async fn on_alarm(&mut self, label: &str, command: AlarmCommand) {
        let alarm = self.alarm(label).await;
        let order = AlarmOrder {
            alarm: alarm.id,
            version: alarm.version,
            actor: operator(),
            reason: "seen to".to_owned(),
            command,
        };
        let done = self.rig.field.command_alarm(&order).await;
        self.outcome(done);
    }

    async fn at_desk(&mut self, who: &str, words: &[&str]) {
        let command = match words {
            ["take"] => DeskCommand::Take,
            ["sign"] => DeskCommand::Sign,
            ["relieve", read @ ..] => {
                DeskCommand::Relieve { read_back: read.iter().map(|word| (*word).to_owned()).collect() }
            }
            ["replace", reason, read @ ..] => {
                let read_back = read.iter().map(|word| (*word).to_owned()).collect();
                DeskCommand::Replace { reason: (*reason).to_owned(), read_back }
            }
            _ => panic!("{words:?} is nothing to do at the desk"),
        };
        let done = self.rig.field.at_desk(&command, &Actor::User(format!("user-{who}"))).await;
        if let Some(shift) = self.outcome(done) {
            for item in shift.sheet.iter().flatten() {
                let mark = if item.read_back { "!" } else { " " };
                self.tell(format!("sheet {mark} {}: {}", item.label, item.text));
            }
        }
    }

    async fn presence(&mut self, person: &str, presence: &str) {
        let (_, people) = self.rig.field.records("person").await.unwrap();
        let record = people.into_iter().find(|record| record.key == person).unwrap();
        let noun = field::register::NOUNS.iter().find(|noun| noun.name == "person").unwrap();
        let mut shown = record.shown(noun);
        for (name, value) in &mut shown {
            if *name == "presence" {
                presence.clone_into(value);
            }
        }
        let fields: Vec<(&str, &str)> = shown.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let done = self.rig.save("person", person, record.version, &fields).await;
        self.outcome(done);
    }

    fn tell_alarm(&mut self, alarm: &Alarm) {
        let failed = if alarm.all_failed { ", all means failed" } else { "" };
        let owner = alarm.owner.as_deref().map_or(String::new(), |owner| format!(", {owner}"));
        self.tell(format!("{} {}{owner}{failed}: {}", alarm.label(), alarm.state, alarm.title));
        for attempt in alarm.course.attempts.iter().filter(|attempt| attempt.state == AttemptState::Pending) {
            self.tell(format!("  {} waits for {} by {}", attempt.number, attempt.name, attempt.means));
        }
    }

    async fn show(&mut self) {
        for mission in self.rig.field.missions(true).await.unwrap() {
            let due = mission.due.map_or(String::new(), |due| format!(", due {}", clock_text(due)));
            self.tell(format!("{} {} contact {}{due}", mission.label(), mission.state, mission.contact));
            if mission.is_part_arrived() && mission.state != MissionState::Closed {
                for one in mission.on_the_way() {
                    let due = one.due.map_or(String::new(), clock_text);
                    self.tell(format!("  {} contact {}, due {due}", one.vehicle, one.contact));
                }
            }
        }
        for alarm in self.rig.field.alarms(false, &operator()).await.unwrap() {
            self.tell_alarm(&alarm);
        }
        let pending = self.rig.store.pending_deadlines("field.").await.unwrap();
        let kinds: Vec<String> = pending
            .iter()
            .map(|one| format!("{} {}", one.kind.trim_start_matches("field."), clock_text(one.due)))
            .collect();
        self.tell(format!("deadlines: {}", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }));
    }
}

/// `-90m`, `-6h`: so many microseconds before; `--60m` lies ahead.
fn ago(words: &[&str]) -> i64 {
    let found = words.iter().find(|word| is_ago(word));
    found.map_or(0, |word| {
        let (number, unit) = word[1..].split_at(word.len() - 2);
        number.parse::<i64>().unwrap() * if unit == "h" { 60 * MINUTE } else { MINUTE }
    })
}

fn is_ago(word: &str) -> bool {
    let number = word.strip_prefix('-').and_then(|rest| rest.strip_suffix(['m', 'h']));
    number.is_some_and(|number| number.parse::<i64>().is_ok())
}

fn leg(at: usize, area: &str) -> Leg {
    let places = ["BASE", "COMORO", "Hilltop school", "Lake camp"];
    Leg {
        from: places[at].to_owned(),
        to: places[at + 1].to_owned(),
        area: area.to_owned(),
        corridor: None,
        began: None,
        planned: None,
    }
}

/// Runs every shift of a document; rewrites or compares what was told. Gives how many there were.
async fn check(path: &std::path::Path, url: Option<&str>) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut out, mut count, mut wrong) = (String::new(), 0, Vec::new());
    let mut rest = text.as_str();
    while let Some(start) = rest.find("```desk\n") {
        let body = &rest[start + 8..];
        let end = body.find("\n```").expect("every block is closed");
        let steps = &body[..end];
        out.push_str(&rest[..start + 8 + end + 5]);
        rest = body[end + 4..].trim_start_matches('\n');
        let database = sqlite();
        let got = told(url.unwrap_or(&database.url), steps).await;
        let got = got.trim_end();
        if let Some(expected) = rest.strip_prefix("```told\n") {
            let end = expected.find("\n```").expect("every block is closed");
            if expected[..end].trim_end() != got {
                wrong.push(format!("expected:\n{}\ngot:\n{got}", &expected[..end]));
            }
            rest = &expected[end + 4..];
        } else {
            wrong.push(format!("no answer yet; got:\n{got}"));
        }
        write!(out, "\n```told\n{got}\n```").unwrap();
        if !rest.starts_with('\n') {
            out.push_str("\n\n");
        }
        count += 1;
        if url.is_some() {
            break;
        }
    }
    out.push_str(rest);
    if std::env::var_os("UPDATE_SPECS").is_some() && url.is_none() {
        std::fs::write(path, out).unwrap();
    } else {
        assert!(wrong.is_empty(), "{}:\n{}", path.display(), wrong.join("\n\n"));
    }
    count
}

fn documents() -> Vec<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn every_transcript_holds() {
    let mut count = 0;
    for path in documents() {
        count += check(&path, None).await;
    }
    assert!(count > 20, "only {count} shifts were found");
}

/// The first shift of each document on the engine of the suite, which sorts and locks in its own way.
pub async fn missions_on_this_engine(url: String) {
    let first = documents().into_iter().next().unwrap();
    assert_eq!(check(&first, Some(&url)).await, 1);
}
