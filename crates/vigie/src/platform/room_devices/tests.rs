//! The devices of the room with the programs that Debian has for them: ALSA's player, the UPS tools, the printing system. Each runs
//! on files and ports of the test alone.

use std::path::Path;
use std::sync::Arc;

use field::LogFilter;
use field::register::Import;
use store::Store;
use tempfile::TempDir;
use testkit::{CountingRandomness, TestClock};
use tokio::process::Child;

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

/// A program, if it is there; else a line that says what was skipped.
fn program(candidates: &[&str], what: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = || path.split(':').map(Path::new);
    let there = |name: &&&str| {
        Path::new(name).is_file() || (!name.contains('/') && folders().any(|folder| folder.join(name).is_file()))
    };
    let found = candidates.iter().find(there).map(|name| (*name).to_owned());
    if found.is_none() {
        println!("skipped: {what}, because {} is not installed", candidates[0]);
    }
    found
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

async fn room(folder: &Path) -> (Field, Arc<TestClock>) {
    let url = format!("sqlite:{}", folder.join("state.db").display());
    let clock = TestClock::noon();
    let store = Store::open(&url, clock.clone(), CountingRandomness::seeded(1)).await.unwrap();
    let field = Field::new(store);
    let import = Import {
        noun: "equipment".to_owned(),
        csv: "key,name,kind\nUPS,UPS of the room,ups\n".to_owned(),
        trial: false,
        actor: desk(),
        reason: "first list".to_owned(),
    };
    assert!(field.import(&import).await.unwrap().written);
    (field, clock)
}

fn desk() -> Actor {
    Actor::User("user-desk".to_owned())
}

/// The titles of what waits for somebody.
async fn alarms(field: &Field) -> Vec<String> {
    field.alarms(false, &desk()).await.unwrap().into_iter().map(|alarm| alarm.title.to_string()).collect()
}

async fn has_note(field: &Field, begins: &str) -> bool {
    let log = field.duty_log(&LogFilter::default(), 20).await.unwrap();
    log.iter().any(|entry| entry.meaning.starts_with(begins))
}

async fn last_note(field: &Field) -> String {
    let log = field.duty_log(&LogFilter::default(), 1).await.unwrap();
    log.into_iter().next().map_or(String::new(), |entry| entry.meaning.to_string())
}

/// A server that a test has started: ended by its id with the test.
struct Served {
    _child: Child,
}

impl Served {
    fn start(command: &mut Command) -> Served {
        Served {
            _child: command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .unwrap(),
        }
    }
}

/// A port of the loopback address that nobody has.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Until the program's answer is so; a minute at most.
async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if look().await {
            return;
        }
        // What a server of somebody else does meanwhile, nothing here can hear.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("in a minute it did not happen: {what}");
}

/// ALSA with a device that writes what it would play into a file.
#[tokio::test]
async fn an_alarm_is_heard_by_aplay() {
    let Some(aplay) = program(&["aplay"], "the alarm's sound by ALSA") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (settings, played) = (folder.path().join("asound.conf"), folder.path().join("played"));
    let device =
        format!("pcm.room {{ type file slave.pcm {{ type null }} file \"{}\" format \"raw\" }}\n", played.display());
    std::fs::write(&settings, device).unwrap();
    let (field, _) = room(folder.path()).await;
    let command = format!("env ALSA_CONFIG_PATH={} {aplay} -q -D room -", settings.display());
    let mut loudspeaker = Loudspeaker::new(words(&command));
    loudspeaker.beat(&field).await;
    assert!(!played.exists(), "nothing waits for anybody");
    field.enter("3621 sos shots near the bridge", &desk()).await.unwrap();
    loudspeaker.beat(&field).await;
    assert!(!loudspeaker.broken, "{}", last_note(&field).await);
    let (heard, siren) = (std::fs::read(&played).unwrap(), tone::siren());
    assert!(
        heard.len() >= siren.len() - 44 && heard.starts_with(&siren[44..]),
        "every sample of the siren, {}",
        heard.len()
    );
    // A device that is not there is said once in the log, however often it is tried.
    let mut deaf = Loudspeaker::new(words(&command.replace("-D room", "-D attic")));
    deaf.beat(&field).await;
    let said = last_note(&field).await;
    assert!(said.contains("cannot be heard") && said.contains("attic"), "{said}");
    let entries = field.duty_log(&LogFilter::default(), 100).await.unwrap().len();
    deaf.beat(&field).await;
    assert_eq!(field.duty_log(&LogFilter::default(), 100).await.unwrap().len(), entries);
}

