//! The server as a process: one to a data folder, and killed at any moment.

use std::io::Write;
use std::net::TcpStream;

use crate::rig::Rig;
use crate::running::Running;

#[test]
fn a_second_server_on_the_same_data_is_refused_and_told_of_the_first() {
    let rig = Rig::new();
    let first = Running::start(&rig);
    assert_eq!(first.health().status, 200);
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
    panic!("the messages did not reach the log: {:?}", running.health());
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { vec![entry.path()] })
        .collect()
}
