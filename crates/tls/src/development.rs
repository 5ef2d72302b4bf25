//! Certificates for a first start on one machine: a local authority and leaves for loopback names only.
//!
//! INVARIANT: the authority's key is never written to disk and the authority is constrained to loopback names, so that
//! trusting it cannot be turned against anything else.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bastide_secret::SecretString;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, string::Ia5String,
};
use time::{Duration, OffsetDateTime};

/// The authority's file, relative to the certificate folder.
pub const DEVELOPMENT_CA_FILE: &str = "development-ca.crt";

/// How long development certificates are valid, in days. Apple's clients refuse leaves beyond 825.
const VALIDITY_DAYS: i64 = 730;

/// Where development certificates were put.
#[derive(Clone, Debug)]
pub struct DevelopmentCertificates {
    /// The authority that clients may trust.
    pub authority: PathBuf,
}

/// Why development certificates could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// A file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a development certificate")]
    Generate(#[from] rcgen::Error),
}

/// Makes an authority and one leaf for each scope under `folder`, which must not exist: `development-ca.crt`, and for each scope
/// `<scope>/private.key` (0400) and `<scope>/public.crt` (0644). Everything is written beside and renamed into place at the end, so
/// that a crash leaves nothing half-made.
pub fn create_development_certificates(
    folder: &Path,
    scopes: &[&str],
) -> Result<DevelopmentCertificates, DevelopmentError> {
    let staging = folder.with_extension("incomplete");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DevelopmentError::Write { path, source }
    };
    match std::fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&staging)(error)),
        _ => {}
    }
    make_directory(&staging)?;
    let (issuer, authority_pem) = authority()?;
    write_new(&staging.join(DEVELOPMENT_CA_FILE), authority_pem.as_bytes(), 0o644)?;
    for scope in scopes {
        let directory = staging.join(scope);
        make_directory(&directory)?;
        let (certificate, key) = leaf(&issuer)?;
        write_new(&directory.join("public.crt"), certificate.as_bytes(), 0o644)?;
        write_new(&directory.join("private.key"), key.expose().as_bytes(), 0o400)?;
    }
    std::fs::rename(&staging, folder).map_err(failed(folder))?;
    Ok(DevelopmentCertificates {
        authority: folder.join(DEVELOPMENT_CA_FILE),
    })
}

fn make_directory(path: &Path) -> Result<(), DevelopmentError> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(|source| DevelopmentError::Write {
            path: path.to_owned(),
            source,
        })
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), DevelopmentError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| DevelopmentError::Write {
        path: path.to_owned(),
        source,
    })
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Bastide");
    name.push(DnType::CommonName, common_name);
    name
}

fn validity(params: &mut CertificateParams) {
    // An hour back, for clocks that differ a little.
    params.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    params.not_after = params.not_before + Duration::days(VALIDITY_DAYS);
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    validity(&mut params);
    params.distinguished_name = name("development authority, this machine only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(rcgen::CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(rcgen::CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128)),
        ],
        excluded_subtrees: Vec::new(),
    });
    let certificate = params.self_signed(&key)?;
    Ok((Issuer::new(params, key), certificate.pem()))
}

fn leaf(issuer: &Issuer<'static, KeyPair>) -> Result<(String, SecretString), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    validity(&mut params);
    params.distinguished_name = name("localhost");
    params.subject_alt_names = vec![
        SanType::DnsName(Ia5String::try_from("localhost")?),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem(), SecretString::new(key.serialize_pem())))
}
