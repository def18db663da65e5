//! Other people's programs: where they are, and how they are started and stopped.
//!
//! `cargo xtask peers` installs them into the folder that `VIGIE_PEERS` names, by default `peers` in the cache of Vigie.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The folder of the peers.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("VIGIE_PEERS") {
        return folder.into();
    }
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("vigie/peers")
}

/// Python with a module, or one line that says what is skipped.
pub fn python(module: &str) -> Option<PathBuf> {
    let python = folder().join("venv/bin/python3");
    let found = std::process::Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: PyPI {module} is not installed; `cargo xtask peers` does it");
    None
}

/// Node with a package, or one line that says what is skipped.
pub fn node(package: &str) -> Option<PathBuf> {
    let modules = folder().join("node/node_modules");
    if modules.join(package).is_dir() {
        return Some(modules);
    }
    println!("skipped: npm {package} is not installed; `cargo xtask peers` does it");
    None
}

/// A program of the machine, or one line that says what is skipped.
pub fn program(name: &str, package: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/lib/dovecot"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed; Debian has it in {package}");
    }
    found
}

/// A running peer, which ends with the check.
pub struct Peer {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub fn start(command: &mut Command) -> Peer {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Peer { stdin: child.stdin.take().unwrap(), lines, child }
    }

    /// A script in Node, with its packages.
    pub fn node(modules: &Path, script: &str) -> Peer {
        Peer::start(Command::new("node").arg("-e").arg(script).env("NODE_PATH", modules))
    }

    /// A script in Python.
    pub fn python(python: &Path, script: &str) -> Peer {
        Peer::start(Command::new(python).arg("-u").arg("-c").arg(script))
    }

    /// Its next line. A peer that says nothing for half a minute is broken.
    pub async fn line(&mut self) -> String {
        let line = tokio::time::timeout(std::time::Duration::from_secs(30), self.lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("the peer says nothing"));
        line.unwrap().unwrap_or_else(|| panic!("the peer has ended: {:?}", self.child))
    }

    /// Its next line that begins with a word, without it.
    pub async fn line_of(&mut self, word: &str) -> String {
        loop {
            if let Some(rest) = self.line().await.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    pub async fn say(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.stdin.flush().await.unwrap();
    }

    /// The port that it says it listens on.
    pub async fn port(&mut self) -> u16 {
        self.line_of("port").await.parse().unwrap()
    }
}

/// Runs a script to its end and gives what it printed.
pub async fn run(command: &mut Command, input: &str) -> String {
    let mut peer = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut stdin = peer.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = peer.wait_with_output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until something holds, looking again after whatever happens on the machine; a minute at most.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..6_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("in a minute it did not happen: {what}");
}
