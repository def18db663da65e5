//! The key that secrets of second factors are sealed with: a file of its own below `secrets/`, which no database has.
//!
//! It is made at the first start. Servers that share a state database share the file; a backup of the database without it
//! opens no second factor.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use identity::second_factor::{KEY_BYTES, Seal};
use kernel::id::Randomness;

const NAME: &str = "second-factor.key";

/// Reads the key; makes it where there is none.
pub fn read_or_make(secrets: &Path, randomness: &dyn Randomness) -> Result<Seal> {
    let path = secrets.join(NAME);
    std::fs::create_dir_all(secrets).with_context(|| format!("making {}", secrets.display()))?;
    let mut bytes = [0; KEY_BYTES];
    randomness.fill(&mut bytes);
    // Whoever comes first makes it; nobody writes over it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let written = file.write_all(hex::encode(bytes).as_bytes()).and_then(|()| file.sync_all());
            written.with_context(|| format!("writing {}", path.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let key = hex::decode(text.trim()).ok().and_then(|key| Seal::new(&key));
    key.with_context(|| {
        format!(
            "{} is no key of {KEY_BYTES} bytes in hexadecimal: put the right one back from its backup",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (secrets, chance) = (folder.path().join("secrets"), testkit::CountingRandomness::seeded(7));
        read_or_make(&secrets, &*chance).unwrap();
        let first = std::fs::read_to_string(secrets.join(NAME)).unwrap();
        read_or_make(&secrets, &*chance).unwrap();
        assert_eq!(std::fs::read_to_string(secrets.join(NAME)).unwrap(), first);
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(secrets.join(NAME)).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(secrets.join(NAME), "short").unwrap();
        assert!(format!("{:#}", read_or_make(&secrets, &*chance).unwrap_err()).contains("put the right one back"));
    }
}