/// A UPS that the driver `dummy-ups` plays from a file, asked by `upsc` through `upsd`.
struct PlayedUps {
    folder: TempDir,
    port: u16,
    upsc: String,
    _driver: Served,
    _upsd: Served,
}

impl PlayedUps {
    async fn start() -> Option<PlayedUps> {
        let what = "a UPS that runs low, by Network UPS Tools";
        let driver = program(&["/lib/nut/dummy-ups", "/usr/libexec/nut-driver/dummy-ups"], what)?;
        // What Debian has on PATH asks its own settings whether it may run.
        let upsd = program(&["/lib/nut/upsd", "/usr/sbin/upsd"], what)?;
        let upsc = program(&["upsc"], what)?;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let played = folder.path().join("ups.dev");
        write("ups.conf", &format!("[ups]\ndriver = dummy-ups\nport = {}\nmode = dummy-once\n", played.display()));
        write("upsd.conf", &format!("LISTEN 127.0.0.1 {port}\n"));
        write("upsd.users", "");
        write("ups.dev", "ups.status: OL\nbattery.charge: 100\n");
        let start = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            for name in ["NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH"] {
                command.env(name, folder.path());
            }
            command.args(arguments).args(["-F", "-u", &account()]);
            Served::start(&mut command)
        };
        let _driver = start(&driver, &["-a", "ups"]);
        until("the driver of the UPS runs", async || folder.path().join("dummy-ups-ups").exists()).await;
        let _upsd = start(&upsd, &[]);
        let ups = PlayedUps { folder, port, upsc, _driver, _upsd };
        until("the UPS is told of", async || ups.says("OL").await).await;
        Some(ups)
    }

    fn command(&self) -> Vec<String> {
        words(&format!("{} ups@127.0.0.1:{}", self.upsc, self.port))
    }

    async fn says(&self, status: &str) -> bool {
        let told = feed(&self.command(), b"").await.unwrap_or_default();
        String::from_utf8_lossy(&told).lines().any(|line| line == format!("ups.status: {status}"))
    }

    async fn play(&self, status: &str, charge_percent: u32) {
        let text = format!("ups.status: {status}\nbattery.charge: {charge_percent}\n");
        // At once, or the driver reads half of it.
        let (new, played) = (self.folder.path().join("new"), self.folder.path().join("ups.dev"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &played).unwrap();
        until("the UPS says so", async || self.says(status).await).await;
    }
}

/// As whom the servers run: who runs the test.
fn account() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".to_owned())
}

/// A printing system of its own, with one printer that swallows what it prints.
struct PrintedAt {
    folder: TempDir,
    port: u16,
    lp: String,
    _cupsd: Served,
}

