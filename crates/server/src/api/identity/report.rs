//! The whole report for auditors: who had what on a day and why, as it was known on another; written as it is computed.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use identity::{PAST_COLUMNS, PastQuestion};
use kernel::id::PersonId;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::sees_restricted;
use crate::action::Action;
use crate::answer::{csv_line, csv_text};
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;

/// People whose rows are computed together.
const TOGETHER: usize = 50;
const MOST_PEOPLE: u32 = 1_000_000;

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportFormat {
    /// As RFC 4180 has it; what a spreadsheet would run as a formula begins with an apostrophe.
    #[default]
    Csv,
    /// An object on each line.
    Ndjson,
}

/// When, as it was known when, and of what.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportFilter {
    /// Absent: now.
    #[param(value_type = Option<String>)]
    pub on: Option<Instant>,
    /// Absent: as it is known now.
    #[param(value_type = Option<String>)]
    pub known: Option<Instant>,
    pub system: Option<String>,
    /// Its name in its system, or `system/name`.
    pub entitlement: Option<String>,
    /// `csv`, as without it, or `ndjson`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub format: ReportFormat,
}

/// Registers the operation.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_report_past_access, Action::ReadIdentity, report_past_access);
}

/// Who had what on a day, and why: everybody, or whoever had something; one row for each grant. A report that breaks off ends
/// without the last line: in CSV a record whose first cell is `END` with the number of rows, in NDJSON an object with `end`.
#[utoipa::path(get, path = "/api/v1/identity/past-access", tag = "identity", params(ReportFilter), responses((status = 200, body = String, content_type = "text/csv")))]
async fn report_past_access(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<ReportFilter>,
) -> Result<Response, Problem> {
    let now = app.identity.now();
    let known = filter.known.map_or(now, |known| known.0);
    if known > now {
        return Err(Problem::invalid("what will be known then is not known yet").with("field", "known"));
    }
    let question = PastQuestion {
        on: filter.on.map_or(now, |on| on.0),
        known,
        system: filter.system,
        entitlement: filter.entitlement,
    };
    let all = sees_restricted(&app, &caller);
    let people = app.identity.search_people("", MOST_PEOPLE).await?;
    let people = people.into_iter().filter(|person| all || !person.restricted).map(|person| person.id).collect();
    let (kind, extension) = match filter.format {
        ReportFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        ReportFormat::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let file = format!("attachment; filename=\"access-{}.{extension}\"", question.on.date_text());
    let report = Report { app, question, people, format: filter.format, begun: false, rows: 0 };
    let pieces = futures::stream::unfold(Some(report), |report| async move {
        let mut report = report?;
        Some(match report.piece().await {
            Ok((piece, true)) => (Ok(piece), Some(report)),
            Ok((piece, false)) => (Ok(piece), None),
            Err(error) => (Err(std::io::Error::other(error)), None),
        })
    });
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// A report on its way.
struct Report {
    app: Arc<App>,
    question: PastQuestion,
    people: VecDeque<PersonId>,
    format: ReportFormat,
    begun: bool,
    rows: u64,
}

impl Report {
    /// What is written next, and whether there is more.
    async fn piece(&mut self) -> Result<(String, bool), identity::Error> {
        let mut out = String::new();
        if !self.begun && self.format == ReportFormat::Csv {
            csv_line(&mut out, PAST_COLUMNS.iter().map(|name| (*name).to_owned()));
        }
        self.begun = true;
        for _ in 0..TOGETHER {
            let Some(person) = self.people.pop_front() else { break };
            for row in self.app.identity.past_rows(person, &self.question).await? {
                self.rows += 1;
                self.write(&mut out, &row);
            }
        }
        let more = !self.people.is_empty();
        if !more {
            match self.format {
                ReportFormat::Csv => csv_line(&mut out, ["END".to_owned(), self.rows.to_string()].into_iter()),
                ReportFormat::Ndjson => out.push_str(&format!("{}\n", json!({ "end": self.rows }))),
            }
        }
        Ok((out, more))
    }

    fn write(&self, out: &mut String, row: &[String]) {
        match self.format {
            ReportFormat::Csv => csv_line(out, row.iter().map(|cell| csv_text(cell))),
            ReportFormat::Ndjson => {
                let named = PAST_COLUMNS.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), json!(cell)));
                out.push_str(&serde_json::Value::Object(named.collect()).to_string());
                out.push('\n');
            }
        }
    }
}
