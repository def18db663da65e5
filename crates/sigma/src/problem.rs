//! What is wrong with a rule or mapping file, where, and what to do about it.

use std::path::{Path, PathBuf};

use kernel::diagnostic::Level;
use serde::Serialize;

/// One finding about one file. An [`Level::Error`] means that the rule it is about was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable: `SIG001`.
    pub code: &'static str,
    pub level: Level,
    pub file: PathBuf,
    /// 1-based, where one is known.
    pub line: Option<u32>,
    /// The id or title of the rule, where it could be read.
    pub rule: Option<String>,
    pub reason: String,
    pub remedy: String,
}

/// The kinds of problem that loading finds. Lint has its own beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unreadable,
    NotYaml,
    NotARule,
    BadDetection,
    MissingList,
    NotEvaluated,
    Duplicate,
    NoTarget,
    Metadata,
    BadCorrelation,
}

impl Fault {
    const fn code(self) -> &'static str {
        match self {
            Fault::Unreadable => "SIG001",
            Fault::NotYaml => "SIG002",
            Fault::NotARule => "SIG003",
            Fault::BadDetection => "SIG004",
            Fault::MissingList => "SIG005",
            Fault::NotEvaluated => "SIG006",
            Fault::Duplicate => "SIG007",
            Fault::NoTarget => "SIG008",
            Fault::Metadata => "SIG009",
            Fault::BadCorrelation => "SIG010",
        }
    }

    const fn level(self) -> Level {
        match self {
            Fault::Metadata | Fault::NoTarget => Level::Warning,
            _ => Level::Error,
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Fault::Unreadable => "make the file readable, UTF-8 and smaller than 8 MiB",
            Fault::NotYaml => "mend the YAML at this place",
            Fault::NotARule => {
                "a rule needs title, logsource and detection with a condition; move other YAML files away"
            }
            Fault::BadDetection => {
                "mend the detection; modifiers are listed in the Sigma specification, appendix modifiers"
            }
            Fault::MissingList => "give the placeholder a list of values, or remove the rule",
            Fault::NotEvaluated => "the rule is left out until this is supported",
            Fault::Duplicate => "give each rule an id of its own, or load only one of them",
            Fault::NoTarget => "name rules by the id or name under which they are loaded",
            Fault::Metadata => "mend the field; the rule is loaded without it",
            Fault::BadCorrelation => "mend the correlation; load the rules that it names, by id or name, along with it",
        }
    }

    pub(crate) fn at(self, file: &Path, line: Option<u32>, rule: Option<String>, reason: String) -> Problem {
        Problem {
            code: self.code(),
            level: self.level(),
            file: file.to_owned(),
            line,
            rule,
            reason,
            remedy: self.remedy().to_owned(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {} {}; {}", self.code, self.reason, self.remedy)
    }
}

/// The 1-based line of the first occurrence of `piece`.
pub(crate) fn line_of(text: &str, piece: &str) -> Option<u32> {
    if piece.is_empty() {
        return None;
    }
    let at = text.find(piece)?;
    u32::try_from(text[..at].matches('\n').count() + 1).ok()
}
