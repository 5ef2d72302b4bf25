//! TLS policies: certificates, keys, trust, revocation and handshakes of every channel.
//!
//! Owns the way from files on disk to accepted and dialled connections. A [`PolicyConfig`] says what is wanted, [`Policy::load`]
//! reads and checks everything it names, [`Channels`] puts the policies of all channels in force together and replaces them
//! together. INVARIANT: a policy that cannot be met as written is an error with every reason, never a weaker policy. Must
//! not know settings, Bolt or HTTP: callers hand in values.

mod certificate;
mod chain;
mod channel;
mod development;
mod distinguished_name;
mod fault;
mod file;
mod handshake;
mod identity;
mod inspect;
mod key_algorithm;
mod key_encryption;
mod ocsp;
#[cfg(test)]
mod openssl;
mod peer;
mod pem;
mod policy;
mod presented;
mod private_key;
mod recognise;
mod revocation;
mod signature_algorithm;
mod suites;
mod trust;
mod verify;

pub use certificate::{CertificateSummary, summarise_certificate};
pub use channel::{Channel, Channels, ReloadError};
pub use development::{
    DEVELOPMENT_CA_FILE, DevelopmentCertificates, DevelopmentError, create_development_certificates,
};
pub use fault::{PolicyError, PolicyFaults, PolicyWarning};
pub use handshake::{FAILURE_REASONS, FailureReason, HandshakeFailure, HandshakeStatistics};
pub use inspect::{ChainEnd, InspectedCertificate, Inspection, inspect};
pub use ocsp::{
    Fetch, FetchError, FetchFuture, HttpFetch, RELOAD_WAIT, START_WAIT, StapleState, StapleStatus, Stapler,
    staple_warnings,
};
pub use peer::PeerCertificate;
pub use policy::{ClientAuthentication, Policy, PolicyConfig, TlsVersion};
pub use private_key::KeySummary;
pub use trust::{RevocationListSummary, RevokedSummary, TrustSummary, TrustedSummary};
