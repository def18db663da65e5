//! TLS towards others: the roots of the machine, and those that the operator adds.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::Error;

/// A connection, in clear or encrypted.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> Stream for T {}

/// For connections to others: TLS 1.2 and 1.3 by ring.
///
/// # Errors
/// [`Error::Configuration`] when the file of additional roots cannot be used.
pub fn client(additional: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    let of_machine = rustls_native_certs::load_native_certs();
    for problem in &of_machine.errors {
        tracing::warn!(%problem, "a root certificate of this machine cannot be read");
    }
    roots.add_parsable_certificates(of_machine.certs);
    if let Some(path) = additional {
        let refuse = |problem: String| Error::configuration("ca_file", format!("{}: {problem}", path.display()));
        let found = CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.to_string()))?;
        let mut added = 0;
        for certificate in found {
            let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
            roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(refuse("it holds no certificate in PEM form".to_owned()));
        }
    }
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| Error::configuration("ca_file", error.to_string()))?;
    Ok(Arc::new(versions.with_root_certificates(roots).with_no_client_auth()))
}

/// Connects to `host:port`, encrypted when `tls` is given.
///
/// # Errors
/// In words, with the host.
pub async fn connect(host: &str, port: u16, tls: Option<&Arc<ClientConfig>>) -> Result<Box<dyn Stream>, String> {
    let connecting = TcpStream::connect((host, port));
    let limit = std::time::Duration::from_secs(20);
    let stream = tokio::time::timeout(limit, connecting).await;
    let stream = stream.map_err(|_| format!("{host}:{port} does not answer within 20 s"))?;
    let stream = stream.map_err(|error| format!("{host}:{port}: {error}"))?;
    // A message is small and urgent.
    let _ = stream.set_nodelay(true);
    let Some(config) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let shaking = TlsConnector::from(config.clone()).connect(name, stream);
    let stream = tokio::time::timeout(limit, shaking).await;
    let stream = stream.map_err(|_| format!("{host}:{port}: TLS is not established within 20 s"))?;
    Ok(Box::new(stream.map_err(|error| format!("{host}:{port}: TLS: {error}"))?))
}
