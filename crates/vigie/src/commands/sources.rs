//! `vigie sources`: what each source delivered, as the lake knows it.

use std::process::ExitCode;

use anyhow::Result;

use super::query;
use crate::cli::{AnswerFormat, Query};
use crate::platform::Ground;

/// Counts over every table; live rates are on the console's page.
const SOURCES: &str = "union withsource=Table * | where isnotempty(_SourceName) \
    | summarize Rows = count(), Unparsed = countif(Table == '_Unparsed'), Tables = dcount(Table), \
      FirstReceived = min(_TimeReceived), LastReceived = max(_TimeReceived), LastEvent = max(TimeGenerated) by Source = _SourceName \
    | sort by Source asc";

/// Prints one line for each source.
pub async fn run(ground: Ground) -> Result<ExitCode> {
    let arguments = Query { text: SOURCES.to_owned(), format: AnswerFormat::Table, from: None, to: None };
    query::run(&arguments, ground).await
}
