//! Accounts in a CSV file (RFC 4180) that another system reads.
//!
//! A write replaces the whole file at once: a new file beside it, flushed to disk, then renamed over it, so that a reader
//! sees the old one or the new one. Writers of this program take turns by a lock file; a file that somebody else changed
//! between our reading and our replacing is noticed and left alone. Columns and rows that we do not know stay as they are.

use std::collections::HashMap;
use std::fs::{File, Permissions};
use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, TargetIdentity};
use crate::error::{ConnectorError, ErrorKind};
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{Effect, NewObject, ObjectKey, Operation, Outcome};
use crate::plan::ValueChange;
use crate::protection::ProtectionRules;
use crate::reading::{Key, MemberPage, Page, PageToken, Search};
use crate::schema::{AttributeSchema, ClassSchema, Schema};
use crate::settle::{Step, Writes, settle};
use crate::value::{AttributeName, AttributeValue};

/// The largest file that is read.
const LARGEST_BYTES: u64 = 256 << 20;

/// Which file, and what its columns mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvFileConfig {
    pub path: PathBuf,
    #[serde(default = "comma")]
    pub delimiter: char,
    /// The column whose value never changes and is unique.
    pub id: String,
    /// The column with what people sign in with.
    pub name: String,
    #[serde(default)]
    pub enabled: Option<YesNoColumn>,
    /// Columns with several values, and what stands between them.
    #[serde(default)]
    pub several: Vec<SeveralValues>,
}

fn comma() -> char {
    ','
}

/// A column that says yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YesNoColumn {
    pub column: String,
    pub yes: String,
    pub no: String,
}

/// A column with several values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeveralValues {
    pub column: String,
    pub separator: char,
}

/// A CSV file of accounts.
pub struct CsvFile {
    config: CsvFileConfig,
    rules: ProtectionRules,
    capabilities: Capabilities,
}

impl CsvFile {
    /// A connector to the file; it has to be there with its header.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) names the column that is missing.
    pub fn open(config: CsvFileConfig, rules: ProtectionRules) -> Result<CsvFile, ConnectorError> {
        let mut capabilities = Capabilities::of(
            &[ObjectClass::Account],
            &[Capability::Create, Capability::Update, Capability::Delete, Capability::Rename, Capability::Bulk],
        );
        capabilities.bulk_operations = 10_000;
        if config.enabled.is_some() {
            capabilities.can.insert(Capability::Disable);
        }
        let file = CsvFile { config, rules, capabilities };
        Sheet::read(&file.config)?;
        Ok(file)
    }

    fn schema_of(&self, sheet: &Sheet) -> ClassSchema {
        let attribute = |column: &String| AttributeSchema {
            multi_valued: self.separator(column).is_some(),
            required: *column == self.config.id,
            ..AttributeSchema::text(column)
        };
        ClassSchema::of(sheet.header.iter().map(attribute))
    }

    fn separator(&self, column: &str) -> Option<char> {
        self.config.several.iter().find(|several| several.column == column).map(|several| several.separator)
    }

    fn object(&self, sheet: &Sheet, row: &[String]) -> Result<Object, String> {
        let cell = |at: usize| row.get(at).map(String::as_str).unwrap_or_default();
        let (id, name) = (cell(sheet.id), cell(sheet.name));
        let mut object = Object::new(ObjectClass::Account, id, name);
        for (at, column) in sheet.header.iter().enumerate() {
            let text = cell(at);
            if let Some(enabled) = self.config.enabled.as_ref().filter(|enabled| enabled.column == *column) {
                object.enabled = Some(if text == enabled.yes {
                    true
                } else if text == enabled.no {
                    false
                } else {
                    return Err(format!(
                        "`{id}`: `{column}` is `{text}`, neither `{}` nor `{}`",
                        enabled.yes, enabled.no
                    ));
                });
                continue;
            }
            let values: Vec<AttributeValue> = match self.separator(column) {
                Some(separator) => {
                    text.split(separator).map(str::trim).filter(|one| !one.is_empty()).map(Into::into).collect()
                }
                None if text.is_empty() => Vec::new(),
                None => vec![text.into()],
            };
            if !values.is_empty() {
                object.attributes.set(column.as_str(), values);
            }
        }
        object.protection = self.rules.of(&object);
        Ok(object)
    }

