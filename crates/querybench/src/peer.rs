//! DuckDB, in a Python process beside us that answers one line of JSON with another.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A started DuckDB.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// How long one question took it, and what it said.
pub struct Timed {
    pub wall_s: f64,
    pub processor_s: f64,
    pub rows: Vec<Vec<Value>>,
}

impl Peer {
    /// Starts it with `threads` threads over the files of each view.
    pub fn start(python: &Path, script: &Path, threads: usize, views: &[(&str, Vec<PathBuf>)]) -> Result<Peer> {
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {} {}", python.display(), script.display()))?;
        let input = child.stdin.take().context("the peer's input")?;
        let output = BufReader::new(child.stdout.take().context("the peer's output")?);
        let mut peer = Peer { child, input, output };
        let views: serde_json::Map<String, Value> =
            views.iter().map(|(name, files)| ((*name).to_owned(), json!(files))).collect();
        peer.ask(&json!({"threads": threads, "views": views}))?;
        Ok(peer)
    }

    /// What it calls itself.
    pub fn version(&mut self) -> Result<String> {
        Ok(self.ask(&json!({"version": true}))?["version"].as_str().unwrap_or_default().to_owned())
    }

    /// Runs `sql` into a table of its own, then gives the rows of that, which is not timed. `fresh`: in a new database
    /// that remembers nothing.
    pub fn run(&mut self, sql: &str, fresh: bool) -> Result<Timed> {
        let answer = self.ask(&json!({"sql": sql, "fresh": fresh}))?;
        let rows = answer["rows"].as_array().cloned().unwrap_or_default();
        Ok(Timed {
            wall_s: answer["wall_s"].as_f64().unwrap_or(f64::NAN),
            processor_s: answer["processor_s"].as_f64().unwrap_or(f64::NAN),
            rows: rows.into_iter().map(|row| row.as_array().cloned().unwrap_or_default()).collect(),
        })
    }

    fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.input, "{question}").context("the peer takes no questions any more")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line).context("the peer's answer")?;
        let answer: Value = serde_json::from_str(&line).context("the peer stopped; its message is above")?;
        match answer.get("error") {
            Some(error) => bail!("the peer refuses {question}: {error}"),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