impl PrintedAt {
    async fn start() -> Option<PrintedAt> {
        let what = "the board on paper, by CUPS";
        let cupsd = program(&["/usr/sbin/cupsd"], what)?;
        let lpadmin = program(&["/usr/sbin/lpadmin", "lpadmin"], what)?;
        let lp = program(&["lp"], what)?;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let at = |name: &str| folder.path().join(name).display().to_string();
        for name in ["spool", "cache", "state", "tmp", "root"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let settings = format!(
            "Listen 127.0.0.1:{port}\nWebInterface No\nBrowsing No\nDefaultAuthType None\nPreserveJobFiles Yes\n\
             <Location />\nOrder allow,deny\nAllow all\n</Location>\n\
             <Policy default>\n<Limit All>\nOrder deny,allow\n</Limit>\n</Policy>\n"
        );
        std::fs::write(at("cupsd.conf"), settings).unwrap();
        let places = [
            ("ServerRoot", folder.path().display().to_string()),
            ("RequestRoot", at("spool")),
            ("CacheDir", at("cache")),
            ("StateDir", at("state")),
            ("TempDir", at("tmp")),
            ("DocumentRoot", at("root")),
            ("ErrorLog", at("error_log")),
            ("AccessLog", at("access_log")),
            ("PageLog", at("page_log")),
            ("FileDevice", "Yes".to_owned()),
        ];
        let places: String = places.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        std::fs::write(at("cups-files.conf"), places).unwrap();
        let served =
            Served::start(Command::new(cupsd).args(["-f", "-c", &at("cupsd.conf"), "-s", &at("cups-files.conf")]));
        let server = format!("127.0.0.1:{port}");
        let add = words(&format!("{lpadmin} -h {server} -p radio -E -v file:///dev/null -m raw"));
        until("the printer is there", async || feed(&add, b"").await.is_ok()).await;
        Some(PrintedAt { folder, port, lp, _cupsd: served })
    }

    fn command(&self, printer: &str) -> Vec<String> {
        words(&format!("{} -h 127.0.0.1:{} -d {printer}", self.lp, self.port))
    }

    /// What the printing system took, in the order of its jobs.
    fn taken(&self) -> Vec<String> {
        let spool = std::fs::read_dir(self.folder.path().join("spool")).unwrap();
        let mut files: Vec<_> = spool.map(|file| file.unwrap().path()).collect();
        files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('d')));
        files.sort();
        files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

#[tokio::test]
async fn the_board_is_printed_when_the_ups_runs_low() {
    let (Some(ups), Some(printing)) = (PlayedUps::start().await, PrintedAt::start().await) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (field, clock) = room(folder.path()).await;
    let commands = |printer: &str| Printer {
        ups_command: ups.command(),
        print_command: printing.command(printer),
        was_low: false,
        broken: false,
        silent: false,
        power: None,
    };
    let mut printer = commands("radio");
    printer.look(&field).await;
    clock.advance_s(60);
    ups.play("OB DISCHRG", 60).await;
    printer.look(&field).await;
    assert_eq!(printing.taken(), Vec::<String>::new(), "there is time yet");
    assert_eq!(last_note(&field).await, "the UPS says: the mains are gone, it runs on its battery (60 %)");
    assert_eq!(alarms(&field).await, Vec::<String>::new(), "nobody has to be woken");
    clock.advance_s(60);
    ups.play("OB DISCHRG LB", 14).await;
    let board = field.paper(field::speech::Language::English).await.unwrap();
    printer.look(&field).await;
    assert_eq!(printing.taken(), [board], "the whole of it, {}", last_note(&field).await);
    assert!(has_note(&field, "the power is low (14 %): the board was printed").await);
    assert_eq!(last_note(&field).await, "the UPS says: its battery is low (14 %)");
    let low = "UPS of the room (UPS) degraded, 10 %: the board was printed; print board, promises and contacts now";
    assert_eq!(alarms(&field).await, [low], "somebody has to see to it");
    assert!(field.equipment().await.unwrap()[0].power_low, "the board of systems says so");
    printer.look(&field).await;
    assert_eq!(printing.taken().len(), 1, "once, as long as the power is low");
    clock.advance_s(60);
    ups.play("OL CHRG", 20).await;
    printer.look(&field).await;
    assert_eq!(last_note(&field).await, "the UPS says: the mains are there (20 %)");
    assert_eq!(alarms(&field).await, Vec::<String>::new(), "it is settled");
    clock.advance_s(60);
    ups.play("OB DISCHRG", 9).await;
    printer.look(&field).await;
    assert_eq!(printing.taken().len(), 2, "and when it is low again");
    // A printer that nobody has: said once, and tried at every look.
    let mut missing = commands("attic");
    missing.look(&field).await;
    assert!(has_note(&field, "the power is low and the board cannot be printed: ").await);
    missing.print_command = printing.command("radio");
    missing.look(&field).await;
    assert_eq!(printing.taken().len(), 3, "printed as soon as it can be");
    clock.advance_s(60);
    ups.play("OL CHRG", 30).await;
    missing.look(&field).await;
    // The UPS's server goes away: said once, and the desk's own word still prints.
    let (port, gone) = (free_port(), "the UPS does not say how it fares");
    let mut blind = Printer { ups_command: words(&format!("{} ups@127.0.0.1:{port}", ups.upsc)), ..commands("radio") };
    blind.look(&field).await;
    assert!(last_note(&field).await.starts_with(gone), "{}", last_note(&field).await);
    clock.advance_s(60);
    field.enter("sys ups 8%", &desk()).await.unwrap();
    blind.look(&field).await;
    assert_eq!(printing.taken().len(), 4, "the desk says that the power is low");
}