    /// The row under a key.
    fn find(&self, sheet: &Sheet, key: &ObjectKey) -> Result<Option<usize>, ConnectorError> {
        must_be_account(key.class)?;
        let (column, wanted) = match &key.key {
            Key::Id(id) => (sheet.id, id.0.clone()),
            Key::Attribute { name, value } => (sheet.column(name)?, value.to_string()),
        };
        if column == sheet.id {
            return Ok(sheet.by_id.get(&wanted).copied());
        }
        let mut found = (0..sheet.rows.len()).filter(|row| sheet.rows[*row].get(column) == Some(&wanted));
        match (found.next(), found.next()) {
            (Some(row), Some(_)) => {
                let id = sheet.rows[row].get(sheet.id).cloned().map(ObjectId);
                Err(ConnectorError::conflict(format!("{key} is more than one row"), id))
            }
            (first, _) => Ok(first),
        }
    }

    /// Writes cells of a sheet in memory.
    fn apply(&self, sheet: &mut Sheet, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let row = self.find(sheet, &operation.object)?;
        let existing = row.map(|row| self.object(sheet, &sheet.rows[row]));
        let existing = existing.transpose().map_err(ConnectorError::garbled)?;
        let schema = self.schema_of(sheet);
        match settle(operation, existing.as_ref(), &schema)? {
            Step::Done(outcome) => Ok(outcome),
            Step::Create(new) => self.create(sheet, &operation.object, new),
            Step::Write(writes) => {
                let (row, object) = row.zip(existing).ok_or_else(|| ConnectorError::not_found(&operation.object))?;
                self.change(sheet, row, &object, &writes)
            }
            Step::Delete => {
                let (row, object) = row.zip(existing).ok_or_else(|| ConnectorError::not_found(&operation.object))?;
                sheet.remove(row);
                Ok(outcome(&object.id.0, &object.name, Effect::Applied))
            }
            Step::Membership => Err(ConnectorError::unsupported("hold members of groups")),
            Step::Restore => Err(ConnectorError::unsupported("bring back what was deleted")),
        }
    }

    fn create(&self, sheet: &mut Sheet, key: &ObjectKey, new: &NewObject) -> Result<Outcome, ConnectorError> {
        let mut row = vec![String::new(); sheet.header.len()];
        for (name, values) in new.attributes.iter() {
            row[sheet.column(name)?] = self.cell(name, values)?;
        }
        row[sheet.name].clone_from(&new.name);
        match &key.key {
            Key::Id(id) => row[sheet.id].clone_from(&id.0),
            Key::Attribute { name, value } => row[sheet.column(name)?] = value.to_string(),
        }
        if let Some(column) = &self.config.enabled {
            let word = if new.enabled.unwrap_or(true) { &column.yes } else { &column.no };
            row[sheet.column(&column.column.as_str().into())?].clone_from(word);
        }
        if new.password.is_some() || new.expires.is_some() || new.container.is_some() {
            return Err(ConnectorError::unsupported("hold passwords, ends or containers"));
        }
        let id = row[sheet.id].clone();
        if id.is_empty() {
            return Err(ConnectorError::invalid(format!("the column `{}` stays empty; it is the id", self.config.id)));
        }
        let taken =
            sheet.by_id.contains_key(&id) || sheet.rows.iter().any(|other| other.get(sheet.name) == Some(&new.name));
        if taken {
            return Err(ConnectorError::conflict(
                format!("id `{id}` or name `{}` is taken", new.name),
                Some(ObjectId(id)),
            ));
        }
        sheet.by_id.insert(id.clone(), sheet.rows.len());
        sheet.rows.push(row);
        sheet.changed = true;
        Ok(outcome(&id, &new.name, Effect::Applied))
    }

