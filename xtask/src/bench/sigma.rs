//! The Sigma engine with rsigma-eval beside it, measured by the crate `peerbench`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::report::Section;
use crate::{platform, shell};

/// Builds the measuring program, runs each figure in a process of its own, and makes a table of them.
pub fn run() -> Result<Section> {
    let data = shell::shared_data().context("these figures need the shared data: set VIGIE_SHARED_DATA")?;
    let root = shell::root();
    let build = ["build", "--release", "--locked", "-p", "peerbench", "--example", "sigma"];
    shell::run(&root, &shell::cargo(), &build)?;
    let program = platform::target(&root).join("release/examples/sigma");
    let figure = |name: &str, huge_pages: &str| -> Result<Value> {
        println!("measuring: {name}");
        // Huge pages make resident memory a matter of how they happen to be filled.
        let output = Command::new(&program)
            .arg(name)
            .arg(&data)
            .env("MIMALLOC_ALLOW_THP", huge_pages)
            .output()
            .context("starting the measurement")?;
        let line = String::from_utf8_lossy(&output.stdout);
        match serde_json::from_str(&line) {
            Ok(figure) if output.status.success() => Ok(figure),
            _ => bail!("{name} measured nothing: {}", String::from_utf8_lossy(&output.stderr)),
        }
    };
    let streaming = figure("streaming", "1")?;
    let history = figure("history", "1")?;
    let raw = figure("raw", "1")?;
    let mut rows = Vec::new();
    rows.extend(streaming_rows(&streaming));
    rows.extend(history_rows(&history));
    rows.extend(raw_rows(&raw));
    rows.extend(curve_rows(&figure("curve", "1")?));
    rows.extend(footprint_rows(&figure("footprint", "0")?, &figure("footprint", "1")?));
    rows.push(regression_row(&figure("regression", "1")?));
    Ok(Section { name: "sigma", what: what(&streaming, &history, &raw), rows })
}

fn what(streaming: &Value, history: &Value, raw: &Value) -> String {
    format!(
        "One thread; what counts is its time on a processor, the best of three rounds. {} rules of SigmaHQ's folder \
         `rules` on both sides. Streaming and raw: OTRF LSASS_campaign_05, {} events of {} bytes, log source gates on; \
         columns in batches of {} rows, bytes in deliveries of {} lines. History: all {} events of the OTRF sets as one \
         segment, {} values of which {} are distinct within their column, as they are and repeated to {} rows; of the \
         peer every tenth event. rsigma-eval 0.23 reads one JSON event at a time, parsed beforehand except in `raw`; \
         *routed* is told each event's log source, *plain* is not. Ours found {} hits with its gates, the peer {} \
         without any.",
        thousands(&streaming["rules"]),
        thousands(&streaming["events"]),
        thousands(&raw["event_bytes"]),
        thousands(&streaming["batch_rows"]),
        thousands(&raw["delivery_lines"]),
        thousands(&history["events"]),
        thousands(&history["values"]),
        thousands(&history["distinct_texts"]),
        thousands(&history["rows"]),
        thousands(&streaming["hits"]),
        thousands(&streaming["peer_matches"]),
    )
}

fn streaming_rows(found: &Value) -> Vec<[String; 3]> {
    vec![
        row("streaming, events/s", "≥ 1,000,000 (solid 500,000)", &found["events_per_second"]),
        row("— rsigma-eval routed / plain", "", &found["peer_routed_events_per_second"])
            .with(&found["peer_events_per_second"]),
    ]
}

fn history_rows(found: &Value) -> Vec<[String; 3]> {
    let single = format!(
        "{:.1} s median, {:.1} s worst of {} rules",
        number(&found["single_median_s"]),
        number(&found["single_worst_s"]),
        found["single_rules"]
    );
    vec![
        row("history, each event once, events/s", "≥ 5,000,000 (solid 1,000,000)", &found["events_per_second"]),
        row("history, a day that repeats, events/s", "≥ 5,000,000", &found["repeated_events_per_second"]),
        row("— rsigma-eval routed", "", &found["peer_events_per_second"]),
        ["one new rule over 100 M stored events, derived".into(), "≤ 60 s".into(), single],
    ]
}

