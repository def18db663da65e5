//! Tables of facts in a query: what the database is asked, and which rows are the asker's.

use std::collections::BTreeSet;

use kernel::ColumnSchema;
use kernel::port::{FactCondition, FactScan, FactTables, FactTest, QueryError, QueryRequest, RowScope, TableGrant};
use kql::algebra::Narrowing;

use super::lower::{Source, batch_of};

/// Reads a table of facts: the columns that the query reads of the rows that it wants, and that the asker may see.
pub(super) async fn open(
    facts: &dyn FactTables,
    name: &str,
    read: &BTreeSet<String>,
    narrowing: Narrowing,
    request: &QueryRequest,
) -> Result<Source, QueryError> {
    let schema = facts.tables().into_iter().find(|table| table.name == name);
    let schema = schema.ok_or_else(|| QueryError::Engine(format!("table {name} has gone")))?;
    let columns: Vec<ColumnSchema> = schema.columns.into_iter().filter(|column| read.contains(&column.name)).collect();
    let mut scan = FactScan {
        table: name.to_owned(),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        conditions: narrowing.conditions,
        limit: narrowing.limit,
    };
    let scope = scope_of(request, name);
    if let Some(scope) = scope {
        scan.columns.push(scope.column.clone());
        let test = FactTest::OneOf(scope.values.clone());
        scan.conditions.push(FactCondition { column: scope.column.clone(), test });
        // The database may give rows of others, which would use the limit up.
        scan.limit = None;
    }
    let mut rows = facts.scan(&scan).await.map_err(QueryError::Engine)?;
    if let Some(scope) = scope {
        rows.retain(|row| row.last().is_some_and(|value| scope.values.contains(value)));
        rows.iter_mut().for_each(|row| row.truncate(columns.len()));
    }
    let batch = batch_of(&rows, &columns).map_err(|error| QueryError::Engine(error.to_string()))?;
    Ok(Source::Rows { columns, batch })
}

/// Which rows of a table the asker may see, where it is not all of them.
pub(super) fn scope_of<'r>(request: &'r QueryRequest, table: &str) -> Option<&'r RowScope> {
    request.tables.as_deref().and_then(|grants| grant_of(grants, table)).and_then(|grant| grant.rows.as_ref())
}

/// What the asker may read of a table.
pub(super) fn grant_of<'g>(grants: &'g [TableGrant], table: &str) -> Option<&'g TableGrant> {
    grants.iter().find(|grant| grant.name == table)
}

#[cfg(test)]
mod tests {
    use kernel::{Timestamp, Value};

    use super::*;

    #[test]
    fn a_scope_is_that_of_its_table() {
        let scope = RowScope { column: "Organisation".to_owned(), values: vec![Value::String("one".to_owned())] };
        let grants = [TableGrant::whole("A"), TableGrant { name: "B".to_owned(), rows: Some(scope.clone()) }];
        let request = QueryRequest { tables: Some(grants.into()), ..QueryRequest::new("", Timestamp(0)) };
        assert_eq!(scope_of(&request, "A"), None);
        assert_eq!(scope_of(&request, "B"), Some(&scope));
        assert_eq!(scope_of(&QueryRequest::new("", Timestamp(0)), "B"), None);
    }
}
