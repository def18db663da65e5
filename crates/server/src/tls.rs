//! TLS: certificates from files, or one that the server signs for itself when asked to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig as RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::Error;

/// Where certificate and key come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsSource {
    /// PEM files: the certificate with its chain, and its key.
    Files { certificate: PathBuf, key: PathBuf },
    /// `certificate.pem` and `key.pem` under this folder, made for these names when they are missing.
    SelfSigned { folder: PathBuf, names: Vec<String> },
}

/// Certificate and key, ready for connections.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<RustlsConfig>,
    /// SHA-256 of the certificate, to compare by eye with what a browser shows.
    pub fingerprint: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Tls {
    /// Loads, or makes and keeps.
    ///
    /// # Errors
    /// [`Error::Certificate`] names the file and what is wrong with it.
    pub fn load(source: &TlsSource) -> Result<Tls, Error> {
        let (certificate, key) = match source {
            TlsSource::Files { certificate, key } => (certificate.clone(), key.clone()),
            TlsSource::SelfSigned { folder, names } => self_signed(folder, names)?,
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate)
            .and_then(Iterator::collect)
            .map_err(|error| bad(&certificate, &error))?;
        let Some(first) = chain.first() else {
            return Err(bad(
                &certificate,
                &"it holds no certificate; it should start with -----BEGIN CERTIFICATE-----",
            ));
        };
        let fingerprint = fingerprint(first);
        let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| bad(&key, &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = RustlsConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(&certificate, &error))?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| bad(&certificate, &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { config: Arc::new(config), fingerprint })
    }
}

fn bad(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::Certificate { path: path.display().to_string(), problem: problem.to_string() }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(certificate);
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// The pair of files, made if either is missing.
fn self_signed(folder: &Path, names: &[String]) -> Result<(PathBuf, PathBuf), Error> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let names = if names.is_empty() { vec!["localhost".to_owned()] } else { names.to_vec() };
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| bad(&certificate, &error))?;
    std::fs::create_dir_all(folder).map_err(|error| bad(folder, &error))?;
    write_private(&key, &made.signing_key.serialize_pem()).map_err(|error| bad(&key, &error))?;
    std::fs::write(&certificate, made.cert.pem()).map_err(|error| bad(&certificate, &error))?;
    Ok((certificate, key))
}

/// A file that only its owner can read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
