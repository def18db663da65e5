//! What the editor needs, from our own compiler: findings, colours, completions, explanations, layout.

mod values;

pub use values::ColumnValues;

use std::sync::Arc;

use crate::action::Action;
use crate::api::words::{byte_offset, utf16_offset};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::table_rights::readable;
use ::kql::catalog::Catalog;
use ::kql::editor::{Class, CompletionKind};
use axum::Json;
use axum::extract::State;
use kernel::Span;
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
    /// `table`, `column`, `function`, `operator`, `keyword`, `value`, …
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
async fn analyze_kql(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<AnalyzeRequest>,
) -> Result<Json<Analysis>, Problem> {
    let started_us = app.clock.monotonic_us();
    let kept = app.library.current().await?;
    let readable = readable(&app, &caller).await?;
    let catalog = Catalog::new(readable.tables).with_kept(&kept);
    let place = request.offset.and_then(|offset| {
        values::wanted(&request.text, byte_offset(&request.text, offset) as usize, &catalog, &readable.grants)
    });
    let offered = place.map(|place| values::offered(&app, place, &request.text)).unwrap_or_default();
    let mut analysis = off_thread(move || analyze(&request.text, request.offset, &catalog)).await?;
    analysis.completions.splice(0..0, offered);
    Ok(Json(Analysis { elapsed_ms: app.elapsed_ms(started_us), ..analysis }))
}

/// Lays a query out.
#[utoipa::path(post, path = "/api/v1/kql/format", tag = "kql", request_body = FormatRequest, responses((status = 200, body = Formatted)))]
async fn format_kql(Body(request): Body<FormatRequest>) -> Result<Json<Formatted>, Problem> {
    let formatted = off_thread(move || {
        let parsed = ::kql::parse(&request.text);
        let words = parsed.diagnostics.iter().map(|diagnostic| DiagnosticWord::of(diagnostic, &request.text));
        Formatted { diagnostics: words.collect(), text: ::kql::format(&request.text) }
    });
    Ok(Json(formatted.await?))
}

/// Runs the compiler away from the threads that serve: a text may have a megabyte.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
}

fn analyze(text: &str, offset: Option<u32>, catalog: &Catalog) -> Analysis {
    let bound = ::kql::compile(text, catalog);
    let at = offset.map(|offset| byte_offset(text, offset) as usize);
    let span = |span: Span| (utf16_offset(text, span.start), utf16_offset(text, span.end));
    let token = |token: &::kql::editor::Classified| {
        let (start, end) = span(token.span);
        SyntaxToken { start, end, kind: class_word(token.class).to_owned() }
    };
    let completion = |completion: ::kql::editor::Completion| {
        let (start, end) = span(completion.replace);
        Completion {
            label: completion.label,
            kind: kind_word(completion.kind).to_owned(),
            detail: Some(completion.detail).filter(|detail| !detail.is_empty()),
            documentation: None,
            insert: completion.insert,
            start,
            end,
        }
    };
    let hover = at.and_then(|at| ::kql::hover(text, at, catalog)).map(|hover| {
        let (start, end) = span(hover.span);
        let (title, rest) = hover.text.split_once('\n').unwrap_or((&hover.text, ""));
        Hover { start, end, title: title.trim().to_owned(), text: rest.trim().to_owned() }
    });
    Analysis {
        diagnostics: bound.diagnostics.iter().map(|diagnostic| DiagnosticWord::of(diagnostic, text)).collect(),
        tokens: ::kql::classify(text, catalog).iter().map(token).collect(),
        completions: at
            .map(|at| ::kql::complete(text, at, catalog))
            .unwrap_or_default()
            .into_iter()
            .map(completion)
            .collect(),
        hover,
        columns: bound.query.map(|query| query.plan.schema.iter().map(Into::into).collect()),
        elapsed_ms: 0.0,
    }
}

const fn class_word(class: Class) -> &'static str {
    match class {
        Class::Comment => "comment",
        Class::String => "string",
        Class::Number => "number",
        Class::Literal => "literal",
        Class::Keyword => "keyword",
        Class::Operator => "operator",
        Class::Function => "function",
        Class::Type => "type",
        Class::Table => "table",
        Class::Name => "column",
        Class::Punctuation => "punctuation",
        Class::Unknown => "unknown",
    }
}

const fn kind_word(kind: CompletionKind) -> &'static str {
    match kind {
        CompletionKind::Column => "column",
        CompletionKind::Variable => "variable",
        CompletionKind::Table => "table",
        CompletionKind::Operator => "operator",
        CompletionKind::Keyword => "keyword",
        CompletionKind::Function => "function",
        CompletionKind::Aggregate => "aggregate",
    }
}
