//! `cargo xtask bench NAME`: the figures of `docs/benchmarks.md`, reproducible by anyone.
//!
//! With `--record` the section of that name is written into the document; otherwise it is only printed.

mod access;
mod age;
mod cold_start;
mod console;
mod dynamic;
mod editor;
mod entitlements;
mod field;
mod hunt;
mod ingest;
mod input;
mod kill;
mod kql;
mod report;
mod scan;
mod sigma;

use anyhow::{Result, bail};

use crate::shell;

/// Runs one benchmark.
pub fn run(arguments: &[String]) -> Result<()> {
    let section = match arguments.first().map(String::as_str) {
        Some("ingest") => ingest::run()?,
        Some("scan") => scan::run()?,
        Some("kill") => kill::run(arguments)?,
        Some("coldstart") => cold_start::run()?,
        Some("hunt") => hunt::run()?,
        Some("dynamic") => dynamic::run(arguments)?,
        Some("age") => age::run(arguments)?,
        Some("kql") => kql::run(arguments)?,
        Some("editor") => editor::run()?,
        Some("sigma") => sigma::run()?,
        Some("console") => console::run()?,
        Some("field") => field::run(arguments)?,
        Some("access") => access::run()?,
        Some("sod") => entitlements::sod()?,
        Some("roles") => entitlements::roles()?,
        Some("outliers") => entitlements::outliers()?,
        _ => bail!(
            "name a benchmark: ingest, scan, hunt, kql, dynamic, age, sigma, kill, coldstart, console, editor, field, \
             access, sod, roles, outliers"
        ),
    };
    println!("\n{}", section.markdown());
    if arguments.iter().any(|argument| argument == "--record") {
        section.record(&shell::root().join("docs/benchmarks.md"))?;
    }
    Ok(())
}