    fn change(
        &self,
        sheet: &mut Sheet,
        row: usize,
        object: &Object,
        writes: &Writes<'_>,
    ) -> Result<Outcome, ConnectorError> {
        let mut cells: Vec<(usize, String)> = Vec::new();
        for modification in &writes.modifications {
            let values = match &modification.change {
                ValueChange::Replace(values) => values.clone(),
                ValueChange::AddRemove { add, remove } => {
                    let kept = object.attributes.values(modification.attribute.as_str());
                    kept.iter().filter(|value| !remove.contains(value)).chain(add).cloned().collect()
                }
            };
            let column = sheet.column(&modification.attribute)?;
            if column == sheet.id {
                return Err(ConnectorError::invalid(format!(
                    "`{}` is the id; it never changes",
                    modification.attribute
                )));
            }
            cells.push((column, self.cell(&modification.attribute, &values)?));
        }
        if let Some(name) = writes.name {
            cells.push((sheet.name, name.to_owned()));
        }
        if let Some(enabled) = writes.enabled {
            let Some(column) = &self.config.enabled else {
                return Err(ConnectorError::unsupported("disable accounts: no column is named for it"));
            };
            let word = if enabled { &column.yes } else { &column.no };
            cells.push((sheet.column(&column.column.as_str().into())?, word.clone()));
        }
        if writes.password.is_some() || writes.expires.is_some() || writes.container.is_some() {
            return Err(ConnectorError::unsupported("hold passwords, ends or containers"));
        }
        for (column, text) in cells {
            sheet.rows[row][column] = text;
        }
        sheet.changed = true;
        Ok(writes.outcome(object, None))
    }

    fn cell(&self, name: &AttributeName, values: &[AttributeValue]) -> Result<String, ConnectorError> {
        let separator = self.separator(name.as_str());
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        match (separator, texts.as_slice()) {
            (_, []) => Ok(String::new()),
            (None, [one]) => Ok(one.clone()),
            (None, several) => {
                Err(ConnectorError::invalid(format!("`{name}` has {} values; its column holds one", several.len())))
            }
            (Some(separator), several) => match several.iter().find(|text| text.contains(separator)) {
                Some(bad) => {
                    Err(ConnectorError::invalid(format!("`{name}`: `{bad}` contains the separator `{separator}`")))
                }
                None => Ok(several.join(&separator.to_string())),
            },
        }
    }

    fn write_now(&self, operations: &[Operation]) -> Vec<Result<Outcome, ConnectorError>> {
        let all_fail = |error: ConnectorError| operations.iter().map(|_| Err(error.clone())).collect();
        let lock = match Lock::take(&self.config.path) {
            Ok(lock) => lock,
            Err(error) => return all_fail(error),
        };
        let mut sheet = match Sheet::read(&self.config) {
            Ok(sheet) => sheet,
            Err(error) => return all_fail(error),
        };
        let outcomes = operations.iter().map(|operation| self.apply(&mut sheet, operation)).collect();
        if sheet.changed
            && let Err(error) = sheet.replace(&self.config)
        {
            return all_fail(error);
        }
        drop(lock);
        outcomes
    }
}

fn must_be_account(class: ObjectClass) -> Result<(), ConnectorError> {
    match class {
        ObjectClass::Account => Ok(()),
        other => Err(ConnectorError::unsupported(format!("hold objects of class {other}"))),
    }
}

fn outcome(id: &str, name: &str, effect: Effect) -> Outcome {
    Outcome { id: ObjectId::new(id), name: name.to_owned(), effect, changed: Vec::new(), version: None }
}

