//! The door for clients that have a certificate, as TAK servers have it: TLS 1.2 or 1.3, and a client certificate of the
//! operator's own authority.
//!
//! The common name of the certificate's subject says who speaks. Such a client is believed for the uid of that name, and for those
//! that the operator lists under it; what it says of others is kept beside the bytes and does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::parse_x509_certificate;

use crate::arrival::Reading;
use crate::error::Error;

/// A client that has not shown its certificate by then has none.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the door needs: files in PEM form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoorSettings {
    /// The server's certificate with its chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authority that signs the clients' certificates.
    pub client_ca: PathBuf,
    /// Certificates that it has taken back; `None`: no such list.
    pub revoked: Option<PathBuf>,
    /// `name=uid,uid`, apart by blanks: whom a certificate speaks for besides the uid of its own name.
    pub names: String,
}

/// Lets in whom a certificate of the authority names.
#[derive(Clone)]
pub struct Door {
    acceptor: TlsAcceptor,
    names: Arc<BTreeMap<String, BTreeSet<String>>>,
}

/// Whom a certificate names, and for which uids they speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Speaker {
    name: String,
    uids: BTreeSet<String>,
}

impl Door {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::Configuration`] names the setting and what is wrong with it.
    pub fn open(settings: &DoorSettings) -> Result<Door, Error> {
        let chain = certificates("cot_certificate", &settings.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&settings.key).map_err(|error| bad("cot_key", &settings.key, &error))?;
        let mut roots = RootCertStore::empty();
        for authority in certificates("cot_client_ca", &settings.client_ca)? {
            roots.add(authority).map_err(|error| bad("cot_client_ca", &settings.client_ca, &error))?;
        }
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), ring.clone());
        if let Some(path) = &settings.revoked {
            let lists =
                CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let lists = lists.map_err(|error| bad("cot_revoked", path, &error))?;
            verifier = verifier.with_crls(lists).allow_unknown_revocation_status();
        }
        let verifier = verifier.build().map_err(|error| bad("cot_client_ca", &settings.client_ca, &error))?;
        let config = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("cot_certificate", &settings.certificate, &error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| bad("cot_certificate", &settings.certificate, &error))?;
        Ok(Door { acceptor: TlsAcceptor::from(Arc::new(config)), names: Arc::new(read_names(&settings.names)?) })
    }

    /// Lets a client in, or says in words why not.
    pub(super) async fn admit(&self, stream: TcpStream) -> Result<(TlsStream<TcpStream>, Speaker), String> {
        let shaken = tokio::time::timeout(PATIENCE, self.acceptor.accept(stream)).await;
        let shaken = shaken.map_err(|_| "it has not shown a certificate within 20 s".to_owned())?;
        let stream = shaken.map_err(|error| format!("TLS: {error}"))?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let name = common_name(shown.ok_or("it has shown no certificate")?)?;
        let mut uids = self.names.get(&name).cloned().unwrap_or_default();
        uids.insert(name.clone());
        Ok((stream, Speaker { name, uids }))
    }
}

impl Speaker {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What of a delivery this speaker may say. The rest is told as a finding beside the bytes.
    pub(super) fn only_own(&self, mut reading: Reading) -> Reading {
        let mut strangers = BTreeSet::new();
        reading.items.retain(|item| {
            let Some(sender) = item.sender() else { return true };
            let own = self.uids.contains(sender);
            if !own {
                strangers.insert(sender.to_owned());
            }
            own
        });
        for stranger in strangers {
            let name = &self.name;
            reading.note(format!(
                "the certificate of {name} does not speak for {stranger}: write {name}={stranger} into courier.cot_names, \
                 or find out who it is"
            ));
        }
        reading
    }
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| bad(setting, path, &error))?;
    if found.is_empty() {
        return Err(bad(setting, path, &"it holds no certificate in PEM form"));
    }
    Ok(found)
}

fn bad(setting: &'static str, path: &Path, problem: &dyn std::fmt::Display) -> Error {
    let problem = if path.as_os_str().is_empty() {
        "it is needed for cot_tls_listen and not set".to_owned()
    } else {
        format!("{}: {problem}", path.display())
    };
    Error::configuration(setting, problem)
}

/// The common name of a certificate's subject (RFC 5280, section 4.1.2.6); the last, where it has several.
fn common_name(certificate: &CertificateDer<'_>) -> Result<String, String> {
    let (_, read) = parse_x509_certificate(certificate).map_err(|error| format!("its certificate: {error}"))?;
    let names = read.subject().iter_common_name();
    let name = names.last().and_then(|name| name.as_str().ok()).map(str::trim).filter(|name| !name.is_empty());
    name.map(str::to_owned)
        .ok_or_else(|| "its certificate names nobody: its subject has no common name (CN)".to_owned())
}

/// Reads `name=uid,uid`, apart by blanks. A name with blanks has `+` in their place.
fn read_names(text: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for part in text.split_whitespace() {
        let uids =
            |uids: &str| uids.split(',').filter(|uid| !uid.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>();
        let read = part.split_once('=').map(|(name, said)| (name.replace('+', " "), uids(said)));
        match read.filter(|(name, uids)| !name.is_empty() && !uids.is_empty()) {
            Some((name, uids)) => names.entry(name).or_default().extend(uids),
            None => return Err(Error::configuration("cot_names", format!("`{part}`: write name=uid or name=uid,uid"))),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused() {
        let read = read_names("olga=ANDROID-1,ANDROID-2  Beto+Lima=IOS-3 olga=X").unwrap();
        let uids: Vec<&str> = read["olga"].iter().map(String::as_str).collect();
        assert_eq!((uids, read["Beto Lima"].len()), (vec!["ANDROID-1", "ANDROID-2", "X"], 1));
        for wrong in ["olga", "olga=", "=X", "olga=,"] {
            assert!(read_names(wrong).unwrap_err().to_string().contains("name=uid"), "{wrong}");
        }
    }
}
