//! Authorities, certificates and lists, made while a test runs: by a library where what is in them must differ in one thing, and
//! by the `openssl` command.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::SignatureScheme;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration as Span, OffsetDateTime};

/// So many hours from now.
pub fn hours(count: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Span::hours(count)
}

/// An authority.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
    pub name: String,
    /// Authorities between this one and its root, this one first.
    pub above: Vec<CertificateDer<'static>>,
}

fn authority_params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(serial.into());
    params.not_before = hours(-48);
    params.not_after = hours(24 * 365);
    params
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with_key(name, KeyPair::generate().unwrap(), change)
    }

    pub fn with_key(name: &str, key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params(name, 1);
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            name: name.to_owned(),
            above: Vec::new(),
        }
    }

    /// An authority below this one.
    pub fn below(&self, name: &str, serial: u64, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = authority_params(name, serial);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let mut above = vec![certificate.clone()];
        above.extend(self.above.iter().cloned());
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            name: name.to_owned(),
            above,
        }
    }

    /// Another certificate of the same key, by `issuer`.
    pub fn certified_again(&self, issuer: &Self, serial: u64) -> CertificateDer<'static> {
        let params = authority_params(&self.name, serial);
        params
            .signed_by(self.issuer.key(), &issuer.issuer)
            .unwrap()
            .der()
            .clone()
    }

    /// A leaf with this number for clients and servers, named `localhost`.
    pub fn issue(&self, serial: u64) -> Identity {
        self.issue_with(serial, |_| {})
    }

    pub fn issue_with(&self, serial: u64, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf_params(serial);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.above.iter().cloned());
        Identity::new(chain, key.serialize_der())
    }

    /// A list that was issued an hour ago and is valid for a day.
    pub fn list(&self, number: u64, revoked: &[u64]) -> Vec<u8> {
        self.list_at(number, revoked, -1, 24)
    }

    /// A list between two hours from now.
    pub fn list_at(&self, number: u64, revoked: &[u64], from: i64, until: i64) -> Vec<u8> {
        self.list_with(number, revoked, from, until, |_| {})
    }

    pub fn list_with(
        &self,
        number: u64,
        revoked: &[u64],
        from: i64,
        until: i64,
        change: impl FnOnce(&mut rcgen::CertificateRevocationListParams),
    ) -> Vec<u8> {
        let revoked = revoked.iter().map(|serial| rcgen::RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: hours(from),
            reason_code: None,
            invalidity_date: None,
        });
        let mut params = rcgen::CertificateRevocationListParams {
            this_update: hours(from),
            next_update: hours(until),
            crl_number: number.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        change(&mut params);
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

pub fn leaf_params(serial: u64) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("leaf {serial}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.serial_number = Some(serial.into());
    params.not_before = hours(-24);
    params.not_after = hours(24 * 90);
    params
}

/// A chain and the key of its leaf.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    certified: Arc<CertifiedKey>,
}

impl Identity {
    pub fn new(chain: Vec<CertificateDer<'static>>, pkcs8: Vec<u8>) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        let certified = Arc::new(CertifiedKey::new(chain.clone(), key));
        Self { chain, certified }
    }

    /// What `openssl` wrote to `<name>.crt` and `<name>.key`.
    pub fn from_files(folder: &Path, name: &str) -> Self {
        let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.crt")))
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap()
        else {
            panic!("{name}.key is not PKCS #8");
        };
        Self::new(chain, key.secret_pkcs8_der().to_vec())
    }

    pub fn leaf(&self) -> CertificateDer<'static> {
        self.chain[0].clone()
    }

    /// The same key with only some of the chain.
    pub fn showing(&self, chain: Vec<CertificateDer<'static>>) -> Self {
        let certified = Arc::new(CertifiedKey::new(chain.clone(), Arc::clone(&self.certified.key)));
        Self { chain, certified }
    }

    /// Another key under the same certificates: somebody who copied them.
    pub fn stolen(&self) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(self.chain.clone(), key.serialize_der())
    }
}

impl rustls::client::ResolvesClientCert for Identity {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl rustls::server::ResolvesServerCert for Identity {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified))
    }
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let body = base64(der);
    let lines: Vec<String> = body
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= group.len() {
                char::from(DIGITS[digit])
            } else {
                '='
            });
        }
    }
    text
}

/// Runs `openssl` in a folder.
#[track_caller]
pub fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl is needed for this test");
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes an authority of the `openssl` command, `ca.crt`, with its configuration.
pub fn openssl_authority(folder: &Path, extensions: &str) {
    let configuration = format!(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ncertificate=ca.crt\nprivate_key=ca.key\n\
         default_md=sha256\ndefault_days=30\ndefault_crl_days=2\npolicy=p\nx509_extensions=leaf\n{extensions}\n\
         [p]\ncommonName=supplied\n[leaf]\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n\
         [delta]\n2.5.29.27=critical,ASN1:INTEGER:1\n\
         [indirect]\nissuingDistributionPoint=critical,@points\n[points]\nfullname=URI:http://crl.example/a\nindirectCRL=TRUE\n"
    );
    std::fs::write(folder.join("ca.cnf"), configuration).unwrap();
    std::fs::write(folder.join("index"), "").unwrap();
    std::fs::write(folder.join("serial"), "1000\n").unwrap();
    std::fs::write(folder.join("crlnumber"), "01\n").unwrap();
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=ca -keyout ca.key -out ca.crt",
    );
}
