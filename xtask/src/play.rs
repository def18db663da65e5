//! Plays the scenario into a running server, through the doors that real sources use.

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::Timestamp;
use testkit::scenario::{Channel, Record, Scenario};

use crate::api::{Api, SourceToken};

/// The seed of the demo, of the screenshots and of the documentation.
pub const SEED: u64 = 20_261_121;

/// The source of the Windows collector, as it is connected over the API.
const COLLECTOR: &str = "windows-collector";
/// The source of the files that the third station uploads: a folder of that name in the drop folder.
pub const COLLECTOR_FILES: &str = "windows-collector-ivd";
const BATCH_RECORDS: usize = 2_000;

/// Where the doors are.
#[derive(Debug, Clone)]
pub struct Doors {
    pub syslog_udp: SocketAddr,
    pub syslog_tcp: SocketAddr,
    pub drop_folder: PathBuf,
}

/// `cargo xtask play --url URL --user NAME --password P --udp ADDRESS --tcp ADDRESS --drop FOLDER`.
pub fn run(arguments: &[String]) -> Result<()> {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).with_context(|| format!("{name} is missing"))
    };
    let mut api = Api::new(value("--url")?);
    api.login(value("--user")?, value("--password")?)?;
    let doors = Doors {
        syslog_udp: value("--udp")?.parse().context("--udp: an address such as 127.0.0.1:5514")?,
        syslog_tcp: value("--tcp")?.parse().context("--tcp: an address such as 127.0.0.1:5514")?,
        drop_folder: PathBuf::from(value("--drop")?),
    };
    let end = now().plus_micros(LIVE_MINUTES * 60_000_000);
    let scenario = Scenario::new(SEED, end, 300);
    let mut player = Player::new(&api, doors)?;
    player.backlog(&scenario, now())?;
    player.live(&scenario, now())
}

/// Minutes of the day that are still to come when the demo starts.
pub const LIVE_MINUTES: i64 = 10;

/// The machine's clock: a task that plays live must know what is due.
#[expect(clippy::disallowed_methods, reason = "playing live means following the machine's clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Open doors.
pub struct Player<'a> {
    api: &'a Api,
    collector: SourceToken,
    cloud: SourceToken,
    udp: UdpSocket,
    tcp: TcpStream,
    doors: Doors,
    files_written: usize,
}

impl<'a> Player<'a> {
    /// Connects the sources over the API, as an operator would, and opens the sockets.
    pub fn new(api: &'a Api, doors: Doors) -> Result<Player<'a>> {
        let collector = api.connect_source(COLLECTOR, "windows-json")?;
        let cloud = api.ingest_token("cloud connector")?;
        let udp = UdpSocket::bind("127.0.0.1:0").context("opening a UDP socket")?;
        let tcp =
            TcpStream::connect(doors.syslog_tcp).with_context(|| format!("syslog over TCP at {}", doors.syslog_tcp))?;
        Ok(Player { api, collector, cloud, udp, tcp, doors, files_written: 0 })
    }

    /// Sends everything that happened before `now`, as fast as the server takes it.
    pub fn backlog(&mut self, scenario: &Scenario, now: Timestamp) -> Result<()> {
        let past: Vec<&Record> = scenario.records.iter().filter(|record| record.at <= now).collect();
        self.send(&past)
    }

    /// Sends what happens from `from` on, each record when it is due.
    pub fn live(&mut self, scenario: &Scenario, from: Timestamp) -> Result<()> {
        let mut sent = scenario.records.partition_point(|record| record.at <= from);
        while sent < scenario.records.len() {
            std::thread::sleep(Duration::from_secs(1));
            let due = scenario.records.partition_point(|record| record.at <= now());
            if due > sent {
                let batch: Vec<&Record> = scenario.records[sent..due].iter().collect();
                self.send(&batch)?;
                sent = due;
            }
        }
        Ok(())
    }

    fn send(&mut self, records: &[&Record]) -> Result<()> {
        let mut channels: Vec<Channel> = records.iter().map(|record| record.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        for channel in channels {
            let bodies: Vec<&str> =
                records.iter().filter(|record| record.channel == channel).map(|record| record.body.as_str()).collect();
            self.send_channel(channel, &bodies)?;
        }
        Ok(())
    }

    fn send_channel(&mut self, channel: Channel, bodies: &[&str]) -> Result<()> {
        match channel {
            Channel::WindowsCollector => self.post(COLLECTOR, &self.collector, bodies),
            Channel::Cloud(table) => self.post(table, &self.cloud, bodies),
            Channel::WindowsFile => self.write_file(bodies),
            Channel::SyslogUdp => self.send_datagrams(bodies),
            Channel::SyslogTcp => {
                let frames: String = bodies.iter().map(|body| format!("{} {body}", body.len())).collect();
                self.tcp.write_all(frames.as_bytes()).context("sending syslog over TCP")
            }
        }
    }

    fn post(&self, target: &str, token: &SourceToken, bodies: &[&str]) -> Result<()> {
        for batch in bodies.chunks(BATCH_RECORDS) {
            let receipt = self.api.ingest(target, token, &gzip((batch.join("\n") + "\n").as_bytes())?)?;
            if receipt.unparsed > 0 {
                bail!(
                    "{target}: {} of {} records could not be parsed: {:?}",
                    receipt.unparsed,
                    receipt.accepted,
                    receipt.problems
                );
            }
        }
        Ok(())
    }

    /// A collector uploads whole files: written beside, then moved into place.
    fn write_file(&mut self, bodies: &[&str]) -> Result<()> {
        let folder = self.doors.drop_folder.join(COLLECTOR_FILES);
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        self.files_written += 1;
        let finished = folder.join(format!("events-{:06}.ndjson.gz", self.files_written));
        let unfinished = folder.join(format!(".events-{:06}.part", self.files_written));
        std::fs::write(&unfinished, gzip((bodies.join("\n") + "\n").as_bytes())?).context("writing an upload")?;
        std::fs::rename(&unfinished, &finished).context("finishing an upload")
    }

    fn send_datagrams(&self, bodies: &[&str]) -> Result<()> {
        for (number, body) in bodies.iter().enumerate() {
            self.udp.send_to(body.as_bytes(), self.doors.syslog_udp).context("sending syslog over UDP")?;
            if number % 20 == 19 {
                // UDP has no back-pressure: a firewall does not send a morning's traffic in one millisecond either.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(())
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Writes the ground-truth file of a scenario.
pub fn write_truth(scenario: &Scenario, path: &Path) -> Result<()> {
    std::fs::write(path, scenario.truth().to_ndjson()).with_context(|| format!("writing {}", path.display()))
}
