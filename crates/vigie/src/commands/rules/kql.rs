//! `vigie rules kql`: a rule as KQL.

use std::process::ExitCode;

use anyhow::{Context, Result};
use sigma::Mappings;
use sigma::kql_text::{Tables, kql_text};

use super::select;
use crate::cli::RuleAsKql;
use crate::terminal;

/// Prints the rule as KQL; what the text does not cover is said in it and on the error output.
pub fn run(arguments: &RuleAsKql) -> Result<ExitCode> {
    let rule = select::one(&arguments.rules, &arguments.rule)?;
    let written = kql_text(&rule, &Mappings::shipped(), &Tables::shipped())
        .with_context(|| format!("`{}` ({})", rule.title, rule.id))?;
    for one in &written.left_out {
        eprintln!("left out: {}, because {}", one.gate, one.reason);
    }
    terminal::print(&written.text)?;
    Ok(ExitCode::SUCCESS)
}
