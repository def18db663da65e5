//! The server as a process: one to a data folder, and killed at any moment.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::rig::Rig;

struct Running {
    child: Child,
    address: SocketAddr,
    syslog: SocketAddr,
}

impl Running {
    /// Starts and waits for the line that says that it listens.
    fn start(rig: &Rig) -> Running {
        let (address, syslog) = (free_port(), free_port());
        let mut command = rig.command(&["serve"]);
        command.env("VIGIE_SERVER_LISTEN", address.to_string()).env("VIGIE_INTAKE_SYSLOG_TCP", syslog.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says that it listens").unwrap();
        assert!(first.contains("listens on"), "{first}");
        // Keep reading, so that it never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Running { child, address, syslog }
    }

    fn health(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET /api/v1/health HTTP/1.1\r\nhost: vigie\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_told_of_the_first() {
    let rig = Rig::new();
    let first = Running::start(&rig);
    assert!(first.health().starts_with("HTTP/1.1 200"), "{}", first.health());
    let second = rig.run(&["serve"]);
    assert_eq!(second.code, 2);
    assert!(second.err.contains(&format!("process {}", first.child.id())), "{}", second.err);
    first.kill();
}

#[test]
fn what_syslog_brought_survives_a_kill_and_appears_once() {
    let rig = Rig::new();
    let running = Running::start(&rig);
    let mut sender = TcpStream::connect(running.syslog).unwrap();
    for number in 0..50 {
        let message = format!(
            "<86>1 2026-11-21T08:00:00Z gate-1 sshd 99 - - Failed password for user{number} from 203.0.113.9 port 4022 ssh2"
        );
        write!(sender, "{} {message}", message.len()).unwrap();
    }
    sender.flush().unwrap();
    wait_for_rows(&running, &rig);
    running.kill();
    let counted = rig
        .ok(&[
            "query",
            "Syslog | where SyslogMessage has 'Failed' | summarize Rows = count(), Users = dcount(SyslogMessage)",
            "--format",
            "csv",
        ])
        .out;
    assert_eq!(counted, "Rows,Users\n50,50\n");
}

/// The log says when they are durable: its segments hold all fifty messages.
fn wait_for_rows(running: &Running, rig: &Rig) {
    for _ in 0..200 {
        let found = files_below(&rig.path().join("data/wal")).into_iter().filter_map(|path| std::fs::read(path).ok());
        let text: Vec<u8> = found.flatten().collect();
        if text.windows(6).any(|window| window == b"user49") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the messages did not reach the log: {}", running.health());
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { vec![entry.path()] })
        .collect()
}
