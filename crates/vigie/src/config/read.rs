//! Reading values: default, then file, then environment, then command line; each remembers its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::Value;

use super::settings::{self, Kind, Setting};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::CommandLine => f.write_str("command line"),
        }
    }
}

/// The configuration cannot be used; the operator is to blame, and the text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not TOML: {source}")]
    NotToml { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{origin}: there is no setting `{key}`{}", hint.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown { key: String, origin: Origin, hint: Option<&'static str> },
    #[error("{key} = {value} (from {origin}): expected {expected}")]
    Wrong { key: &'static str, value: String, origin: Origin, expected: String },
    #[error("{path}: `{key}` is a secret and is never read from the file; set {variable} or {variable}_FILE")]
    SecretInFile { key: &'static str, path: PathBuf, variable: String },
}

/// Values with their origins.
#[derive(Debug)]
pub struct Resolved {
    values: BTreeMap<&'static str, (Value, Origin)>,
}

impl Resolved {
    /// Reads `file` when given (it must then exist), else `vigie.toml` in the working folder when there is one;
    /// `variable` looks up the environment; `overrides` are `key=value` of the command line.
    pub fn read(
        file: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
        overrides: &[(String, String)],
    ) -> Result<Resolved, ConfigError> {
        let mut resolved = Resolved { values: BTreeMap::new() };
        for setting in settings::all() {
            let value = toml_value(setting.default).expect("defaults are TOML: the example file's test reads them");
            resolved.values.insert(setting.key, (value, Origin::Default));
        }
        let implied = Path::new("vigie.toml");
        if let Some(path) = file.or_else(|| implied.is_file().then_some(implied)) {
            resolved.take_file(path)?;
        }
        for setting in settings::all() {
            resolved.take_variable(setting, variable)?;
        }
        for (key, value) in overrides {
            let setting = find(key, &Origin::CommandLine)?;
            let value = typed(setting, value, &Origin::CommandLine)?;
            resolved.values.insert(setting.key, (value, Origin::CommandLine));
        }
        Ok(resolved)
    }

    fn take_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let tables: toml::Table =
            text.parse().map_err(|source| ConfigError::NotToml { path: path.to_owned(), source: Box::new(source) })?;
        let origin = Origin::File(path.to_owned());
        for (section, keys) in tables {
            let Value::Table(keys) = keys else {
                return Err(ConfigError::Unknown { key: section, origin, hint: None });
            };
            for (key, value) in keys {
                let setting = find(&format!("{section}.{key}"), &origin)?;
                if setting.kind == Kind::Secret {
                    let (path, variable) = (path.to_owned(), setting.variable());
                    return Err(ConfigError::SecretInFile { key: setting.key, path, variable });
                }
                check_kind(setting, &value, &origin)?;
                self.values.insert(setting.key, (value, origin.clone()));
            }
        }
        Ok(())
    }

    fn take_variable(
        &mut self,
        setting: &'static Setting,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), ConfigError> {
        let name = setting.variable();
        if let Some(text) = variable(&name) {
            let origin = Origin::Environment(name);
            self.values.insert(setting.key, (typed(setting, &text, &origin)?, origin));
        } else if setting.kind == Kind::Secret
            && let Some(path) = variable(&format!("{name}_FILE"))
        {
            let path = PathBuf::from(path);
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            let value = Value::String(text.trim_end_matches(['\r', '\n']).to_owned());
            self.values.insert(setting.key, (value, Origin::File(path)));
        }
        Ok(())
    }

    /// Key, value as TOML (secrets hidden) and origin of every setting, in the order of the reference.
    pub fn rows(&self) -> Vec<(&'static str, String, String)> {
        settings::all()
            .map(|setting| {
                let (value, origin) = self.value(setting.key);
                let hidden = setting.kind == Kind::Secret;
                let shown = match value {
                    Value::String(text) if hidden && text.is_empty() => "not set".to_owned(),
                    _ if hidden => "set, not shown".to_owned(),
                    value => value.to_string(),
                };
                (setting.key, shown, origin.to_string())
            })
            .collect()
    }

    fn value(&self, key: &'static str) -> &(Value, Origin) {
        self.values.get(key).expect("every setting has a default")
    }

    /// A text, `""` when empty.
    pub fn text(&self, key: &'static str) -> Result<&str, ConfigError> {
        let (value, _) = self.value(key);
        value.as_str().ok_or_else(|| self.wrong(key, "a text"))
    }

    /// A whole number that is not negative.
    pub fn integer(&self, key: &'static str) -> Result<u64, ConfigError> {
        let (value, _) = self.value(key);
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| self.wrong(key, "a whole number that is not negative"))
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &'static str) -> Result<bool, ConfigError> {
        let (value, _) = self.value(key);
        value.as_bool().ok_or_else(|| self.wrong(key, "true or false"))
    }

    /// A value parsed from its text form.
    pub fn parsed<T: FromStr>(&self, key: &'static str, expected: &str) -> Result<T, ConfigError> {
        let (value, _) = self.value(key);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().map_err(|_| self.wrong(key, expected))
    }

    /// An address, `None` when empty.
    pub fn address(&self, key: &'static str) -> Result<Option<SocketAddr>, ConfigError> {
        if self.text(key)?.is_empty() { Ok(None) } else { self.parsed(key, "an address such as 0.0.0.0:514").map(Some) }
    }

    /// A path, `None` when empty.
    pub fn path(&self, key: &'static str) -> Result<Option<PathBuf>, ConfigError> {
        Ok(Some(self.text(key)?).filter(|text| !text.is_empty()).map(PathBuf::from))
    }

    /// A list of paths.
    pub fn paths(&self, key: &'static str) -> Result<Vec<PathBuf>, ConfigError> {
        let (value, _) = self.value(key);
        let items = value.as_array().ok_or_else(|| self.wrong(key, "a list of folders"))?;
        items
            .iter()
            .map(|item| item.as_str().map(PathBuf::from).ok_or_else(|| self.wrong(key, "a list of folders")))
            .collect()
    }

    fn wrong(&self, key: &'static str, expected: &str) -> ConfigError {
        let (value, origin) = self.value(key);
        ConfigError::Wrong { key, value: value.to_string(), origin: origin.clone(), expected: expected.to_owned() }
    }
}

