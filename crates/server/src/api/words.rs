//! Words of the HTTP contract that several rooms share: instants, entities, severities, diagnostics, columns.

use kernel::{ColumnSchema, Entity, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};

/// An instant on the wire: ISO 8601 in UTC with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Instant {
        Instant(at)
    }
}

impl Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Instant).map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("ISO 8601 in UTC: 2026-11-21T08:15:00.000000Z"))
            .build()
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Severity)]
pub enum SeverityWord {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl From<Severity> for SeverityWord {
    fn from(severity: Severity) -> SeverityWord {
        match severity {
            Severity::Informational => SeverityWord::Informational,
            Severity::Low => SeverityWord::Low,
            Severity::Medium => SeverityWord::Medium,
            Severity::High => SeverityWord::High,
            Severity::Critical => SeverityWord::Critical,
        }
    }
}

impl From<SeverityWord> for Severity {
    fn from(word: SeverityWord) -> Severity {
        match word {
            SeverityWord::Informational => Severity::Informational,
            SeverityWord::Low => Severity::Low,
            SeverityWord::Medium => Severity::Medium,
            SeverityWord::High => Severity::High,
            SeverityWord::Critical => Severity::Critical,
        }
    }
}

/// What an alert or an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Entity)]
pub struct EntityWord {
    /// `account`, `host`, `ip`, `mailbox`, `file-hash`, `file`, `process`, `url`, `dns`, `cloud-application`,
    /// `registry-key` or `mail-message`.
    pub kind: String,
    /// As the source wrote it.
    pub name: String,
    /// For comparison and in filters: `kind:key`.
    pub key: String,
}

impl From<&Entity> for EntityWord {
    fn from(entity: &Entity) -> EntityWord {
        EntityWord { kind: entity.kind.as_str().to_owned(), name: entity.name.clone(), key: entity.key.clone() }
    }
}

/// A person, as records name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserRef {
    pub id: String,
    /// What to show; the id when the person is not known any more.
    pub name: String,
}

/// Whether a text can be used in spite of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Level)]
pub enum LevelWord {
    Error,
    Warning,
    Hint,
}

/// One finding about a text. Offsets count UTF-16 code units, as browsers do; the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Diagnostic)]
pub struct DiagnosticWord {
    /// Stable and documented: `KQL0012`.
    pub code: String,
    pub level: LevelWord,
    pub message: String,
    pub start: u32,
    pub end: u32,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// The remedy, when one is known.
    pub help: Option<String>,
}

impl DiagnosticWord {
    /// The finding with its place in `text` as a browser counts it.
    pub fn of(diagnostic: &kernel::Diagnostic, text: &str) -> DiagnosticWord {
        let (line, column) = diagnostic.span.line_column(text);
        DiagnosticWord {
            code: diagnostic.code.clone(),
            level: match diagnostic.level {
                kernel::diagnostic::Level::Error => LevelWord::Error,
                kernel::diagnostic::Level::Warning => LevelWord::Warning,
                kernel::diagnostic::Level::Hint => LevelWord::Hint,
            },
            message: diagnostic.message.clone(),
            start: utf16_offset(text, diagnostic.span.start),
            end: utf16_offset(text, diagnostic.span.end),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            help: diagnostic.help.clone(),
        }
    }
}

/// The UTF-16 offset of a byte offset; one inside a character counts as its start, one past the end as the end.
pub fn utf16_offset(text: &str, byte: u32) -> u32 {
    let mut at = (byte as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    u32::try_from(text[..at].encode_utf16().count()).unwrap_or(u32::MAX)
}

/// The byte offset of a UTF-16 offset; one inside a character counts as its start, one past the end as the end.
pub fn byte_offset(text: &str, utf16: u32) -> u32 {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += u32::try_from(character.len_utf16()).unwrap_or(2);
        if units > utf16 {
            return u32::try_from(at).unwrap_or(u32::MAX);
        }
    }
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// One column of a table or of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Column)]
pub struct ColumnWord {
    pub name: String,
    /// A KQL type: `bool`, `int`, `long`, `real`, `decimal`, `string`, `datetime`, `timespan`, `guid`, `dynamic`.
    #[serde(rename = "type")]
    pub scalar: String,
}

impl From<&ColumnSchema> for ColumnWord {
    fn from(column: &ColumnSchema) -> ColumnWord {
        ColumnWord { name: column.name.clone(), scalar: column.scalar.as_str().to_owned() }
    }
}

/// The same words on both sides of a room's border.
macro_rules! same_words {
    ($($api:ident = $room:path { $($word:ident),* })*) => {$(
        impl From<$room> for $api {
            fn from(word: $room) -> $api {
                use $room as Room;
                match word { $(Room::$word => $api::$word),* }
            }
        }
        impl From<$api> for $room {
            fn from(word: $api) -> $room {
                use $room as Room;
                match word { $($api::$word => Room::$word),* }
            }
        }
    )*};
}
pub(crate) use same_words;

/// Why somebody did something. It goes into the ledger with the act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, byte: u32, utf16: u32) {
        assert_eq!(utf16_offset(text, byte), utf16, "{text} at byte {byte}");
        assert_eq!(byte_offset(text, utf16), byte, "{text} at unit {utf16}");
    }

    #[test]
    fn offsets_count_as_a_browser_does() {
        check("abc", 2, 2);
        check("é|x", 2, 1);
        check("🛰|x", 4, 2);
        check("é", 2, 1);
        check("", 0, 0);
    }

    #[test]
    fn offsets_out_of_range_are_held() {
        assert_eq!(utf16_offset("é", 1), 0);
        assert_eq!(utf16_offset("é", 99), 1);
        assert_eq!(byte_offset("🛰", 1), 0);
        assert_eq!(byte_offset("🛰", 99), 4);
    }

    #[test]
    fn instants_travel_as_text() {
        let json = serde_json::to_string(&Instant(Timestamp(0))).unwrap();
        assert_eq!(json, "\"1970-01-01T00:00:00.000000Z\"");
        assert_eq!(serde_json::from_str::<Instant>(&json).unwrap(), Instant(Timestamp(0)));
    }
}
