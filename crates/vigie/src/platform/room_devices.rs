//! What the radio room does without a browser: the server's loudspeaker sounds while an alarm waits for somebody, and the board
//! is printed when the power runs low. Programs of the machine do both; they are named in the configuration.

use std::process::Stdio;
use std::time::Duration;

use field::Field;
use field::alarm::{Alarm, AlarmState};
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
    let watches = async { tokio::join!(sound(&field, &settings.sound_command), paper(&field, &settings)) };
    stop.run_until_cancelled(watches).await;
}

/// Who hears the loudspeaker is told of no silent alarm.
fn listener() -> Actor {
    Actor::system("loudspeaker")
}

async fn sound(field: &Field, command: &[String]) {
    if command.is_empty() {
        return;
    }
    let mut broken = false;
    loop {
        let alarms = field.alarms(false, &listener()).await;
        if let Some(tone) = alarms.as_deref().ok().and_then(tone_of) {
            let played = feed(command, &tone).await.map(drop);
            broken = tell_once(field, broken, played.err(), "the alarm cannot be heard from the server").await;
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// What waits for somebody, as a sound: quicker where lives may depend on it.
fn tone_of(alarms: &[Alarm]) -> Option<Vec<u8>> {
    let waiting: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.state == AlarmState::Open).collect();
    let lives = waiting.iter().any(|alarm| alarm.is_about_lives());
    (!waiting.is_empty()).then(|| if lives { tone::siren() } else { tone::chime() })
}

async fn paper(field: &Field, settings: &RoomSettings) {
    if settings.print_command.is_empty() {
        return;
    }
    let (mut was_low, mut broken, mut silent) = (false, false, false);
    loop {
        let ups = if settings.ups_command.is_empty() { Ok(None) } else { ups(&settings.ups_command).await };
        let (ups, problem) = ups.map_or_else(|problem| (None, Some(problem)), |state| (state, None));
        silent = tell_once(field, silent, problem, "the UPS does not say how it fares").await;
        // Nobody prints because of a database that fails: the next look decides.
        let by_desk = field.equipment().await.is_ok_and(|all| all.iter().any(|one| one.power_low));
        let low = by_desk || ups.is_some_and(|ups| ups.is_low());
        if low && (!was_low || broken) {
            let printed = match field.paper().await {
                Ok(text) => feed(&settings.print_command, text.as_bytes()).await.map(drop),
                Err(error) => Err(error.to_string()),
            };
            let done = printed.is_ok();
            broken = tell_once(field, broken, printed.err(), "the power is low and the board cannot be printed").await;
            if done {
                let level = ups.and_then(|ups| ups.charge_percent).map_or(String::new(), |left| format!(" ({left} %)"));
                note(field, &format!("the power is low{level}: the board was printed")).await;
            }
        }
        was_low = low;
        tokio::time::sleep(UPS_BEAT).await;
    }
}

/// Writes a failure into the duty log when it begins. Whether it goes on.
async fn tell_once(field: &Field, known: bool, problem: Option<String>, what: &str) -> bool {
    let Some(problem) = problem else { return false };
    if !known {
        tracing::error!(problem, "{what}");
        note(field, &format!("{what}: {problem}")).await;
    }
    true
}

async fn note(field: &Field, text: &str) {
    if let Err(error) = field.note(text, &Actor::system("room-devices")).await {
        tracing::error!(%error, text, "it could not be written into the duty log");
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
mod tests {
    use super::*;

    #[test]
    fn a_ups_is_read_as_it_is_told() {
        let check = |told: &str, low: bool| assert_eq!(read_ups(told).unwrap().is_low(), low, "{told}");
        check("battery.charge: 100\nups.status: OL\n", false);
        check("battery.charge: 55\nups.status: OB DISCHRG\n", false);
        check("battery.charge: 9\nups.status: OB DISCHRG\n", true);
        check("battery.charge: 40\nups.status: OB LB\n", true);
        check("battery.charge: 5\nups.status: OL CHRG\n", false);
        check("ups.status: OB\n", false);
        assert!(read_ups("Error: Data stale\n").is_err());
    }

    #[tokio::test]
    async fn programs_are_fed_and_say_what_is_wrong() {
        let command = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(feed(&command("cat"), b"board").await.unwrap(), b"board");
        assert!(feed(&command("cat /does/not/exist"), b"").await.unwrap_err().contains("exist"));
        assert!(feed(&command("no-such-program-here"), b"").await.unwrap_err().starts_with("no-such-program-here"));
        // More than a pipe holds, to a program that reads nothing.
        feed(&command("true"), &vec![0; 1 << 20]).await.unwrap();
    }
}
