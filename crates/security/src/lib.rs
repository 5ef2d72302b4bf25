//! Decides who may do what: passwords, lock-out, permits, remote addresses.
//!
//! INVARIANT: this crate does no input or output and reads no clock; the time, random bytes and stored users are handed
//! in. It must not know the graph, the wire protocols or where users are stored. Reading or changing the graph takes a
//! [`Permit`], whose fields are private, so that code which forgets to ask does not compile.

mod admission;
mod authority;
mod bounded_map;
mod certificate_rules;
mod credential_cache;
mod lockout;
mod password_hash;
mod password_policy;
mod permit;
mod remote_address;
mod user;

pub use admission::{Admission, AdmissionLimits, Evict, Place, TooManyOfAddress};
pub use authority::{AuthenticationFailure, Authority, AuthorityConfig, Principal, Unconfirmed};
pub use certificate_rules::{CertificateIdentity, CertificateRules, InvalidCertificateRules};
pub use lockout::{AttemptDecision, Lockout, LockoutConfig};
pub use password_hash::{
    GENERATED_PASSWORD_RANDOM_BYTES, PASSWORD_BYTES_MAX, PasswordHash, PasswordHashError, SALT_BYTES, generate_password,
};
pub use password_policy::{PasswordPolicy, PasswordPolicyViolation, password_entropy_bits};
pub use permit::{
    AccessMode, Action, AdministrationPermit, Denied, LoadPermit, OwnPasswordPermit, Permit, ReadPermit, SchemaPermit,
    Scope, WritePermit,
};
pub use remote_address::{AddressRefused, InvalidNetwork, Network, RemoteAllowList, is_public};
pub use user::{InvalidUserName, USER_NAME_CHARACTERS_MAX, User, UserName};