fn find(key: &str, origin: &Origin) -> Result<&'static Setting, ConfigError> {
    settings::all().find(|setting| setting.key == key).ok_or_else(|| {
        let last = key.rsplit('.').next().unwrap_or(key);
        let hint =
            settings::all().map(|setting| setting.key).find(|known| known.ends_with(last) || known.contains(last));
        ConfigError::Unknown { key: key.to_owned(), origin: origin.clone(), hint }
    })
}

/// Text of the environment or command line as the setting's kind.
fn typed(setting: &'static Setting, text: &str, origin: &Origin) -> Result<Value, ConfigError> {
    let value = match setting.kind {
        Kind::Text | Kind::Secret => Some(Value::String(text.to_owned())),
        Kind::Integer => text.trim().parse().ok().map(Value::Integer),
        Kind::Boolean => text.trim().parse().ok().map(Value::Boolean),
        Kind::List => {
            let parts = text.split(':').filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
    };
    value.ok_or_else(|| wrong_kind(setting, text.to_owned(), origin))
}

fn check_kind(setting: &'static Setting, value: &Value, origin: &Origin) -> Result<(), ConfigError> {
    let fits = match setting.kind {
        Kind::Text | Kind::Secret => value.is_str(),
        Kind::Integer => value.is_integer(),
        Kind::Boolean => value.is_bool(),
        Kind::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_str)),
    };
    if fits { Ok(()) } else { Err(wrong_kind(setting, value.to_string(), origin)) }
}

fn wrong_kind(setting: &'static Setting, value: String, origin: &Origin) -> ConfigError {
    let expected = match setting.kind {
        Kind::Text | Kind::Secret => "a text",
        Kind::Integer => "a whole number",
        Kind::Boolean => "true or false",
        Kind::List => "a list of texts",
    };
    ConfigError::Wrong { key: setting.key, value, origin: origin.clone(), expected: expected.to_owned() }
}

fn toml_value(text: &str) -> Option<Value> {
    format!("value = {text}").parse::<toml::Table>().ok()?.remove("value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(
        file: Option<&str>,
        environment: &[(&str, &str)],
        overrides: &[(&str, &str)],
    ) -> Result<Resolved, ConfigError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("vigie.toml");
        std::fs::write(&path, file.unwrap_or_default()).expect("writing the file");
        let variable =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let overrides: Vec<_> = overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Resolved::read(Some(&path), &variable, &overrides)
    }

    #[test]
    fn defaults_make_a_configuration_and_the_example_file_is_one() {
        let defaults = Config::from_resolved(&read(None, &[], &[]).expect("defaults")).expect("typed defaults");
        assert_eq!(defaults.listen.to_string(), "127.0.0.1:8420");
        let uncommented: String = settings::example_file()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.split(' ').nth(1) == Some("=") => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        Config::from_resolved(&read(Some(&uncommented), &[], &[]).expect("the example")).expect("typed example");
    }

    #[test]
    fn later_places_win_and_each_value_says_where_it_came_from() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\n[query]\nrows = 5\n[log]\nfilter = \"debug\"\n";
        let resolved = read(Some(file), &[("VIGIE_QUERY_ROWS", "6")], &[("log.filter", "warn")]).expect("all valid");
        let origin = |key: &str| resolved.rows().into_iter().find(|row| row.0 == key).expect("a row");
        assert_eq!(origin("query.rows").1, "6");
        assert_eq!(origin("query.rows").2, "environment VIGIE_QUERY_ROWS");
        assert_eq!(origin("log.filter").2, "command line");
        assert!(origin("server.listen").2.ends_with("vigie.toml"));
        assert_eq!(origin("data.dir").2, "default");
    }

    #[test]
    fn mistakes_name_the_place_and_the_remedy() {
        let complaint = |file: &str| read(Some(file), &[], &[]).expect_err(file).to_string();
        assert!(complaint("[server]\nlistne = \"x\"").contains("there is no setting `server.listne`"));
        assert!(complaint("[lake]\nlisten = \"x\"").contains("did you mean `server.listen`"));
        assert!(complaint("[query]\nrows = \"many\"").contains("expected a whole number"));
        assert!(complaint("[database]\npassword = \"x\"").contains("VIGIE_DATABASE_PASSWORD"));
        assert!(complaint("no toml at all").contains("is not TOML"));
        let resolved = read(None, &[("VIGIE_SERVER_LISTEN", "nowhere")], &[]).expect("a text");
        let message = Config::from_resolved(&resolved).expect_err("not an address").to_string();
        assert!(message.contains("server.listen") && message.contains("VIGIE_SERVER_LISTEN"), "{message}");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let resolved = read(None, &[("VIGIE_DATABASE_PASSWORD", "s3cret")], &[]).expect("valid");
        assert!(resolved.rows().iter().all(|row| !row.1.contains("s3cret")));
    }
}
