//! Everything that must hold before a change lands, in the order that fails soonest.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{codegen, demo, shell, tidy};

/// Runs every step; stops at the first that fails.
pub fn run(_arguments: &[String]) -> Result<()> {
    let root = shell::root();
    let started = now();
    step("format", || shell::run(&root, &shell::cargo(), &["fmt", "--all", "--check"]))?;
    step("tidy and licences", || tidy::run(&[]))?;
    step("console: install", || shell::run(&root.join("console"), "npm", &["ci", "--no-audit", "--no-fund"]))?;
    step("console: types, sizes", || shell::run(&root.join("console"), "npm", &["run", "check"]))?;
    step("console: tests", || shell::run(&root.join("console"), "npm", &["test"]))?;
    step("console: bundle", || shell::run(&root.join("console"), "npm", &["run", "build"]))?;
    step("lints", || lints(&root))?;
    step("tests", || tests(&root))?;
    step("generated files are fresh", || codegen::check(&root))?;
    step("browser tests on the real server", demo::browser_tests)?;
    println!("ci: everything holds, {} s", started.elapsed().as_secs());
    Ok(())
}

fn lints(root: &Path) -> Result<()> {
    shell::run(root, &shell::cargo(), &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

/// nextest where it is installed, else `cargo test`: the same tests either way.
fn tests(root: &Path) -> Result<()> {
    let cargo = shell::cargo();
    if shell::has("cargo-nextest") {
        return shell::run(root, &cargo, &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
    }
    shell::run(root, &cargo, &["test", "--workspace", "--locked", "--no-fail-fast"])
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("==> {name}");
    let started = now();
    work().with_context(|| format!("step `{name}`"))?;
    println!("<== {name}: {} s", started.elapsed().as_secs());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a task reports how long its steps took")]
fn now() -> Instant {
    Instant::now()
}
