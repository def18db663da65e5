//! Writing. One operation and a thousand take the same path: read by key, settle, write, commit.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::SqlTable;
use super::config::quote;
use super::connection::{Text, Tx};
use super::read::lookup;
use super::statement::{Rows, Table, text_of};
use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{Change, Effect, NewObject, Operation, Outcome};
use crate::plan::{Modification, ValueChange};
use crate::settle::{Step, Writes, settle};

/// Values bound to one statement; both engines take at least 32,000.
const MOST_VALUES: usize = 16_000;

type Answers = Vec<Result<Outcome, ConnectorError>>;

/// A column with the value that it gets.
type Cells<'a> = Vec<(&'a str, Text)>;

/// Its place in the batch, the id of its operation, its values.
type NewRow<'a> = (usize, &'a str, Vec<Text>);

impl SqlTable {
    /// Runs of operations that do not touch the same object, each in one transaction.
    pub(super) async fn write_batch(&self, operations: &[Operation]) -> Answers {
        let mut answers = Vec::with_capacity(operations.len());
        for run in runs(operations, self.capabilities.bulk_operations) {
            match self.write_run(run).await {
                Ok(outcomes) if outcomes.iter().all(Result::is_ok) || run.len() == 1 => answers.extend(outcomes),
                Err(error) if run.len() == 1 => answers.push(Err(error)),
                // Something failed and everything was rolled back: each for itself.
                Ok(_) | Err(_) => {
                    for operation in run {
                        let alone = self.write_run(std::slice::from_ref(operation)).await;
                        answers.push(alone.and_then(|mut one| one.pop().unwrap_or_else(|| Err(unanswered()))));
                    }
                }
            }
        }
        answers
    }

