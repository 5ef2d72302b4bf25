//! TLS policies: certificates, keys, trust, and their development defaults.
//!
//! Owns the way from files on disk to a `rustls` configuration. INVARIANT: a policy that cannot be met as written is an
//! error with every reason, never a weaker policy. Must not know settings, Bolt or HTTP: callers hand in a [`PolicyConfig`].

mod development;
mod identity;
mod policy;
mod suites;
mod trust;

pub use development::{DEVELOPMENT_CA_FILE, DevelopmentCertificates, create_development_certificates};
pub use identity::{CertificateSummary, summarise_certificate};
pub use policy::{ClientAuthentication, PolicyConfig, PolicyError, PolicyFaults, ServerPolicy, TlsVersion};
