//! Numbers that may only get better. They live in `xtask/ratchets.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Findings;
use super::source::Measured;

/// The state of the house.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ratchets {
    /// Median lines of a Rust file.
    median_file_lines: usize,
    /// Lines that nine of ten Rust files stay under.
    p90_file_lines: usize,
    /// Lines of the longest Rust file; never over 900.
    longest_file_lines: usize,
    /// Files over 600 lines.
    long_files: usize,
    /// Functions over 70 lines; at most 1.5 % of all.
    long_functions: usize,
}

/// Compares what is with what was allowed; with `tighten` writes what is, where it is better.
pub fn check(root: &Path, measured: &Measured, tighten: bool) -> Result<Findings> {
    let path = root.join("xtask/ratchets.toml");
    let text = std::fs::read_to_string(&path).context("reading xtask/ratchets.toml")?;
    let allowed: Ratchets = toml::from_str(&text).context("xtask/ratchets.toml")?;
    let now = Ratchets {
        median_file_lines: quantile(&measured.file_lines, 50),
        p90_file_lines: quantile(&measured.file_lines, 90),
        longest_file_lines: measured.file_lines.last().copied().unwrap_or(0),
        long_files: measured.long_files.len(),
        long_functions: measured.long_functions.len(),
    };
    if tighten {
        std::fs::write(&path, toml::to_string(&tighter(&allowed, &now))?).context("writing xtask/ratchets.toml")?;
    }
    Ok(compare(&allowed, &now, measured))
}

fn quantile(sorted: &[usize], percent: usize) -> usize {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

fn tighter(allowed: &Ratchets, now: &Ratchets) -> Ratchets {
    Ratchets {
        median_file_lines: allowed.median_file_lines.min(now.median_file_lines),
        p90_file_lines: allowed.p90_file_lines.min(now.p90_file_lines),
        longest_file_lines: allowed.longest_file_lines.min(now.longest_file_lines),
        long_files: allowed.long_files.min(now.long_files),
        long_functions: allowed.long_functions.min(now.long_functions),
    }
}

fn compare(allowed: &Ratchets, now: &Ratchets, measured: &Measured) -> Findings {
    let rows = [
        ("median lines of a file", allowed.median_file_lines, now.median_file_lines, String::new()),
        ("90th percentile of lines of a file", allowed.p90_file_lines, now.p90_file_lines, String::new()),
        ("longest file", allowed.longest_file_lines.min(900), now.longest_file_lines, measured.long_files.join(", ")),
        ("files over 600 lines", allowed.long_files, now.long_files, measured.long_files.join(", ")),
        ("functions over 70 lines", allowed.long_functions, now.long_functions, measured.long_functions.join(", ")),
    ];
    let mut findings: Findings = rows
        .into_iter()
        .filter(|(_, allowed, now, _)| now > allowed)
        .map(|(what, allowed, now, where_)| format!("{what}: {now}, the ratchet holds {allowed}. {where_}"))
        .collect();
    if now.long_functions * 1000 > measured.functions * 15 {
        findings.push(format!(
            "{} of {} functions are over 70 lines; 1.5 % may be",
            now.long_functions, measured.functions
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worse_number_is_a_finding_and_a_better_one_tightens() {
        let held = || Ratchets {
            median_file_lines: 200,
            p90_file_lines: 500,
            longest_file_lines: 600,
            long_files: 0,
            long_functions: 1,
        };
        let worse = Ratchets { long_files: 1, ..held() };
        let better = Ratchets { median_file_lines: 150, ..held() };
        let measured = Measured {
            file_lines: vec![],
            functions: 1000,
            long_functions: vec![],
            long_files: vec!["a.rs (700)".into()],
        };
        assert_eq!(compare(&held(), &held(), &measured), Findings::new());
        assert!(compare(&held(), &worse, &measured)[0].contains("a.rs (700)"));
        assert_eq!(tighter(&held(), &better), better);
        assert_eq!(tighter(&held(), &worse), held());
    }
}
