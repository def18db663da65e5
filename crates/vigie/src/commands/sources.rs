//! `vigie sources`: what each source delivered, as the lake knows it.

use std::process::ExitCode;

use anyhow::Result;
use lake::LakeStatus;

use super::query;
use crate::cli::{AnswerFormat, Query};
use crate::platform::Ground;
use crate::terminal;

/// Prints one line for each source. Live rates are on the console's page.
pub async fn run(ground: Ground) -> Result<ExitCode> {
    let (lake, replay) = ground.lake().await?;
    drop(replay);
    let status = lake.status().await?;
    lake.close().await?;
    drop(lake);
    let Some(text) = question(&status) else {
        terminal::print("the lake is empty: no source has delivered yet\n")?;
        return Ok(ExitCode::SUCCESS);
    };
    let arguments =
        Query { text: Some(text), batch: None, schemas: None, format: AnswerFormat::Table, from: None, to: None };
    query::run(&arguments, ground).await
}

/// Over the tables that hold rows, with the columns that are asked for and no others; `None`: there are none.
fn question(status: &LakeStatus) -> Option<String> {
    let filled = status.tables.iter().filter(|table| table.rows + table.hot_rows > 0);
    let legs: Vec<String> = filled
        .map(|table| {
            let name = &table.name;
            format!("({name} | project TimeGenerated, _TimeReceived, _SourceName, Table = '{name}')")
        })
        .collect();
    let union = match legs.as_slice() {
        [] => return None,
        [only] => only.clone(),
        several => format!("union {}", several.join(", ")),
    };
    Some(format!(
        "{union} | summarize Rows = count(), Unparsed = countif(Table == '_Unparsed'), Tables = dcount(Table), \
         FirstReceived = min(_TimeReceived), LastReceived = max(_TimeReceived), LastEvent = max(TimeGenerated) \
         by Source = _SourceName | sort by Source asc"
    ))
}