    /// All of them in one transaction, which is committed only when each went well.
    pub(super) async fn write_run(&self, run: &[Operation]) -> Result<Answers, ConnectorError> {
        let mut tx = self.database.begin().await?;
        let existing = self.read_all(&mut tx, run).await?;
        let mut answers: Vec<Option<Result<Outcome, ConnectorError>>> = vec![None; run.len()];
        let mut creates: BTreeMap<ObjectClass, Vec<(usize, &NewObject)>> = BTreeMap::new();
        for (at, operation) in run.iter().enumerate() {
            let table = self.table(operation.object.class)?;
            let object = match &existing[at] {
                Ok(object) => object.as_ref(),
                Err(error) => {
                    answers[at] = Some(Err(error.clone()));
                    continue;
                }
            };
            let answer = match settle(operation, object, &table.schema) {
                Err(error) => Err(error),
                Ok(Step::Done(outcome)) => Ok(outcome),
                Ok(Step::Create(new)) => {
                    creates.entry(table.class).or_default().push((at, new));
                    continue;
                }
                Ok(step) => self.carry_out(&mut tx, table, operation, object, step).await,
            };
            answers[at] = Some(answer);
        }
        for (class, new) in creates {
            let table = self.table(class)?;
            for (at, answer) in self.insert(&mut tx, table, run, &new).await? {
                answers[at] = Some(answer);
            }
        }
        let answers: Answers = answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(unanswered()))).collect();
        if answers.iter().all(Result::is_ok) {
            tx.commit().await?;
        }
        Ok(answers)
    }

    /// What is there under the key of each operation.
    async fn read_all(
        &self,
        tx: &mut Tx,
        run: &[Operation],
    ) -> Result<Vec<Result<Option<Object>, ConnectorError>>, ConnectorError> {
        let mut wanted: BTreeMap<(ObjectClass, String), Vec<String>> = BTreeMap::new();
        for operation in run {
            let table = self.table(operation.object.class)?;
            let (column, text) = lookup(table, &operation.object.key)?;
            wanted.entry((table.class, column.to_owned())).or_default().extend(text);
        }
        let mut found: HashMap<(ObjectClass, String, String), Vec<Vec<Text>>> = HashMap::new();
        for ((class, column), texts) in wanted {
            let table = self.table(class)?;
            for some in texts.chunks(MOST_VALUES) {
                let places: Vec<String> = (1..=some.len()).map(|at| table.placeholder(&column, at)).collect();
                let condition = format!("{} IN ({})", quote(&column)?, places.join(", "));
                // The key is selected last, so that rows find their operations.
                let keyed = table.select_with(&column, &condition)?;
                for mut row in tx.fetch(keyed, some.iter().cloned().map(Some).collect()).await? {
                    let key = row.pop().flatten().unwrap_or_default();
                    found.entry((class, column.clone(), key)).or_default().push(row);
                }
            }
        }
        run.iter()
            .map(|operation| {
                let table = self.table(operation.object.class)?;
                let (column, text) = lookup(table, &operation.object.key)?;
                let rows = found.get(&(table.class, column.to_owned(), text.unwrap_or_default()));
                Ok(self.one(table, &operation.object, rows.cloned().unwrap_or_default()))
            })
            .collect()
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        table: &Table,
        operation: &Operation,
        object: Option<&Object>,
        step: Step<'_>,
    ) -> Result<Outcome, ConnectorError> {
        match step {
            Step::Write(writes) => {
                let object = object.ok_or_else(|| ConnectorError::not_found(&operation.object))?;
                let cells = self.cells_of(table, operation, &writes)?;
                update(tx, table, object, cells, writes.if_version).await?;
                Ok(writes.outcome(object, None))
            }
            Step::Membership => {
                let group = object.ok_or_else(|| ConnectorError::not_found(&operation.object))?;
                self.membership(tx, group, &operation.change).await
            }
            Step::Delete => {
                let object = object.ok_or_else(|| ConnectorError::not_found(&operation.object))?;
                self.delete(tx, table, operation, object).await
            }
            Step::Restore => self.undelete(tx, table, operation).await,
            Step::Done(outcome) => Ok(outcome),
            Step::Create(_) => Err(ConnectorError::garbled("creation is done for many at once")),
        }
    }

    fn cells_of<'a>(
        &self,
        table: &'a Table,
        operation: &Operation,
        writes: &Writes<'_>,
    ) -> Result<Cells<'a>, ConnectorError> {
        let mapping = &table.mapping;
        let mut cells: Cells<'a> = Vec::new();
        for Modification { attribute, change } in &writes.modifications {
            let values = match change {
                ValueChange::Replace(values) => values,
                ValueChange::AddRemove { add, .. } => add,
            };
            cells.push((table.column_of(attribute)?, text_of(values, attribute)?));
        }
        if let Some(name) = writes.name {
            cells.push((&mapping.name, Some(name.to_owned())));
        }
        if let Some(container) = writes.container {
            cells.push((container_column(table)?, Some(container.to_owned())));
        }
        if let Some(enabled) = writes.enabled {
            let column = enabled_column(table)?;
            cells.push((&column.column, Some(column.write(enabled))));
        }
        if let Some(expires) = writes.expires {
            cells.push((expires_column(table)?, expires.map(|at| table.expires_text(at)).transpose()?));
        }
        if writes.password.is_some() {
            return Err(ConnectorError::unsupported("set passwords"));
        }
        cells.extend(mapping.operation.as_deref().map(|column| (column, Some(operation.id.clone()))));
        Ok(cells)
    }

    /// Rows with the same columns travel in one statement.
    async fn insert(
        &self,
        tx: &mut Tx,
        table: &Table,
        run: &[Operation],
        new: &[(usize, &NewObject)],
    ) -> Result<Vec<(usize, Result<Outcome, ConnectorError>)>, ConnectorError> {
        let mut answers = Vec::new();
        let mut shapes: BTreeMap<Vec<&str>, Vec<NewRow<'_>>> = BTreeMap::new();
        for (at, object) in new {
            match new_cells(table, &run[*at], object) {
                Ok(cells) => {
                    let (columns, values) = cells.into_iter().unzip();
                    shapes.entry(columns).or_default().push((*at, object.name.as_str(), values));
                }
                Err(error) => answers.push((*at, Err(error))),
            }
        }
        for (columns, rows) in shapes {
            for some in rows.chunks((MOST_VALUES / columns.len().max(1)).max(1)) {
                answers.extend(insert_rows(tx, table, &columns, some).await?);
            }
        }
        Ok(answers)
    }

    async fn membership(&self, tx: &mut Tx, group: &Object, change: &Change) -> Result<Outcome, ConnectorError> {
        let link = self.link()?;
        let (table, group_column, member_column) = (quote(&link.table)?, quote(&link.group)?, quote(&link.member)?);
        let (group_type, member_type) = (self.id_type(ObjectClass::Group)?, self.id_type(ObjectClass::Account)?);
        let here = format!("{group_column} = CAST($1 AS {group_type}) AND {member_column} = CAST($2 AS {member_type})");
        let changed = match change {
            Change::AddMember { member, until } => {
                let ids = vec![Some(group.id.0.clone()), Some(member.0.clone())];
                self.must_be(tx, member).await?;
                let there = tx.fetch(format!("SELECT 1 || '' FROM {table} WHERE {here}"), ids.clone()).await?;
                match (&link.until, there.is_empty()) {
                    (None, _) if until.is_some() => {
                        return Err(ConnectorError::unsupported(
                            "end a membership by itself: no column is mapped for it",
                        ));
                    }
                    (None, false) => 0,
                    (None, true) => {
                        let sql = format!(
                            "INSERT INTO {table} ({group_column}, {member_column}) \
                             VALUES (CAST($1 AS {group_type}), CAST($2 AS {member_type}))"
                        );
                        tx.execute(sql, ids).await?
                    }
                    (Some(until_column), present) => {
                        self.timed(tx, link, until_column, ids, until.map(|at| at.to_string()), present).await?
                    }
                }
            }
            Change::RemoveMember { member } => {
                let ids = vec![Some(group.id.0.clone()), Some(member.0.clone())];
                tx.execute(format!("DELETE FROM {table} WHERE {here}"), ids).await?
            }
            _ => return Err(ConnectorError::invalid("not a membership")),
        };
        Ok(outcome(group, if changed > 0 { Effect::Applied } else { Effect::AlreadyDone }))
    }

    /// A membership with an end. `missing`: there is none yet.
    async fn timed(
        &self,
        tx: &mut Tx,
        link: &super::LinkMapping,
        until_column: &str,
        ids: Vec<Text>,
        until: Text,
        missing: bool,
    ) -> Result<u64, ConnectorError> {
        let (table, group, member) = (quote(&link.table)?, quote(&link.group)?, quote(&link.member)?);
        let (group_type, member_type) = (self.id_type(ObjectClass::Group)?, self.id_type(ObjectClass::Account)?);
        let until_sql = if self.database.is_postgres() {
            // Text and time columns both take it.
            format!("(SELECT CAST($3 AS TEXT)){}", self.until_cast(tx, link, until_column).await?)
        } else {
            "$3".to_owned()
        };
        let until_column = quote(until_column)?;
        let mut values = ids;
        values.push(until);
        let sql = if missing {
            format!(
                "INSERT INTO {table} ({group}, {member}, {until_column}) \
                 VALUES (CAST($1 AS {group_type}), CAST($2 AS {member_type}), {until_sql})"
            )
        } else {
            let differs = if self.database.is_postgres() { "IS DISTINCT FROM" } else { "IS NOT" };
            format!(
                "UPDATE {table} SET {until_column} = {until_sql} WHERE {group} = CAST($1 AS {group_type}) AND \
                 {member} = CAST($2 AS {member_type}) AND {until_column} {differs} {until_sql}"
            )
        };
        tx.execute(sql, values).await
    }

    async fn until_cast(&self, tx: &mut Tx, link: &super::LinkMapping, column: &str) -> Result<String, ConnectorError> {
        let sql = "SELECT format_type(atttypid, atttypmod)::text FROM pg_attribute \
                   WHERE attrelid = to_regclass($1)::oid AND attname = $2";
        let rows = tx.fetch(sql.to_owned(), vec![Some(quote(&link.table)?), Some(column.to_owned())]).await?;
        let kind = rows.into_iter().flatten().flatten().next().unwrap_or_else(|| "text".to_owned());
        Ok(format!("::{kind}"))
    }

    async fn must_be(&self, tx: &mut Tx, member: &ObjectId) -> Result<(), ConnectorError> {
        let table = &self.accounts;
        let condition = format!("{} = {}", quote(&table.mapping.id)?, table.placeholder(&table.mapping.id, 1));
        let rows = tx.fetch(table.select(&condition, Rows::Living, "")?, vec![Some(member.0.clone())]).await?;
        if rows.is_empty() { Err(ConnectorError::not_found(format!("account `{member}`"))) } else { Ok(()) }
    }

    fn id_type(&self, class: ObjectClass) -> Result<&str, ConnectorError> {
        let table = self.table(class)?;
        Ok(table.column_type(&table.mapping.id))
    }

    async fn delete(
        &self,
        tx: &mut Tx,
        table: &Table,
        operation: &Operation,
        object: &Object,
    ) -> Result<Outcome, ConnectorError> {
        if let Some(column) = &table.mapping.deleted {
            let mut cells: Cells<'_> = vec![(&column.column, Some(column.write(true)))];
            cells.extend(table.mapping.operation.as_deref().map(|column| (column, Some(operation.id.clone()))));
            update(tx, table, object, cells, None).await?;
            return Ok(outcome(object, Effect::Applied));
        }
        let (id, name) = (&table.mapping.id, &table.name);
        let sql = format!("DELETE FROM {name} WHERE {} = {}", quote(id)?, table.placeholder(id, 1));
        tx.execute(sql, vec![Some(object.id.0.clone())]).await?;
        Ok(outcome(object, Effect::Applied))
    }

    async fn undelete(&self, tx: &mut Tx, table: &Table, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let Some(column) = &table.mapping.deleted else {
            return Err(ConnectorError::unsupported("bring back what was deleted: no column marks it"));
        };
        let (by, text) = lookup(table, &operation.object.key)?;
        let condition = format!("{} = {}", quote(by)?, table.placeholder(by, 1));
        let rows = tx.fetch(table.select(&condition, Rows::Deleted, "LIMIT 2")?, vec![text]).await?;
        let object = self.one(table, &operation.object, rows)?;
        let object = object.ok_or_else(|| ConnectorError::not_found(&operation.object))?;
        update(tx, table, &object, vec![(&column.column, Some(column.write(false)))], None).await?;
        Ok(outcome(&object, Effect::Applied))
    }
}

