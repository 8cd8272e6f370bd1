//! Accepts server certificates that libpq accepts although the rules for web sites are stricter.

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Any, Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};

/// The server's certificate, parsed.
pub(super) struct ServerCertificate {
    der: Vec<u8>,
    parsed: Certificate,
}

impl ServerCertificate {
    /// `None` where it cannot be read.
    pub(super) fn parse(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Certificate::from_der(certificate).ok()?;
        Some(Self { der: certificate.to_vec(), parsed })
    }

    /// The public key of a certificate of the first version.
    pub(super) fn key_of_first_version(&self) -> Option<SubjectPublicKeyInfoDer<'static>> {
        let certificate = &self.parsed.tbs_certificate;
        let key = certificate.subject_public_key_info.to_der().ok().filter(|_| certificate.version == Version::V1)?;
        Some(SubjectPublicKeyInfoDer::from(key))
    }

    /// Whether one of the named certificates is this self-signed one, or has signed this certificate of X.509 version 1. Chains of
    /// certificates are verified elsewhere.
    pub(super) fn is_vouched_for(&self, named: &[CertificateDer<'static>], provider: &CryptoProvider, now: UnixTime) -> bool {
        let is_first_version = self.parsed.tbs_certificate.version == Version::V1;
        let is_self_signed = self.parsed.tbs_certificate.issuer == self.parsed.tbs_certificate.subject;
        is_current(&self.parsed, now)
            && named.iter().any(|authority| {
                (is_self_signed && authority.as_ref() == self.der)
                    || (is_first_version && is_signed_by(&self.parsed, authority, provider, now))
            })
    }

    /// Whether it names this host: by its alternative names, else by its common name, as in the certificates of PostgreSQL's
    /// manual.
    pub(super) fn names(&self, host: &ServerName<'_>) -> bool {
        let names = self.parsed.tbs_certificate.get::<SubjectAltName>().ok().flatten();
        let names = names.map(|(_, names)| names.0).unwrap_or_default();
        match host {
            ServerName::DnsName(host) => {
                let listed: Vec<&str> = names
                    .iter()
                    .filter_map(|name| if let GeneralName::DnsName(name) = name { Some(name.as_str()) } else { None })
                    .collect();
                if listed.is_empty() { self.common_names(host.as_ref()) } else { covers(&listed, host.as_ref()) }
            }
            ServerName::IpAddress(address) => {
                let address = std::net::IpAddr::from(*address);
                let octets = match address {
                    std::net::IpAddr::V4(address) => address.octets().to_vec(),
                    std::net::IpAddr::V6(address) => address.octets().to_vec(),
                };
                let listed: Vec<&[u8]> = names
                    .iter()
                    .filter_map(|name| if let GeneralName::IpAddress(bytes) = name { Some(bytes.as_bytes()) } else { None })
                    .collect();
                if listed.is_empty() { self.common_names(&address.to_string()) } else { listed.contains(&octets.as_slice()) }
            }
            _ => false,
        }
    }

    fn common_names(&self, host: &str) -> bool {
        let parts = self.parsed.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
        let names: Vec<String> = parts.filter(|part| part.oid == COMMON_NAME).filter_map(|part| text(&part.value)).collect();
        covers(&names.iter().map(String::as_str).collect::<Vec<_>>(), host)
    }
}

fn text(value: &Any) -> Option<String> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned());
    utf8.or_else(|_| printable()).or_else(|_| teletex()).ok()
}

/// Whether a name is that of the host, or a pattern whose first label is `*`, which matches one label.
fn covers(names: &[&str], host: &str) -> bool {
    names.iter().any(|name| match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(host),
    })
}

fn is_current(certificate: &Certificate, now: UnixTime) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    (validity.not_before.to_unix_duration().as_secs()..=validity.not_after.to_unix_duration().as_secs()).contains(&now.as_secs())
}

fn is_signed_by(certificate: &Certificate, authority: &CertificateDer<'_>, provider: &CryptoProvider, now: UnixTime) -> bool {
    let Ok(authority) = Certificate::from_der(authority) else { return false };
    let issuer = &authority.tbs_certificate;
    // A certificate of version 1 cannot say that it belongs to an authority.
    let is_authority = issuer.version == Version::V1
        || issuer.get::<BasicConstraints>().ok().flatten().is_some_and(|(_, constraints)| constraints.ca);
    if !is_authority || issuer.subject != certificate.tbs_certificate.issuer || !is_current(&authority, now) {
        return false;
    }
    let key = &issuer.subject_public_key_info;
    let (Ok(signed), Ok(signature_algorithm), Ok(key_algorithm)) = (
        certificate.tbs_certificate.to_der(),
        certificate.signature_algorithm.to_der().map(contents),
        key.algorithm.to_der().map(contents),
    ) else {
        return false;
    };
    provider
        .signature_verification_algorithms
        .all
        .iter()
        .filter(|algorithm| {
            algorithm.signature_alg_id().as_ref() == signature_algorithm
                && algorithm.public_key_alg_id().as_ref() == key_algorithm
        })
        .any(|algorithm| {
            let (key, signature) = (key.subject_public_key.raw_bytes(), certificate.signature.raw_bytes());
            algorithm.verify_signature(key, &signed, signature).is_ok()
        })
}

/// The contents of a DER sequence, without its tag and length.
fn contents(der: Vec<u8>) -> Vec<u8> {
    let header = match der.get(1) {
        Some(length) if *length >= 0x80 => 2 + usize::from(length & 0x7f),
        _ => 2,
    };
    der.get(header..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_one_label() {
        assert!(covers(&["*.db.test"], "a.DB.test") && covers(&["db.test"], "db.test"));
        assert!(
            !covers(&["*.db.test"], "a.b.db.test") && !covers(&["*.db.test"], "db.test") && !covers(&["*.db.test"], ".db.test")
        );
    }
}