fn io_failure(path: &Path, error: &std::io::Error) -> ConnectorError {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::Invalid,
        std::io::ErrorKind::PermissionDenied => ErrorKind::Auth,
        _ => ErrorKind::Transient,
    };
    ConnectorError::new(kind, format!("{}: {error}", path.display()))
}

/// A file in memory.
struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    by_id: HashMap<String, usize>,
    id: usize,
    name: usize,
    /// As they were, to write them back so.
    mark: bool,
    crlf: bool,
    original: Vec<u8>,
    changed: bool,
}

impl Sheet {
    fn read(config: &CsvFileConfig) -> Result<Sheet, ConnectorError> {
        let path = &config.path;
        let length = std::fs::metadata(path).map_err(|error| io_failure(path, &error))?.len();
        if length > LARGEST_BYTES {
            return Err(ConnectorError::invalid(format!("{} is larger than {LARGEST_BYTES} bytes", path.display())));
        }
        let original = std::fs::read(path).map_err(|error| io_failure(path, &error))?;
        let mark = original.starts_with(b"\xef\xbb\xbf");
        let text = std::str::from_utf8(&original[if mark { 3 } else { 0 }..]).map_err(|error| {
            ConnectorError::garbled(format!("{}: byte {} is no UTF-8", path.display(), error.valid_up_to()))
        })?;
        let delimiter = u8::try_from(config.delimiter)
            .map_err(|_| ConnectorError::invalid("the delimiter is one ASCII character"))?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(false)
            .from_reader(text.as_bytes());
        let mut records = reader.records().map(|record| {
            let fault = |error: csv::Error| ConnectorError::garbled(format!("{}: {error}", path.display()));
            record.map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>()).map_err(fault)
        });
        let header = records.next().transpose()?.unwrap_or_default();
        let place = |column: &str| {
            header.iter().position(|name| name == column).ok_or_else(|| {
                // Whoever reads this may not be whom the file is for: its own words are not shown.
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                ConnectorError::invalid(format!("{name} has no column `{column}` among its {}", header.len()))
            })
        };
        let (id, name) = (place(&config.id)?, place(&config.name)?);
        for column in config.enabled.iter().map(|one| &one.column).chain(config.several.iter().map(|one| &one.column)) {
            place(column)?;
        }
        let rows = records.collect::<Result<Vec<_>, _>>()?;
        let mut by_id = HashMap::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            if by_id.insert(row[id].clone(), at).is_some() {
                let reason = format!("{}: two rows have the id `{}`; mend the file", path.display(), row[id]);
                return Err(ConnectorError::garbled(reason));
            }
        }
        let crlf = text.contains("\r\n");
        Ok(Sheet { header, rows, by_id, id, name, mark, crlf, original, changed: false })
    }

    fn column(&self, attribute: &AttributeName) -> Result<usize, ConnectorError> {
        let place = self.header.iter().position(|name| name.eq_ignore_ascii_case(attribute.as_str()));
        place.ok_or_else(|| ConnectorError::invalid(format!("the file has no column `{attribute}`")))
    }

    fn remove(&mut self, row: usize) {
        self.rows.remove(row);
        self.by_id = self.rows.iter().enumerate().map(|(at, row)| (row[self.id].clone(), at)).collect();
        self.changed = true;
    }

    fn bytes(&self, config: &CsvFileConfig) -> Result<Vec<u8>, ConnectorError> {
        let mut bytes = if self.mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        let terminator = if self.crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let delimiter = u8::try_from(config.delimiter).unwrap_or(b',');
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(terminator).from_writer(&mut bytes);
        let fault = |error: csv::Error| ConnectorError::garbled(format!("the file cannot be written: {error}"));
        writer.write_record(&self.header).map_err(fault)?;
        for row in &self.rows {
            writer.write_record(row).map_err(fault)?;
        }
        writer.flush().map_err(|error| io_failure(&config.path, &error))?;
        drop(writer);
        Ok(bytes)
    }

    /// Puts a new file in the place of the old one, which must still be what was read.
    fn replace(&self, config: &CsvFileConfig) -> Result<(), ConnectorError> {
        let path = &config.path;
        let fail = |error: std::io::Error| io_failure(path, &error);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = beside(path, "new");
        let mut file = File::create(&beside).map_err(fail)?;
        let permissions: Permissions = std::fs::metadata(path).map_err(fail)?.permissions();
        file.set_permissions(permissions).map_err(fail)?;
        file.write_all(&self.bytes(config)?).and_then(|()| file.sync_all()).map_err(fail)?;
        if std::fs::read(path).map_err(fail)? != self.original {
            std::fs::remove_file(&beside).map_err(fail)?;
            return Err(ConnectorError::transient(format!("{} was changed by somebody else just now", path.display())));
        }
        std::fs::rename(&beside, path).map_err(fail)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)
    }
}