fn unanswered() -> ConnectorError {
    ConnectorError::garbled("the operation has no answer; read the object to see whether it was done")
}

fn outcome(object: &Object, effect: Effect) -> Outcome {
    let version = object.version.clone();
    Outcome { id: object.id.clone(), name: object.name.clone(), effect, changed: Vec::new(), version }
}

/// Slices in which no object is written twice (memberships of one group are apart by member).
fn runs(operations: &[Operation], most: usize) -> Vec<&[Operation]> {
    let mut runs = Vec::new();
    let (mut start, mut seen) = (0, HashSet::new());
    for (at, operation) in operations.iter().enumerate() {
        if at - start >= most || !seen.insert(touched(operation)) {
            runs.push(&operations[start..at]);
            start = at;
            seen.clear();
            seen.insert(touched(operation));
        }
    }
    if start < operations.len() {
        runs.push(&operations[start..]);
    }
    runs
}

fn touched(operation: &Operation) -> (String, Option<&ObjectId>) {
    let member = match &operation.change {
        Change::AddMember { member, .. } | Change::RemoveMember { member } => Some(member),
        _ => None,
    };
    (operation.object.to_string(), member)
}

fn container_column(table: &Table) -> Result<&str, ConnectorError> {
    let column = table.mapping.container.as_deref();
    column.ok_or_else(|| ConnectorError::unsupported("move objects: no column is mapped for it"))
}

