//! TLS with rustls, as configured in a URL.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::fault::{Exit, Fault};
use crate::pg::connect::certificate::ServerCertificate;
use crate::pg::connect::target::{SslMode, Target};

/// The TLS connector for a target.
pub(super) fn connector(target: &Target) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::new(Exit::Bug, format!("TLS cannot be set up: {error}")))?;
    let trust = match target.ssl_mode {
        SslMode::VerifyCa | SslMode::VerifyFull => Some(authorities(target.root_certificates.as_deref(), &provider)?),
        SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => None,
    };
    let any_host = target.ssl_mode != SslMode::VerifyFull;
    let verifier = Arc::new(CertificateVerifier { trust, any_host, provider });
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

/// The trusted certificates.
#[derive(Debug)]
struct Trust {
    chains: Arc<WebPkiServerVerifier>,
    /// Certificates of the named file. A server's own certificate among them is trusted.
    named: Vec<CertificateDer<'static>>,
}

fn authorities(file: Option<&Path>, provider: &Arc<CryptoProvider>) -> Result<Trust> {
    let mut roots = RootCertStore::empty();
    let mut named = Vec::new();
    let place = match file {
        Some(path) => {
            let unreadable =
                |error| Fault::new(Exit::Usage, format!("sslrootcert cannot be read: {error}")).at(path.display().to_string());
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                named.push(certificate.map_err(unreadable)?);
            }
            roots.add_parsable_certificates(named.iter().cloned());
            path.display().to_string()
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            "the system's certificates".to_owned()
        }
    };
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().map_err(|_| {
        Fault::new(Exit::Usage, "no trusted authority is known to verify the server's certificate")
            .at(place)
            .help("name one in the URL: sslrootcert=/path/ca.pem")
    })?;
    Ok(Trust { chains, named })
}

/// Verifies certificates as strictly as the mode requires.
#[derive(Debug)]
struct CertificateVerifier {
    trust: Option<Trust>,
    any_host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        // libpq accepts what a web browser would not: the server's own certificate as the authority, a certificate of version 1,
        // a host that only the common name contains.
        let parsed = ServerCertificate::parse(certificate);
        if let Some(parsed) = &parsed
            && parsed.is_vouched_for(&trust.named, &self.provider, now)
        {
            let is_named = self.any_host || parsed.names(name);
            let refusal = Error::InvalidCertificate(CertificateError::NotValidForName);
            return if is_named { Ok(ServerCertVerified::assertion()) } else { Err(refusal) };
        }
        match trust.chains.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked last, after the chain.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_host || parsed.as_ref().is_some_and(|parsed| parsed.names(name)) => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match ServerCertificate::parse(certificate).and_then(|parsed| parsed.key_of_first_version()) {
            // webpki cannot read certificates of version 1, but their public key can be extracted.
            Some(key) => rustls::crypto::verify_tls13_signature_with_raw_key(message, &key, signature, algorithms),
            None => rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