/// `.accounts.csv.new` beside `accounts.csv`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{end}"))
}

/// Held by the writer whose turn it is; let go when dropped, also by the death of the process.
struct Lock(#[expect(dead_code, reason = "the lock lives as long as its file is open")] File);

impl Lock {
    fn take(path: &Path) -> Result<Lock, ConnectorError> {
        let place = beside(path, "lock");
        let file = File::create(&place).map_err(|error| io_failure(&place, &error))?;
        file.lock().map_err(|error| io_failure(&place, &error))?;
        Ok(Lock(file))
    }
}

#[async_trait]
impl Connector for CsvFile {
    fn kind(&self) -> &'static str {
        "csv"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        Sheet::read(&self.config)?;
        let directory = self.config.path.display().to_string();
        Ok(TargetIdentity { product: "CSV".to_owned(), directory, incarnation: None })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        let sheet = Sheet::read(&self.config)?;
        Ok(Schema { classes: [(ObjectClass::Account, self.schema_of(&sheet))].into() })
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        let sheet = Sheet::read(&self.config)?;
        let row = self.find(&sheet, object)?;
        row.map(|row| self.object(&sheet, &sheet.rows[row])).transpose().map_err(ConnectorError::garbled)
    }

    /// Pages follow the ids, so that a file that changed in between neither hides nor repeats a row.
    async fn search(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        must_be_account(search.class)?;
        let sheet = Sheet::read(&self.config)?;
        let mut ids: Vec<(&String, usize)> = sheet.by_id.iter().map(|(id, row)| (id, *row)).collect();
        ids.sort_unstable();
        let mut page = Page::default();
        let mut looked = 0;
        for (_, row) in ids.into_iter().filter(|(id, _)| from.is_none_or(|token| **id > token.0)) {
            if looked == search.limit.max(1) {
                page.next = page.objects.last().map(|last: &Object| PageToken(last.id.0.clone()));
                break;
            }
            match self.object(&sheet, &sheet.rows[row]) {
                Ok(object) => {
                    let has = |(name, value): &(AttributeName, AttributeValue)| {
                        object.attributes.values(name.as_str()).iter().any(|one| one.to_string() == value.to_string())
                    };
                    if search.equals.iter().all(has) {
                        page.objects.push(object);
                        looked += 1;
                    }
                }
                Err(fault) => page.faults.push(fault),
            }
        }
        Ok(page)
    }

    async fn members(
        &self,
        _group: &ObjectKey,
        _from: Option<&PageToken>,
        _limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        Err(ConnectorError::unsupported("hold members of groups"))
    }

    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let mut outcomes = self.write_all(std::slice::from_ref(operation)).await;
        outcomes.pop().unwrap_or_else(|| Err(ConnectorError::garbled("the operation has no answer")))
    }

    async fn write_all(&self, operations: &[Operation]) -> Vec<Result<Outcome, ConnectorError>> {
        self.write_now(operations)
    }
}