fn raw_rows(found: &Value) -> Vec<[String; 3]> {
    vec![
        row(
            "NDJSON bytes in, explained alerts out, events/s",
            "≥ 300,000 (solid 100,000)",
            &found["events_per_second"],
        ),
        row("— of this, decoding alone, events/s", "", &found["decode_events_per_second"]),
        row("the same and rows for the lake's tables, events/s", "", &found["rows_events_per_second"]),
        row("— serde_json and rsigma-eval routed", "", &found["peer_events_per_second"]),
    ]
}

fn curve_rows(found: &Value) -> Vec<[String; 3]> {
    let points = found["points"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut rows = Vec::new();
    for point in points {
        let (count, theirs) = (&point["rules"], &point["peer_events_per_second"]);
        let note = if theirs.is_null() { ", the further ones variants of them" } else { "" };
        let per_event_ns = 1e9 / number(&point["events_per_second"]);
        let per_rule_ps = per_event_ns * 1e3 / number(count);
        let peer = if theirs.is_null() { String::new() } else { format!("; rsigma-eval routed {}", thousands(theirs)) };
        let shown = format!(
            "{} events/s: {per_event_ns:.0} ns an event, {per_rule_ps:.0} ps a rule{peer}",
            thousands(&point["events_per_second"])
        );
        rows.push([format!("streaming with {} rules{note}", thousands(count)), String::new(), shown]);
    }
    rows
}

fn footprint_rows(small: &Value, huge: &Value) -> Vec<[String; 3]> {
    let mib = |found: &Value| number(found) / f64::from(1 << 20);
    let grown = format!(
        "{:.0} MiB ({:.0} MiB where the allocator may take huge pages)",
        mib(&small["grown_bytes"]),
        mib(&huge["grown_bytes"])
    );
    let time = format!("{} ms reading, {} ms compiling, on all cores", huge["load_ms"], huge["compile_ms"]);
    let size = format!(
        "{} distinct tests of {} fields, {:.0} MiB of tables and automata",
        thousands(&small["size"]["predicates"]),
        thousands(&small["size"]["fields"]),
        mib(&small["size"]["matcher_bytes"])
    );
    let rules = thousands(&small["rules"]);
    vec![
        [format!("resident memory, {rules} rules with their texts"), "≤ 150 MB".into(), grown],
        ["of these in the engine".into(), String::new(), size],
        [format!("loading {} files", thousands(&small["files"])), String::new(), time],
        ["rules loaded / refused with a reason".into(), "all / 25".into(), format!("{rules} / {}", small["refused"])],
    ]
}

fn regression_row(found: &Value) -> [String; 3] {
    let shown = format!("{} of {} from EVTX, {} from JSON", found["passed_evtx"], found["cases"], found["passed_json"]);
    ["regression cases passed, the given half, gates on".into(), "all".into(), shown]
}

fn row(measure: &str, target: &str, result: &Value) -> [String; 3] {
    [measure.to_owned(), target.to_owned(), thousands(result)]
}

/// A row that shows a second figure.
trait With {
    fn with(self, second: &Value) -> Self;
}

impl With for [String; 3] {
    fn with(mut self, second: &Value) -> Self {
        self[2] = format!("{} / {}", self[2], thousands(second));
        self
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// A whole number with commas.
fn thousands(value: &Value) -> String {
    let digits = format!("{:.0}", number(value));
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_commas() {
        let check = |number: f64, expected: &str| assert_eq!(thousands(&Value::from(number)), expected);
        check(7.4, "7");
        check(1_000.0, "1,000");
        check(123_456.0, "123,456");
        check(1_234_567.0, "1,234,567");
    }
}
