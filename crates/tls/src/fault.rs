//! What can be wrong with a policy, and what is right but deserves a thought.
//!
//! INVARIANT: no text holds key material or a password.

use std::fmt;
use std::path::PathBuf;

use crate::file::quoted;

/// One thing that is wrong with a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is too large to be what it should be.
    #[error("`{}` is larger than {limit} bytes, which no certificate or key is", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A folder holds too many files.
    #[error("`{}` holds more than {limit} files", path.display())]
    TooManyFiles {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// A PEM file is damaged.
    #[error("`{}` cannot be read as PEM: {reason}", path.display())]
    BadPem {
        /// Which.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// No certificate where one was expected.
    #[error("`{}` holds no certificate: {hint}", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: String,
    },
    /// No key where one was expected.
    #[error("`{}` holds no usable private key: {hint}", path.display())]
    NoPrivateKey {
        /// Which.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: String,
    },
    /// The key is of a kind or size that is not accepted.
    #[error("the private key `{}` is not accepted: {reason}", path.display())]
    UnsupportedKey {
        /// Which.
        path: PathBuf,
        /// What the provider says.
        reason: String,
    },
    /// The private key can be read or written by others.
    #[error(
        "the private key `{}` has mode {mode:04o}, so that others than its owner can use it; run `chmod 400 {}`",
        path.display(),
        quoted(path)
    )]
    KeyOpenToOthers {
        /// The file, or a link to it.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
    /// An encrypted key without a password.
    #[error("the private key `{}` is encrypted, and there is no `private_key_password`", path.display())]
    KeyPasswordMissing {
        /// Which.
        path: PathBuf,
    },
    /// The password is not the key's.
    #[error(
        "the password does not open the private key `{}`: `private_key_password` is another one, or the file is damaged",
        path.display()
    )]
    KeyPasswordWrong {
        /// Which.
        path: PathBuf,
    },
    /// A key that is encrypted in a way that is not accepted.
    #[error("the private key `{}` is encrypted with {found}, which is not accepted; convert it with `{command}`", path.display())]
    KeyEncryption {
        /// Which.
        path: PathBuf,
        /// What it is encrypted with.
        found: String,
        /// What to run.
        command: String,
    },
    /// More than one key in a file.
    #[error("`{}` holds {count} private keys; leave only the one that belongs to the certificate", path.display())]
    SeveralKeys {
        /// Which.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// A folder, pipe, socket or device where a file is expected.
    #[error("`{}` is a {kind}, not a file", path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
        /// `folder`, `pipe`, `socket` or `device`.
        kind: &'static str,
    },
    /// Key and certificate do not belong together.
    #[error("the key `{}` does not belong to the certificate `{}`", key.display(), certificate.display())]
    KeyMismatch {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
    },
    /// A certificate's time is over.
    #[error("the certificate of {subject} in `{}` has expired; renew it", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate's time has not begun.
    #[error("the certificate of {subject} in `{}` is not valid yet; check the clock", path.display())]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate without subject alternative names, which no driver accepts.
    #[error("the certificate of {subject} in `{}` names no host (subject alternative name)", path.display())]
    NoNames {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// The chain does not run from the leaf upwards.
    #[error(
        "the chain in `{}` is out of order ({found}); put the server's own certificate first, then each one's issuer: {wanted}",
        path.display()
    )]
    WrongOrder {
        /// The file.
        path: PathBuf,
        /// The certificates as they are, numbered.
        found: String,
        /// The certificates as they should be, with the same numbers.
        wanted: String,
    },
    /// A certificate that is twice in the file.
    #[error("the certificate of {subject} is more than once in `{}`; remove the copies", path.display())]
    DuplicateCertificate {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate that is no part of the chain.
    #[error(
        "the certificate of {subject}, number {place} in `{}`, issued none of those before it; remove it, or add what is missing between",
        path.display()
    )]
    UnrelatedCertificate {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// Which one of the file, from 1.
        place: usize,
    },
    /// A certificate whose signature is not that of the issuer in the file.
    #[error(
        "the certificate of {subject} in `{}` was not signed by the one of {issuer} in the file, although it names it; did the authority renew its key?",
        path.display()
    )]
    NotSignedByIssuer {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// The issuer's subject.
        issuer: String,
    },
    /// A certificate above the leaf that may not issue any.
    #[error("the certificate of {subject} in `{}` may not issue certificates: {reason}", path.display())]
    NotAnAuthority {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// Why.
        reason: &'static str,
    },
    /// An authority's certificate where the server's own is expected.
    #[error(
        "the certificate of {subject} in `{}` is an authority's, and clients refuse it as a server's; have one issued for this server",
        path.display()
    )]
    LeafIsAuthority {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A public key that is too weak or that clients do not have.
    #[error("the certificate of {subject} in `{}` has a key that is not accepted: {reason}", path.display())]
    WeakCertificateKey {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// Why.
        reason: String,
    },
    /// A signature with a broken hash.
    #[error("the certificate of {subject} in `{}` is signed with {hash}, which is broken; have it issued again with SHA-256", path.display())]
    WeakSignature {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// The hash.
        hash: &'static str,
    },
    /// A certificate that is not meant for what it is used for.
    #[error("the certificate of {subject} in `{}` is not meant for {usage} (extended key usage); have it issued with it", path.display())]
    MissingUsage {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// `serverAuth` or `clientAuth`.
        usage: &'static str,
    },
    /// Client certificates are required and nobody is trusted.
    #[error("client certificates are required and `{}` holds nobody to trust: no valid authority and no valid certificate", path.display())]
    NobodyTrusted {
        /// The folder.
        path: PathBuf,
    },
    /// A trusted certificate or revocation list is not usable.
    #[error("`{}` cannot be used to check clients: {reason}", path.display())]
    BadTrust {
        /// Which.
        path: PathBuf,
        /// What the verifier says.
        reason: String,
    },
    /// A file in the revocation folder is something else.
    #[error("`{}` is neither a certificate revocation list nor a certificate; move it out of the folder", path.display())]
    NotARevocationList {
        /// Which.
        path: PathBuf,
    },
    /// A file in the folder of the trusted is something else.
    #[error("`{}` is among the trusted and holds something else than certificates: {hint}", path.display())]
    NotACertificate {
        /// Which.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: String,
    },
    /// A revocation list of a kind that cannot be used.
    #[error("the revocation list in `{}` cannot be used: {reason}", path.display())]
    UnsupportedList {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A cipher suite that is not offered.
    #[error("the cipher suite `{name}` is not offered; {advice}choose from {allowed}")]
    UnknownCipher {
        /// The name as written.
        name: String,
        /// Why not, and which one may be meant; may be empty.
        advice: String,
        /// All names, comma-separated.
        allowed: String,
    },
    /// The list of suites leaves nothing for any enabled version.
    #[error("the ciphers leave nothing to offer for {versions}; add some of {allowed}")]
    NothingToOffer {
        /// The enabled versions, comma-separated.
        versions: String,
        /// Suites that these versions have, comma-separated.
        allowed: String,
    },
    /// TLS 1.2 alone, and no suite that the key can be used with.
    #[error("the ciphers leave nothing to offer with the {algorithm} key; add some of {suites}")]
    NoSuiteForKey {
        /// The key's kind.
        algorithm: String,
        /// Suites that fit it, comma-separated.
        suites: String,
    },
    /// A folder that the policy names is not there. It is never made by the server.
    #[error("the folder `{}` is not there; make it with `mkdir -p {}` (it may stay empty)", path.display(), path.display())]
    MissingFolder {
        /// Which.
        path: PathBuf,
    },
    /// A build for FIPS 140-3 whose cryptography would not all be done by the validated module.
    #[error(
        "this build promises FIPS 140-3 cryptography and the policy would not keep to it; the module may have failed its self-tests"
    )]
    OutsideFips,
    /// The library refuses the parts as a whole.
    #[error("the parts do not make a configuration: {reason}")]
    Unusable {
        /// What it says.
        reason: String,
    },
}

