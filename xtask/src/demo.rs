//! `cargo xtask demo`: the platform with the scenario playing, and the browser tests that use the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use testkit::scenario::Scenario;

use crate::access_desk;
use crate::platform::{self, ADMINISTRATOR, PASSWORD, Platform, Profile};
use crate::play::{self, LIVE_MINUTES, Player, SEED};
use crate::radio_room;
use crate::shell;

/// Builds console and binary, starts the platform, plays the scenario, and stays until Ctrl-C.
pub fn run(arguments: &[String]) -> Result<()> {
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let port = match arguments.iter().position(|argument| argument == "--port") {
        Some(at) => arguments.get(at + 1).and_then(|text| text.parse().ok()).context("--port takes a number")?,
        None => 8420,
    };
    let profile = if flag("--release") { Profile::Release } else { Profile::Dev };
    let root = shell::root();
    build_console(&root)?;
    let binary = platform::build(profile)?;
    let data = root.join("target/demo");
    if data.exists() {
        std::fs::remove_dir_all(&data).context("removing the data of the last demo")?;
    }
    let mut running = Platform::start(&binary, &data, port)?;
    running.setup()?;
    radio_room::open(&running.api)?;
    access_desk::open(&running.api, &data)?;
    let end = play::now().plus_micros(LIVE_MINUTES * 60_000_000);
    let scenario = Scenario::new(SEED, end, 300);
    play::write_truth(&scenario, &data.join("ground-truth.ndjson"))?;
    println!("\nVigie is at {}\n  sign in as   {ADMINISTRATOR}\n  password     {PASSWORD}\n", running.url);
    if !flag("--no-play") {
        println!("Playing a bad day at a duty station: {} records …", scenario.records.len());
        let mut player = Player::new(&running.api, running.doors.clone())?;
        player.backlog(&scenario, play::now())?;
        println!(
            "The morning is in; the attack goes on live for {LIVE_MINUTES} minutes. Ground truth: {}\nCtrl-C stops the demo.",
            data.join("ground-truth.ndjson").display()
        );
        player.live(&scenario, play::now())?;
        println!("The day is over; the platform stays up until Ctrl-C.");
    }
    running.wait()
}

/// The console's tests in a browser, against the real server with the scenario in it.
pub fn browser_tests() -> Result<()> {
    let root = shell::root();
    let binary = platform::build(Profile::Dev)?;
    let folder = std::env::temp_dir().join(format!("vigie-browser-{}", std::process::id()));
    let outcome = with_scenario(&root, &binary, &folder);
    let removed = std::fs::remove_dir_all(&folder);
    outcome?;
    removed.context("removing the data of the browser tests")
}

fn with_scenario(root: &Path, binary: &Path, folder: &Path) -> Result<()> {
    let mut running = Platform::start(binary, folder, 0)?;
    running.setup()?;
    radio_room::open(&running.api)?;
    access_desk::open(&running.api, folder)?;
    let scenario = Scenario::new(SEED, play::now(), 60);
    Player::new(&running.api, running.doors.clone())?.backlog(&scenario, play::now())?;
    wait_for_incidents(&running)?;
    let status = Command::new("npm")
        .args(["run", "e2e"])
        .current_dir(root.join("console"))
        .env("VIGIE_URL", &running.url)
        // For tests that need servers of their own: two nodes, a link that breaks.
        .env("VIGIE_BINARY", binary)
        // Where files lie that documents may name.
        .env("VIGIE_SYSTEMS", folder.join("systems"))
        .env("VIGIE_USER", ADMINISTRATOR)
        .env("VIGIE_PASSWORD", PASSWORD)
        .status()
        .context("npm could not be started; is Node installed?")?;
    if !status.success() {
        bail!("the browser tests failed ({status})");
    }
    running.kill()
}

/// The scenario's alerts reach the queue within seconds; a minute means that they never will.
fn wait_for_incidents(running: &Platform) -> Result<()> {
    for _ in 0..60 {
        let queue = running.api.get("incidents")?;
        if queue.get("incidents").and_then(serde_json::Value::as_array).is_some_and(|items| !items.is_empty()) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    bail!("the scenario raised no incident within a minute")
}

/// Installs what the console needs and builds its bundle.
pub fn build_console(root: &Path) -> Result<()> {
    let console = root.join("console");
    if !shell::has("npm") {
        println!("Node is not installed: the console will be a one-page notice. Install Node 20 for the real one.");
        return Ok(());
    }
    shell::run(&console, "npm", &["ci", "--no-audit", "--no-fund"])?;
    shell::run(&console, "npm", &["run", "build"])
}
