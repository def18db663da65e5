//! What the radio room does without a browser: the server's loudspeaker sounds while an alarm waits for somebody, and the board
//! is printed when the power runs low. Programs of the machine do both; they are named in the configuration.

use std::process::Stdio;
use std::time::Duration;

use field::alarm::{Alarm, AlarmState};
use field::equipment::Power;
use field::{DeviceNote, Field};
use kernel::Actor;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::tone;
use crate::config::RoomSettings;

/// The same beat as in a browser.
const BEAT: Duration = Duration::from_secs(8);
const UPS_BEAT: Duration = Duration::from_secs(30);
/// A program that takes longer is stopped.
const PATIENCE: Duration = Duration::from_secs(30);
/// A battery at or below so much is low, whatever its UPS says.
const LOW_PERCENT: f64 = 10.0;

/// Both watches, until the program stops.
pub async fn run(field: Field, settings: RoomSettings, stop: CancellationToken) {
    let sound = async {
        let mut loudspeaker = Loudspeaker::new(settings.sound_command.clone());
        while loudspeaker.is_there() {
            loudspeaker.beat(&field).await;
            tokio::time::sleep(BEAT).await;
        }
    };
    let paper = async {
        let mut printer = Printer::new(&settings);
        while printer.is_there() {
            printer.look(&field).await;
            tokio::time::sleep(UPS_BEAT).await;
        }
    };
    let watches = async { tokio::join!(sound, paper) };
    stop.run_until_cancelled(watches).await;
}

/// Who hears the loudspeaker is told of no silent alarm.
fn listener() -> Actor {
    Actor::system("loudspeaker")
}

/// The loudspeaker of the server.
struct Loudspeaker {
    command: Vec<String>,
    broken: bool,
}

impl Loudspeaker {
    const fn new(command: Vec<String>) -> Loudspeaker {
        Loudspeaker { command, broken: false }
    }

    const fn is_there(&self) -> bool {
        !self.command.is_empty()
    }

    /// Sounds once, if something waits for somebody.
    async fn beat(&mut self, field: &Field) {
        let alarms = field.alarms(false, &listener()).await;
        if let Some(tone) = alarms.as_deref().ok().and_then(tone_of) {
            let played = feed(&self.command, &tone).await.map(drop);
            self.broken = tell_once(field, self.broken, played.err().map(DeviceNote::Unheard)).await;
        }
    }
}

/// What waits for somebody, as a sound: quicker where lives may depend on it.
fn tone_of(alarms: &[Alarm]) -> Option<Vec<u8>> {
    let waiting: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.state == AlarmState::Open).collect();
    let lives = waiting.iter().any(|alarm| alarm.is_about_lives());
    (!waiting.is_empty()).then(|| if lives { tone::siren() } else { tone::chime() })
}

/// The UPS, which says when it is time, and the printer.
struct Printer {
    print_command: Vec<String>,
    ups_command: Vec<String>,
    was_low: bool,
    broken: bool,
    /// The UPS says nothing.
    silent: bool,
    /// What the room knows of the power.
    power: Option<Power>,
}

impl Printer {
    fn new(settings: &RoomSettings) -> Printer {
        let (print_command, ups_command) = (settings.print_command.clone(), settings.ups_command.clone());
        Printer { print_command, ups_command, was_low: false, broken: false, silent: false, power: None }
    }

    const fn is_there(&self) -> bool {
        !self.print_command.is_empty() || !self.ups_command.is_empty()
    }

    /// Prints once when the power gets low, again as long as it could not be printed; and tells the room what the UPS says.
    async fn look(&mut self, field: &Field) {
        let ups = if self.ups_command.is_empty() { Ok(None) } else { ups(&self.ups_command).await };
        let (ups, problem) = ups.map_or_else(|problem| (None, Some(problem)), |state| (state, None));
        self.silent = tell_once(field, self.silent, problem.map(DeviceNote::UpsSilent)).await;
        if let Some(ups) = ups.filter(|ups| !ups.is_low()) {
            self.tell(field, ups).await;
        }
        // Nobody prints because of a database that fails: the next look decides.
        let by_desk = field.equipment().await.is_ok_and(|all| all.iter().any(|one| one.power_low));
        let low = by_desk || ups.is_some_and(|ups| ups.is_low());
        if low && (!self.was_low || self.broken) {
            self.print(field, ups).await;
        }
        self.was_low = low;
        if let Some(ups) = ups.filter(|ups| ups.is_low()) {
            self.tell(field, ups).await;
        }
    }

