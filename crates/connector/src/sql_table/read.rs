//! Reading: by key, by page, members.

use super::SqlTable;
use super::config::quote;
use super::connection::Text;
use super::statement::{Rows, Table, text_of};
use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::ObjectKey;
use crate::reading::{Key, Member, MemberPage, Page, PageToken, Search};

/// Tombstones of one page.
const TOMBSTONES: usize = 1_000;

/// The column and the text that a key is looked up by.
pub(super) fn lookup<'a>(table: &'a Table, key: &Key) -> Result<(&'a str, Text), ConnectorError> {
    match key {
        Key::Id(id) => Ok((table.mapping.id.as_str(), Some(id.0.clone()))),
        Key::Attribute { name, value } => Ok((table.column_of(name)?, text_of(std::slice::from_ref(value), name)?)),
    }
}

impl SqlTable {
    pub(super) async fn read_one(&self, key: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        let table = self.table(key.class)?;
        let (column, text) = lookup(table, &key.key)?;
        let condition = format!("{} = {}", quote(column)?, table.placeholder(column, 1));
        let rows = self.database.fetch(table.select(&condition, Rows::Living, "LIMIT 2")?, vec![text]).await?;
        let Some(object) = self.one(table, key, rows)? else { return Ok(None) };
        self.with_memberships(object).await.map(Some)
    }

    /// One object of the rows that a key found.
    pub(super) fn one(
        &self,
        table: &Table,
        key: &ObjectKey,
        rows: Vec<Vec<Text>>,
    ) -> Result<Option<Object>, ConnectorError> {
        if rows.len() > 1 {
            let reason = format!("{key} is not one row of `{}`", table.mapping.table);
            return Err(ConnectorError::conflict(reason, Some(Table::id_of(&rows[0]))));
        }
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        table.found(row, &self.rules).map(|found| Some(found.object)).map_err(ConnectorError::garbled)
    }

    async fn with_memberships(&self, mut object: Object) -> Result<Object, ConnectorError> {
        let Some(link) = &self.config.members else { return Ok(object) };
        let sql = format!(
            "SELECT CAST({} AS TEXT) FROM {} WHERE CAST({} AS TEXT) = $1",
            quote(&link.group)?,
            quote(&link.table)?,
            quote(&link.member)?
        );
        let rows = self.database.fetch(sql, vec![Some(object.id.0.clone())]).await?;
        object.memberships = Some(rows.into_iter().flatten().flatten().map(ObjectId::new).collect());
        Ok(object)
    }

    pub(super) async fn search_page(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        let table = self.table(search.class)?;
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        for (name, value) in &search.equals {
            let column = table.column_of(name)?;
            values.push(text_of(std::slice::from_ref(value), name)?);
            conditions.push(format!("{} = {}", quote(column)?, table.placeholder(column, values.len())));
        }
        self.page(table, conditions, values, from, search.limit, Rows::Living).await
    }

    pub(super) async fn deleted_page(
        &self,
        class: ObjectClass,
        from: Option<&PageToken>,
    ) -> Result<Page, ConnectorError> {
        let table = self.table(class)?;
        if table.mapping.deleted.is_none() {
            return Err(ConnectorError::unsupported("show what was deleted: no column marks it"));
        }
        self.page(table, Vec::new(), Vec::new(), from, TOMBSTONES, Rows::Deleted).await
    }

    /// Rows in the order of the primary key, after the one that the token names.
    async fn page(
        &self,
        table: &Table,
        mut conditions: Vec<String>,
        mut values: Vec<Text>,
        from: Option<&PageToken>,
        limit: usize,
        rows: Rows,
    ) -> Result<Page, ConnectorError> {
        let id = &table.mapping.id;
        if let Some(PageToken(after)) = from {
            values.push(Some(after.clone()));
            conditions.push(format!("{} > {}", quote(id)?, table.placeholder(id, values.len())));
        }
        let limit = limit.clamp(1, self.capabilities.page_objects);
        let tail = format!("ORDER BY {} LIMIT {}", quote(id)?, limit + 1);
        let sql = table.select(&conditions.join(" AND "), rows, &tail)?;
        let mut rows = self.database.fetch(sql, values).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| PageToken(Table::id_of(row).0));
        let mut page = Page { next, ..Page::default() };
        for row in rows {
            match table.found(row, &self.rules) {
                Ok(found) => page.objects.push(found.object),
                Err(fault) => page.faults.push(fault),
            }
        }
        Ok(page)
    }

    pub(super) async fn member_page(
        &self,
        group: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        let link = self.link()?;
        let group = self.read_one(group).await?.ok_or_else(|| ConnectorError::not_found(group))?;
        let (table, member) = (quote(&link.table)?, quote(&link.member)?);
        let limit = limit.clamp(1, self.capabilities.page_objects);
        let sql = format!(
            "SELECT m.id, CAST(a.{name} AS TEXT) FROM (SELECT CAST({member} AS TEXT) AS id FROM {table} \
             WHERE CAST({group} AS TEXT) = $1) m LEFT JOIN {accounts} a ON CAST(a.{id} AS TEXT) = m.id \
             WHERE m.id > $2 ORDER BY m.id LIMIT {most}",
            name = quote(&self.accounts.mapping.name)?,
            group = quote(&link.group)?,
            accounts = self.accounts.name,
            id = quote(&self.accounts.mapping.id)?,
            most = limit + 1
        );
        let after = from.map(|token| token.0.clone()).unwrap_or_default();
        let mut rows = self.database.fetch(sql, vec![Some(group.id.0), Some(after)]).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| PageToken(Table::id_of(row).0));
        let member = |row: Vec<Text>| {
            let name = row.get(1).cloned().flatten();
            let class = name.is_some().then_some(ObjectClass::Account);
            Member { id: Table::id_of(&row), name: name.unwrap_or_default(), class }
        };
        Ok(MemberPage { members: rows.into_iter().map(member).collect(), next })
    }
}