fn enabled_column(table: &Table) -> Result<&super::EnabledColumn, ConnectorError> {
    let column = table.mapping.enabled.as_ref();
    column.ok_or_else(|| ConnectorError::unsupported("disable accounts: no column is mapped for it"))
}

fn expires_column(table: &Table) -> Result<&str, ConnectorError> {
    let column = table.mapping.expires.as_ref().map(|column| column.column.as_str());
    column.ok_or_else(|| ConnectorError::unsupported("end an account by itself: no column is mapped for it"))
}

/// The columns of a new row. The correlation is one of them, whatever the attributes say.
fn new_cells<'a>(table: &'a Table, operation: &Operation, new: &NewObject) -> Result<Cells<'a>, ConnectorError> {
    let mapping = &table.mapping;
    if new.password.is_some() {
        return Err(ConnectorError::unsupported("set passwords"));
    }
    let mut cells: BTreeMap<&'a str, Text> = BTreeMap::new();
    for (attribute, values) in new.attributes.iter() {
        cells.insert(table.column_of(attribute)?, text_of(values, attribute)?);
    }
    cells.insert(&mapping.name, Some(new.name.clone()));
    if let Some(container) = &new.container {
        cells.insert(container_column(table)?, Some(container.clone()));
    }
    if let Some(enabled) = new.enabled {
        let column = enabled_column(table)?;
        cells.insert(&column.column, Some(column.write(enabled)));
    }
    if let Some(at) = new.expires {
        cells.insert(expires_column(table)?, Some(table.expires_text(at)?));
    }
    if let Some(column) = &mapping.deleted {
        cells.insert(&column.column, Some(column.write(false)));
    }
    if let Some(column) = &mapping.operation {
        cells.insert(column, Some(operation.id.clone()));
    }
    let (column, text) = lookup(table, &operation.object.key)?;
    cells.insert(column, text);
    Ok(cells.into_iter().collect())
}

