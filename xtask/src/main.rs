//! `cargo xtask …`: the tasks around the code. Each subcommand is one module.
//!
//! - `demo`: build console and binary, start the platform, play the scenario, print where to look.
//! - `ci`: everything that must hold before a change lands; what `.ci/run` calls.
//! - `tidy`: taste as a test: layers, sizes, words, documents, licences.
//! - `bench NAME`: the figures of `docs/benchmarks.md`, with the peer where there is one.
//! - `fuzz`: the fuzz targets, each from its corpus, with a stable compiler.
//! - `codegen`: OpenAPI document and the console's types from it.
//! - `peers`: other people's programs that tests talk to, from PyPI and npm.
//! - `kql`: our compiler beside the language's own, on queries and on mutations of them.

mod access_desk;
mod api;
mod bench;
mod ci;
mod codegen;
mod demo;
mod fuzz;
mod licences;
mod oracle;
mod peers;
mod platform;
mod play;
mod radio_room;
mod shell;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "cargo xtask <task>

  demo [--no-play] [--port N] [--release]   build everything, start the platform on loopback, play the scenario
  ci                                        format, tidy, lints, tests, console, browser tests, licences
  tidy [--tighten]                          taste as a test; --tighten writes better ratchets back
  bench NAME                                ingest | scan | hunt | kql | editor | dynamic | age | sigma | kill | coldstart |
                                            console | field | access | sod | roles | outliers
  fuzz [SECONDS] [TARGET…]                  the fuzz targets, each from its corpus, 60 seconds each
  browser                                   the console's browser tests against the real server
  peers                                     install the PyPI and npm programs that tests talk to
  codegen                                   openapi.json and the console's types
  kql mutate QUERIES COUNT SEED             queries changed a little, as lines of JSON
  kql agree QUERIES OFFICIAL [ID…]          our verdicts and columns beside those of the language's own compiler
  kql coverage PACKAGE_FOLDER               names of the language that are neither implemented nor refused by name
  play --url URL --user NAME --password P   play the scenario into a running server (syslog ports: --syslog N)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = arguments.split_first().map_or(("", &[][..]), |(task, rest)| (task.as_str(), rest));
    let outcome = match task {
        "demo" => demo::run(rest),
        "ci" => ci::run(rest),
        "tidy" => tidy::run(rest),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(rest),
        "codegen" => codegen::run(rest),
        "kql" => oracle::run(rest),
        "peers" => peers::run(),
        "browser" => demo::browser_tests(),
        "play" => play::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
