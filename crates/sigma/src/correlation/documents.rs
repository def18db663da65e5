//! The correlation documents of a file, each with its own text, so that a fault has its line.

use std::path::Path;
use std::sync::Arc;

use rsigma_parser as syntax;
use serde::Deserialize;
use yaml_serde::Value;

use super::read::{self, Draft};
use crate::lower::Refusal;
use crate::problem::{Fault, Problem, line_of};

/// A document with a section `correlation`.
pub(super) struct Document {
    pub text: String,
    /// Lines of the file before it.
    pub lines_before: u32,
    pub yaml: Value,
}

/// What the correlations of one file are, and what is wrong with them.
#[derive(Default)]
pub(crate) struct Correlated {
    pub drafts: Vec<Draft>,
    pub problems: Vec<Problem>,
}

/// Reads `rules`, the correlations that the parser made of `text`. What it said of those that it could not read is
/// taken out of `errors` where it is said again, with its line.
pub(crate) fn read_all(
    file: &Path,
    text: &Arc<str>,
    sha256: &str,
    rules: Vec<syntax::CorrelationRule>,
    errors: &mut Vec<String>,
) -> Correlated {
    let mut correlated = Correlated::default();
    if rules.is_empty() && !errors.iter().any(|error| is_of_correlation(error)) && !text.contains("correlation") {
        return correlated;
    }
    let mut documents = documents(text);
    for rule in rules {
        let name = rule.id.clone().unwrap_or_else(|| rule.title.clone());
        let own = documents.iter().position(|one| one.yaml.get("title").and_then(Value::as_str) == Some(&rule.title));
        let Some(own) = own else {
            let reason = format!("`{}` is put together with `action`: write it out in one document", rule.title);
            let line = line_of(text, "action:");
            correlated.problems.push(Fault::BadCorrelation.at(file, line, Some(name), reason));
            continue;
        };
        let document = documents.remove(own);
        match read::read(rule, &document, file, text, sha256) {
            Ok(draft) => correlated.drafts.push(draft),
            Err(refusal) => correlated.problems.push(document.refused(file, Some(name), refusal)),
        }
    }
    for document in documents {
        let word = |key: &str| document.yaml.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(title) = word("title") else { continue };
        let Err(refusal) = read::meaning(&document.yaml) else { continue };
        // Said better here than by the parser, which knows no line.
        let said = errors.iter().position(|error| is_of_correlation(error) || error.contains(&refusal.reason));
        if let Some(said) = said {
            errors.remove(said);
            correlated.problems.push(document.refused(file, word("id").or(Some(title)), refusal));
        }
    }
    correlated
}

/// Whether the parser speaks of a correlation.
pub(crate) fn is_of_correlation(error: &str) -> bool {
    error.starts_with("Invalid correlation") || error.starts_with("Invalid timespan")
}

fn documents(text: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    let (mut start, mut lines_before, mut at) = (0, 0, 0);
    let mut add = |text: &str, lines_before: u32| {
        let yaml = Value::deserialize(yaml_serde::Deserializer::from_str(text)).ok();
        if let Some(yaml) = yaml.filter(|yaml| yaml.get("correlation").is_some()) {
            documents.push(Document { text: text.to_owned(), lines_before, yaml });
        }
    };
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            add(&text[start..at], lines_before);
            (start, lines_before) = (at + line.len(), number);
        }
        at += line.len();
    }
    add(&text[start..], lines_before);
    documents
}

impl Document {
    fn refused(&self, file: &Path, rule: Option<String>, refusal: Refusal) -> Problem {
        let line = line_of(&self.text, &refusal.near).map(|line| line + self.lines_before);
        refusal.fault.at(file, line, rule, refusal.reason)
    }
}
