//! The published regression cases, from EVTX and from JSON, behind the log source gates.

use std::path::Path;

use anyhow::{Context, Result};
use intake::Format;
use serde_json::{Value, json};
use sigma::{Engine, Mappings};

use crate::{events, rules};

/// How many of the given cases pass in each form, and which do not.
pub fn measure(data: &Path) -> Result<Value> {
    let engine = Engine::compile(rules::active(data)?.rules, &Mappings::shipped());
    let (mut cases, mut passed, mut failed) = (0, [0, 0], Vec::new());
    for entry in walkdir::WalkDir::new(data.join("sigma/regression_data")).sort_by_file_name().into_iter().flatten() {
        if entry.file_name() != "info.yml" {
            continue;
        }
        let Some((rule, least)) = case(entry.path())? else { continue };
        cases += 1;
        let forms = [("evtx", Format::Evtx), ("json", Format::WindowsJson)];
        for ((extension, format), passed) in forms.into_iter().zip(&mut passed) {
            let file = entry.path().with_file_name(format!("{rule}.{extension}"));
            let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let columns = &events::decoded(&bytes, format, false).events.columns;
            let hits = engine.evaluate(columns).hits;
            let matches = hits.iter().filter(|hit| engine.rules()[hit.rule as usize].id == rule).count() as u64;
            *passed += usize::from(matches >= least);
            if matches < least {
                failed.push(format!("{rule} from {extension}: {matches} of {least}"));
            }
        }
    }
    Ok(json!({
        "cases": cases, "passed_evtx": passed[0], "passed_json": passed[1], "failed": failed,
        "rules": engine.rules().len(),
    }))
}

/// The rule of a case and how often it must match; `None` for a case without events.
fn case(info: &Path) -> Result<Option<(String, u64)>> {
    let text = std::fs::read_to_string(info).with_context(|| format!("reading {}", info.display()))?;
    let yaml: yaml_serde::Value = yaml_serde::from_str(&text).with_context(|| info.display().to_string())?;
    let first = |list: &str| yaml.get(list).and_then(|list| list.get(0)).cloned();
    let (Some(test), Some(about)) = (first("regression_tests_info"), first("rule_metadata")) else { return Ok(None) };
    let rule = about.get("id").and_then(yaml_serde::Value::as_str).context("a case names its rule")?;
    let least = test.get("match_count").and_then(yaml_serde::Value::as_u64).unwrap_or(1);
    Ok(Some((rule.to_owned(), least)))
}