/// Everything that is wrong with a policy.
#[derive(Debug)]
pub struct PolicyFaults {
    /// The scope.
    pub scope: &'static str,
    /// Each fault.
    pub faults: Vec<PolicyError>,
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the TLS policy `{}` cannot be used", self.scope)?;
        self.faults
            .iter()
            .try_for_each(|fault| write!(formatter, "\n  {fault}"))
    }
}

impl std::error::Error for PolicyFaults {}

/// One thing that works and deserves a thought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyWarning {
    /// A certificate ends soon.
    #[error("the certificate of {subject} in `{}` expires in {days} days; renew it", path.display())]
    ExpiresSoon {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// Whole days left.
        days: i64,
    },
    /// A self-signed certificate that is marked as an authority, as `openssl req -x509` makes them by itself.
    #[error(
        "the certificate of {subject} in `{}` is self-signed and marked as an authority: some clients refuse it as a server's even if they trust it; make it with `-addext basicConstraints=critical,CA:FALSE`",
        path.display()
    )]
    LeafIsItsOwnAuthority {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A key usage without what every handshake does.
    #[error(
        "the certificate of {subject} in `{}` has a key usage without digitalSignature: some clients refuse it",
        path.display()
    )]
    LeafMayNotSign {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A key in a form that will not be read for ever.
    #[error("the private key `{}` is in the old {format} form; convert it with `{command}`", path.display())]
    DeprecatedKeyFormat {
        /// The file.
        path: PathBuf,
        /// `PKCS #1` or `SEC1`.
        format: &'static str,
        /// What to run.
        command: String,
    },
    /// A password for a key that needs none.
    #[error(
        "there is a password for the private key `{}`, which is not encrypted; encrypt it with `{command}`, or remove the password",
        path.display()
    )]
    PasswordNotNeeded {
        /// The file.
        path: PathBuf,
        /// What to run.
        command: String,
    },
    /// A suite that is known, and that this server does not have.
    #[error(
        "the cipher suite `{name}` is not offered: there is no finite-field Diffie-Hellman; {instead} serves instead"
    )]
    SuiteNotOffered {
        /// Its name.
        name: String,
        /// The suites that serve the same clients, comma-separated; `nothing in the list` if there are none.
        instead: String,
    },
    /// An enabled version for which no suite is listed.
    #[error("{version} is enabled and the ciphers list none of its suites, so it is not offered; add {suites}")]
    VersionNotOffered {
        /// The version.
        version: &'static str,
        /// What to add, comma-separated.
        suites: String,
    },
    /// TLS 1.2 is enabled, and no suite can be used with the key.
    #[error(
        "TLSv1.2 is enabled and the ciphers list none of its suites for the {algorithm} key, so it is not offered; add {suites}"
    )]
    NoSuiteForKey {
        /// The key's kind.
        algorithm: String,
        /// Suites that fit it, comma-separated.
        suites: String,
    },
    /// A suite that is listed again.
    #[error("the cipher suite `{name}` is listed more than once; the first place counts")]
    SuiteTwice {
        /// Its name.
        name: String,
    },
    /// A certificate that clients only accept with an OCSP response, in a channel that staples none.
    #[error(
        "the certificate of {subject} in `{}` is must-staple and OCSP stapling is OFF: clients that know must-staple will refuse it; switch stapling on, or have it issued without",
        path.display()
    )]
    MustStapleOff {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate that names nobody to ask for an OCSP response.
    #[error("the certificate of {subject} in `{}` cannot be stapled: it names no OCSP responder with an http:// address", path.display())]
    NoResponder {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// The issuer is needed to ask for an OCSP response and to verify it.
    #[error("the certificate of {subject} in `{}` cannot be stapled: its issuer's certificate ({issuer}) is missing; append it to the file", path.display())]
    IssuerMissing {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// The issuer's name.
        issuer: String,
    },
    /// A certificate whose status cannot be asked for, because of what it says itself.
    #[error("the certificate of {subject} in `{}` cannot be stapled: {reason}", path.display())]
    NoInquiry {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `trust_all`.
    #[error(
        "EVERY certificate is trusted (trust_all): whoever connects can claim to be anybody. Never use this beyond debugging"
    )]
    TrustsEverybody,
    /// Something in the folder of the trusted that counts for nothing, or not for everything.
    #[error("the trusted certificate of {subject} in `{}` is not used: {reason}", path.display())]
    TrustedNotUsed {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
        /// Why.
        reason: String,
    },
    /// A revocation list whose time is over: nobody whom its issuer certified gets in.
    #[error(
        "the revocation list of {issuer} in `{}` has expired ({since}): EVERY certificate of this issuer is refused until a newer list is there", path.display()
    )]
    ListExpired {
        /// The file.
        path: PathBuf,
        /// Its issuer.
        issuer: String,
        /// When it expired.
        since: String,
    },
    /// A revocation list that bears the name of a trusted authority and not its signature.
    #[error(
        "the revocation list in `{}` bears the name of {issuer} and is not signed by any trusted authority of this name: it counts for nothing below it", path.display()
    )]
    ListNotSigned {
        /// The file.
        path: PathBuf,
        /// The issuer that it names.
        issuer: String,
    },
    /// A revocation list of an authority that is not among the trusted.
    #[error(
        "the revocation list in `{}` is by {issuer}, which is not among the trusted authorities: its signature can only be checked when the other side shows this issuer's certificate", path.display()
    )]
    ListOfUnknownIssuer {
        /// The file.
        path: PathBuf,
        /// Its issuer.
        issuer: String,
    },
    /// There are revocation lists, and none of this authority: nobody whom it certified itself gets in.
    #[error(
        "there are revocation lists, and none by the trusted authority {authority} of `{}`: the certificates it issued are refused until its list is there", path.display()
    )]
    NoList {
        /// The authority's file.
        path: PathBuf,
        /// The authority's subject.
        authority: String,
    },
}

/// A moment, in seconds since 1970, for people.
pub(crate) fn time_text(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(
        |_| format!("{seconds} seconds after 1970"),
        |moment| {
            let (year, month, day) = moment.to_calendar_date();
            let (hour, minute, _) = moment.to_hms();
            format!("{year:04}-{:02}-{day:02} {hour:02}:{minute:02} UTC", u8::from(month))
        },
    )
}