    async fn print(&mut self, field: &Field, ups: Option<Ups>) {
        let language = field.language().await.unwrap_or(field::speech::Language::English);
        let printed = match field.paper(language).await {
            _ if self.print_command.is_empty() => Err("no program prints (field.print_command)".to_owned()),
            Ok(text) => feed(&self.print_command, text.as_bytes()).await.map(drop),
            Err(error) => Err(error.to_string()),
        };
        let done = printed.is_ok();
        self.broken = tell_once(field, self.broken, printed.err().map(DeviceNote::NotPrinted)).await;
        if done {
            let charge_percent = ups.and_then(|ups| ups.charge_percent);
            note(field, &DeviceNote::Printed { charge_percent }).await;
        }
    }

    /// Enters it as the desk would, when it changes.
    async fn tell(&mut self, field: &Field, ups: Ups) {
        let power = ups.power();
        if self.power == Some(power) {
            return;
        }
        let printed = match power {
            Power::Low if self.broken => "the board could not be printed",
            Power::Low => "the board was printed",
            Power::Mains | Power::Battery => "",
        };
        #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
        let level_percent = ups.charge_percent.map(|left| left.clamp(0.0, 100.0) as i64);
        match field.note_power(power, level_percent, printed, &actor()).await {
            Ok(()) => self.power = Some(power),
            Err(error) => tracing::error!(%error, "what the UPS says could not be entered; it is tried again"),
        }
    }
}

fn actor() -> Actor {
    Actor::system("room-devices")
}

/// Writes a failure into the duty log when it begins. Whether it goes on.
async fn tell_once(field: &Field, known: bool, problem: Option<DeviceNote>) -> bool {
    let Some(problem) = problem else { return false };
    if !known {
        tracing::error!(?problem, "a device of the room does not do what it should");
        note(field, &problem).await;
    }
    true
}

async fn note(field: &Field, note: &DeviceNote) {
    if let Err(error) = field.note_device(note, &actor()).await {
        tracing::error!(%error, ?note, "it could not be written into the duty log");
    }
}

/// How a UPS fares.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ups {
    /// It says itself that its battery is low.
    says_low: bool,
    on_battery: bool,
    charge_percent: Option<f64>,
}

impl Ups {
    fn power(self) -> Power {
        match self {
            _ if self.is_low() => Power::Low,
            _ if self.on_battery => Power::Battery,
            _ => Power::Mains,
        }
    }

    fn is_low(self) -> bool {
        self.says_low || (self.on_battery && self.charge_percent.is_some_and(|left| left <= LOW_PERCENT))
    }
}

async fn ups(command: &[String]) -> Result<Option<Ups>, String> {
    let told = feed(command, b"").await?;
    read_ups(&String::from_utf8_lossy(&told)).map(Some)
}

/// Reads `ups.status: OB DISCHRG LB` and `battery.charge: 8` among other lines, as Network UPS Tools names them.
fn read_ups(told: &str) -> Result<Ups, String> {
    let value = |name: &str| {
        let mut lines = told.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
    };
    let status = value("ups.status").ok_or("what it says has no line `ups.status: …`")?;
    let has = |flag: &str| status.split_whitespace().any(|word| word == flag);
    let charge_percent = value("battery.charge").and_then(|charge| charge.parse().ok());
    Ok(Ups { says_low: has("LB"), on_battery: has("OB"), charge_percent })
}

/// Runs a program with this input and gives what it says.
async fn feed(command: &[String], input: &[u8]) -> Result<Vec<u8>, String> {
    let (program, arguments) = command.split_first().ok_or("no program is named")?;
    let told = |error: std::io::Error| format!("{program}: {error}");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(told)?;
    let mut stdin = child.stdin.take();
    let run = async {
        if let Some(stdin) = &mut stdin {
            // Who does not read to the end says why by its exit.
            let _ = stdin.write_all(input).await;
        }
        drop(stdin.take());
        child.wait_with_output().await
    };
    let ended = tokio::time::timeout(PATIENCE, run).await;
    let output = ended.map_err(|_| format!("{program} did not end within {} s", PATIENCE.as_secs()))?.map_err(told)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(200).collect();
    Err(format!("{program} ended with {}: {said}", output.status))
}

#[cfg(test)]
mod tests;
