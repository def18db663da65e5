//! One section of `docs/benchmarks.md`.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// What a benchmark found.
pub struct Section {
    pub name: &'static str,
    /// What was done, with which input.
    pub what: String,
    /// Measure, target, result.
    pub rows: Vec<[String; 3]>,
}

impl Section {
    /// The section as Markdown, with the machine.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "## {}\n\n{}\n\n{}\n\n| measure | target | result |\n|---|---|---|\n",
            self.name,
            self.what,
            machine()
        );
        for [measure, target, result] in &self.rows {
            let _ = writeln!(text, "| {measure} | {target} | {result} |");
        }
        text
    }

    /// Replaces the section of this name in the document, or adds it.
    pub fn record(&self, document: &Path) -> Result<()> {
        let text = std::fs::read_to_string(document).with_context(|| format!("reading {}", document.display()))?;
        let heading = format!("## {}\n", self.name);
        let text = match text.find(&heading) {
            Some(start) => {
                let rest = &text[start + heading.len()..];
                let end = rest.find("\n## ").map_or(text.len(), |at| start + heading.len() + at + 1);
                format!("{}{}{}", &text[..start], self.markdown(), &text[end..].trim_start_matches('\n'))
            }
            None => format!("{}\n\n{}", text.trim_end(), self.markdown()),
        };
        std::fs::write(document, text).with_context(|| format!("writing {}", document.display()))
    }
}

/// Cores, memory and processor: what the figures depend on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| line.split(':').nth(1).map(|value| value.trim().to_owned()))
            .unwrap_or_else(|| "unknown".into())
    };
    let (processor, memory) = (field(&read("/proc/cpuinfo"), "model name"), field(&read("/proc/meminfo"), "MemTotal"));
    let load: Vec<String> = read("/proc/loadavg").split(' ').take(3).map(str::to_owned).collect();
    format!("Machine: {cores} cores ({processor}), memory {memory}, load {}.", load.join(" "))
}
