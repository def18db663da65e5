//! Taste as a test: what can be checked of the house's style is checked here, and only ever tightens.

pub mod layers;
mod ratchets;
mod source;
mod words;

use anyhow::{Result, bail};

use crate::{licences, shell};

/// Everything that tidy found wrong; each says where and what to do.
pub type Findings = Vec<String>;

/// Checks the whole repository; `--tighten` writes better ratchets back.
pub fn run(arguments: &[String]) -> Result<()> {
    let root = shell::root();
    let files = source::tracked(&root)?;
    let mut findings = layers::check(&root)?;
    findings.extend(words::check(&files));
    let measured = source::measure(&files, &mut findings);
    let tighten = arguments.iter().any(|argument| argument == "--tighten");
    findings.extend(ratchets::check(&root, &measured, tighten)?);
    findings.extend(licences::check(&root)?);
    if findings.is_empty() {
        println!("tidy: {} files, {} functions, nothing to say", files.len(), measured.functions);
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    bail!("{} findings", findings.len())
}
