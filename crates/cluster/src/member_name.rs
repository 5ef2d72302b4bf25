//! The name of a member: what its certificate vouches for, so a DNS name or an address.

use std::fmt;

use rustls_pki_types::ServerName;

/// The longest name, in bytes; DNS allows no more.
pub(crate) const NAME_BYTES_MAX: usize = 253;

/// A member's name, in lower case. INVARIANT: a DNS name or an address.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberName(String);

/// A text that names no member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a member's name must be a DNS name or an address of at most {NAME_BYTES_MAX} bytes")]
pub struct MemberNameError;

impl MemberName {
    /// Checks a name and makes it lower-case, as DNS names are compared.
    ///
    /// # Errors
    /// Whatever is neither a DNS name nor an address.
    pub fn new(name: &str) -> Result<Self, MemberNameError> {
        let is_named = name.len() <= NAME_BYTES_MAX && ServerName::try_from(name).is_ok();
        is_named.then(|| Self(name.to_ascii_lowercase())).ok_or(MemberNameError)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for MemberName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names_and_addresses_are_names_and_other_texts_are_not() {
        for good in ["one", "one.cluster.test", "10.0.0.1", "fd00::1"] {
            assert_eq!(MemberName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "one two", "one\n", "ü.test", "*.cluster.test", &"a".repeat(254)] {
            assert_eq!(MemberName::new(bad), Err(MemberNameError), "{bad}");
        }
    }

    #[test]
    fn names_that_differ_in_case_are_the_same() {
        assert_eq!(MemberName::new("One.Test"), MemberName::new("one.test"));
    }
}
