//! What the editor needs, from our own compiler: findings, colours, completions, explanations, layout.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::{ColumnWord, DiagnosticWord};

/// A text under the cursor. Offsets count UTF-16 code units.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeRequest {
    pub text: String,
    /// The cursor; without it there are no completions and no explanation.
    pub offset: Option<u32>,
}

/// What the compiler says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Analysis {
    pub diagnostics: Vec<DiagnosticWord>,
    /// In the order of the text; gaps are blanks.
    pub tokens: Vec<SyntaxToken>,
    pub completions: Vec<Completion>,
    pub hover: Option<Hover>,
    /// The columns of the answer, when the text is valid.
    pub columns: Option<Vec<ColumnWord>>,
    pub elapsed_ms: f64,
}

/// A piece of the text and its colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyntaxToken {
    pub start: u32,
    pub end: u32,
    /// `keyword`, `operator`, `function`, `table`, `column`, `string`, `number`, `comment`, `punctuation`, …
    pub kind: String,
}

/// Something that could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Completion {
    pub label: String,
    /// `table`, `column`, `function`, `operator`, `keyword`, …
    pub kind: String,
    /// A type or a signature.
    pub detail: Option<String>,
    /// One or two sentences.
    pub documentation: Option<String>,
    /// What replaces `start..end`.
    pub insert: String,
    pub start: u32,
    pub end: u32,
}

/// What stands at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hover {
    pub start: u32,
    pub end: u32,
    /// The heading: a name with its type or signature.
    pub title: String,
    pub text: String,
}

/// A text to lay out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormatRequest {
    pub text: String,
}

/// The text laid out; one that cannot be parsed comes back as it was, with the findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Formatted {
    pub text: String,
    pub diagnostics: Vec<DiagnosticWord>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_analyze_kql, Action::Query, analyze_kql);
    routes.add(__path_format_kql, Action::Query, format_kql);
}

/// Findings, colours, completions and explanation for the editor.
#[utoipa::path(post, path = "/api/v1/kql/analyze", tag = "kql", request_body = AnalyzeRequest, responses((status = 200, body = Analysis)))]
async fn analyze_kql() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Lays a query out.
#[utoipa::path(post, path = "/api/v1/kql/format", tag = "kql", request_body = FormatRequest, responses((status = 200, body = Formatted)))]
async fn format_kql() -> Problem {
    Problem::unavailable("being built", 60)
}