async fn insert_rows(
    tx: &mut Tx,
    table: &Table,
    columns: &[&str],
    rows: &[(usize, &str, Vec<Text>)],
) -> Result<Vec<(usize, Result<Outcome, ConnectorError>)>, ConnectorError> {
    let mut number = 0;
    let row_sql = rows.iter().map(|_| {
        let places = columns.iter().map(|column| {
            number += 1;
            table.placeholder(column, number)
        });
        format!("({})", places.collect::<Vec<_>>().join(", "))
    });
    let places = row_sql.collect::<Vec<_>>().join(", ");
    let names = columns.iter().map(|column| quote(column)).collect::<Result<Vec<_>, _>>()?.join(", ");
    let (id, name) = (quote(&table.mapping.id)?, quote(&table.mapping.name)?);
    let sql = format!(
        "INSERT INTO {} ({names}) VALUES {places} RETURNING CAST({id} AS TEXT), CAST({name} AS TEXT)",
        table.name
    );
    let values = rows.iter().flat_map(|(_, _, values)| values.iter().cloned()).collect();
    let made = tx.fetch(sql, values).await?;
    // No engine promises the order of what it returns; names are unique.
    let mut ids: HashMap<String, ObjectId> = HashMap::with_capacity(made.len());
    for row in made {
        ids.insert(row.get(1).cloned().flatten().unwrap_or_default(), Table::id_of(&row));
    }
    let answer = |(at, name, _): &(usize, &str, Vec<Text>)| {
        let id = ids.get(*name).cloned().ok_or_else(|| {
            ConnectorError::garbled(format!("the database changed the name `{name}` while it stored it"))
        });
        let outcome =
            |id| Outcome { id, name: (*name).to_owned(), effect: Effect::Applied, changed: Vec::new(), version: None };
        (*at, id.map(outcome))
    };
    Ok(rows.iter().map(answer).collect())
}

async fn update(
    tx: &mut Tx,
    table: &Table,
    object: &Object,
    cells: Cells<'_>,
    if_version: Option<&str>,
) -> Result<(), ConnectorError> {
    let mut values = Vec::with_capacity(cells.len() + 2);
    let mut sets = Vec::with_capacity(cells.len());
    for (column, text) in cells {
        values.push(text);
        sets.push(format!("{} = {}", quote(column)?, table.placeholder(column, values.len())));
    }
    values.push(Some(object.id.0.clone()));
    let id = &table.mapping.id;
    let mut condition = format!("{} = {}", quote(id)?, table.placeholder(id, values.len()));
    if let (Some(version), Some(column)) = (if_version, &table.mapping.version) {
        values.push(Some(version.to_owned()));
        condition.push_str(&format!(" AND {} = {}", quote(column)?, table.placeholder(column, values.len())));
    }
    let sql = format!("UPDATE {} SET {} WHERE {condition}", table.name, sets.join(", "));
    match tx.execute(sql, values).await? {
        1 => Ok(()),
        0 => Err(ConnectorError::conflict(
            format!("`{}` was changed or deleted at this very moment", object.name),
            Some(object.id.clone()),
        )),
        many => Err(ConnectorError::conflict(format!("`{}` is {many} rows", object.name), Some(object.id.clone()))),
    }
}
