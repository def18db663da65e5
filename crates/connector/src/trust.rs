//! Which servers are believed to be who they say: TLS with rustls and ring.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ConnectorError;

/// By what a server's certificate is judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The authorities that this machine trusts.
    #[default]
    System,
    /// These authorities and no others, as PEM.
    Authorities(String),
    /// This one certificate: the SHA-256 of its DER in hexadecimal. For servers with a certificate of their own making.
    Fingerprint(String),
}

impl Trust {
    /// What rustls needs.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the PEM or the fingerprint cannot be read, or the machine trusts nobody.
    pub fn client_config(&self) -> Result<ClientConfig, ConnectorError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectorError::invalid(format!("TLS: {error}")))?;
        Ok(match self {
            Trust::System => builder.with_root_certificates(system()?).with_no_client_auth(),
            Trust::Authorities(pem) => builder.with_root_certificates(authorities(pem)?).with_no_client_auth(),
            Trust::Fingerprint(text) => {
                let verifier = Pinned { fingerprint: fingerprint(text)?, provider };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
        })
    }
}

fn system() -> Result<RootCertStore, ConnectorError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        return Err(ConnectorError::invalid("this machine trusts no authority: give the one of the server as PEM"));
    }
    Ok(store)
}

fn authorities(pem: &str) -> Result<RootCertStore, ConnectorError> {
    let unreadable = || ConnectorError::invalid("the authority is no PEM with `-----BEGIN CERTIFICATE-----`");
    let found: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| unreadable())?;
    let mut store = RootCertStore::empty();
    for certificate in found {
        store
            .add(certificate)
            .map_err(|error| ConnectorError::invalid(format!("the authority cannot be used: {error}")))?;
    }
    if store.is_empty() { Err(unreadable()) } else { Ok(store) }
}

fn fingerprint(text: &str) -> Result<[u8; 32], ConnectorError> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let mut bytes = [0; 32];
    hex::decode_to_slice(&digits, &mut bytes).map_err(|_| {
        ConnectorError::invalid("a fingerprint is the SHA-256 of the certificate: 64 hexadecimal digits")
    })?;
    Ok(bytes)
}

/// Trusts one certificate, whatever its names and dates.
#[derive(Debug)]
struct Pinned {
    fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Sha256::digest(end_entity).as_slice() == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_trusted_is_said() {
        assert!(Trust::Fingerprint("AA:BB".into()).client_config().unwrap_err().to_string().contains("64"));
        assert!(Trust::Authorities("nothing".into()).client_config().unwrap_err().to_string().contains("BEGIN"));
        assert!(Trust::Fingerprint("ab".repeat(32)).client_config().is_ok());
    }
}
