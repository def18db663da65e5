//! Files of this machine that a document may name. A document is written in a browser by whoever runs the Access desk; the
//! machine is run by somebody else. What a document names lies below one folder into which that somebody puts it, and nowhere
//! else: not the secrets, not the state database, not what belongs to the system.

use std::path::{Component, Path, PathBuf};

use crate::error::ConnectorError;

/// One folder, and what lies below it.
#[derive(Debug, Clone)]
pub struct Confined {
    folder: PathBuf,
}

impl Confined {
    /// Files below `folder`, which may be a link to another.
    pub fn below(folder: impl Into<PathBuf>) -> Confined {
        Confined { folder: folder.into() }
    }

    /// The path of a file that a document names: `staff.csv`, `erp/staff.csv`.
    ///
    /// # Errors
    /// A name that leads elsewhere, by itself or over a link; whoever wrote the document is to blame.
    pub fn file(&self, named: &str) -> Result<PathBuf, ConnectorError> {
        let relative = Path::new(named);
        let is_plain = |part: Component| matches!(part, Component::Normal(_));
        // A percent sign would be read anew by who opens an address of a database.
        let is_below = !named.is_empty() && !named.contains(['%', '\0', '\\']) && relative.components().all(is_plain);
        if !is_below {
            return Err(self.elsewhere(named));
        }
        let path = self.folder.join(relative);
        let known = path.ancestors().find_map(|part| part.canonicalize().ok());
        match (known, self.folder.canonicalize()) {
            (Some(known), Ok(folder)) if known.starts_with(&folder) => Ok(path),
            (_, Err(_)) => Err(ConnectorError::invalid(format!(
                "the folder `{}` is not there: make it, and put `{named}` into it",
                self.shown()
            ))),
            _ => Err(self.elsewhere(named)),
        }
    }

    /// The address of a database that a document names: `sqlite:erp.db`, with the path made whole. A server of databases is
    /// named by a secret.
    ///
    /// # Errors
    /// As [`Confined::file`], and for an address of another kind.
    pub fn database(&self, url: &str) -> Result<String, ConnectorError> {
        let Some(rest) = url.strip_prefix("sqlite:") else {
            let text = "the address of a database server is a secret: put it into a file of `secrets/`, and name that as `secret`";
            return Err(ConnectorError::invalid(text));
        };
        let (named, query) = rest.split_once('?').map_or((rest, None), |(named, query)| (named, Some(query)));
        let path = self.file(named.strip_prefix("//").unwrap_or(named))?;
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("sqlite:{}{query}", path.display()))
    }

    fn elsewhere(&self, named: &str) -> ConnectorError {
        ConnectorError::invalid(format!(
            "`{named}` is no file below `{folder}` of the data folder: name it as it is called there, without `..`, links and `%`",
            folder = self.shown()
        ))
    }

    fn shown(&self) -> String {
        self.folder.file_name().map(|name| format!("{}/", name.to_string_lossy())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data folder with a secret, a state database, and what a document may name.
    fn data() -> (tempfile::TempDir, Confined) {
        let data = tempfile::tempdir().unwrap();
        for folder in ["secrets", "systems", "systems/erp"] {
            std::fs::create_dir(data.path().join(folder)).unwrap();
        }
        for file in ["secrets/ad-bind", "state.db", "systems/staff.csv", "systems/erp/staff.db"] {
            std::fs::write(data.path().join(file), "x").unwrap();
        }
        let confined = Confined::below(data.path().join("systems"));
        (data, confined)
    }

    #[test]
    fn what_a_document_names_lies_in_one_folder() {
        let (data, confined) = data();
        for named in ["staff.csv", "erp/staff.db", "new.csv"] {
            assert_eq!(confined.file(named).unwrap(), data.path().join("systems").join(named));
        }
        let secret = data.path().join("secrets/ad-bind").display().to_string();
        for named in
            ["", "..", "../secrets/ad-bind", "erp/../../state.db", "./../state.db", "/etc/passwd", &secret, "a\0b"]
        {
            let error = confined.file(named).unwrap_err().to_string();
            assert!(error.contains("below `systems/`"), "{named}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_nowhere_else() {
        let (data, confined) = data();
        let systems = data.path().join("systems");
        std::os::unix::fs::symlink(data.path().join("secrets"), systems.join("out")).unwrap();
        std::os::unix::fs::symlink(data.path().join("state.db"), systems.join("db")).unwrap();
        for named in ["out/ad-bind", "out/new", "db"] {
            assert!(confined.file(named).is_err(), "{named}");
        }
        // The folder itself may be one.
        std::os::unix::fs::symlink(&systems, data.path().join("linked")).unwrap();
        assert!(Confined::below(data.path().join("linked")).file("staff.csv").is_ok());
        assert!(
            Confined::below(data.path().join("none")).file("staff.csv").unwrap_err().to_string().contains("make it")
        );
    }

    #[test]
    fn a_database_of_a_document_is_a_file_of_that_folder() {
        let (data, confined) = data();
        let path = data.path().join("systems/erp/staff.db").display().to_string();
        for url in ["sqlite:erp/staff.db", "sqlite://erp/staff.db"] {
            assert_eq!(confined.database(url).unwrap(), format!("sqlite:{path}"));
        }
        assert_eq!(confined.database("sqlite:erp/staff.db?mode=ro").unwrap(), format!("sqlite:{path}?mode=ro"));
        let state = format!("sqlite:{}", data.path().join("state.db").display());
        for url in [state.as_str(), "sqlite:../state.db", "sqlite:%2e%2e%2fstate.db", "sqlite:erp%2f..%2f..%2fstate.db"]
        {
            assert!(confined.database(url).is_err(), "{url}");
        }
        assert!(confined.database("postgres://localhost/vigie").unwrap_err().to_string().contains("is a secret"));
    }
}
