//! What is wrong with a line of the duty log, where, and what to do about it, in the reader's language.

use kernel::diagnostic::Level;
use kernel::{Diagnostic, Span};

use crate::speech::{Language, Sentence};

/// One finding about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable: `FLD0012`.
    pub code: &'static str,
    pub level: Level,
    pub message: Sentence,
    pub span: Span,
    /// The remedy, when one is known.
    pub help: Option<Sentence>,
}

impl Finding {
    /// An error at `span`.
    pub(crate) fn error(code: &'static str, span: Span, message: impl Into<Sentence>) -> Finding {
        Finding { code, level: Level::Error, message: message.into(), span, help: None }
    }

    /// A warning at `span`.
    pub(crate) fn warning(code: &'static str, span: Span, message: impl Into<Sentence>) -> Finding {
        Finding { level: Level::Warning, ..Finding::error(code, span, message) }
    }

    /// The same with a remedy.
    #[must_use]
    pub(crate) fn with_help(self, help: impl Into<Sentence>) -> Finding {
        Finding { help: Some(help.into()), ..self }
    }

    /// As everybody's editor shows it, in a language.
    pub fn in_language(&self, language: Language) -> Diagnostic {
        Diagnostic {
            code: self.code.to_owned(),
            level: self.level,
            message: self.message.in_language(language),
            span: self.span,
            help: self.help.as_ref().map(|help| help.in_language(language)),
        }
    }
}
