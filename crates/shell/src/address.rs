//! Where to connect and with how much security, from what a person writes.

use crate::error::ConnectionError;

/// The port where none is given, IANA's for Bolt.
const PORT_DEFAULT: u16 = 7687;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Plain,
    /// TLS, the certificate is checked.
    Verified,
    /// TLS with any certificate.
    AnyCertificate,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// How the connection is protected.
    pub security: Security,
    /// Name or IP address, the latter without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    /// Reads `scheme://host:port` or `host:port`, where scheme and port may be left out: then TLS and 7687.
    ///
    /// # Errors
    /// An unknown scheme, no host, a port that is none, or more than an address.
    pub fn parse(text: &str) -> Result<Self, ConnectionError> {
        let bad = |reason: &str| ConnectionError::BadAddress {
            address: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (security, rest) = match text.split_once("://") {
            None => (Security::Verified, text),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "bolt" | "neo4j" => (Security::Plain, rest),
                "bolt+s" | "neo4j+s" => (Security::Verified, rest),
                "bolt+ssc" | "neo4j+ssc" => (Security::AnyCertificate, rest),
                _ => {
                    return Err(bad(
                        "the scheme must be bolt, bolt+s, bolt+ssc, neo4j, neo4j+s or neo4j+ssc",
                    ));
                }
            },
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(bad("nothing may follow the port"));
        }
        if rest.contains('@') {
            return Err(bad("give the user with -u and the password when asked"));
        }
        let (host, port) = split_port(rest).ok_or_else(|| bad("an IPv6 address needs brackets: [::1]:7687"))?;
        let port = match port {
            None => PORT_DEFAULT,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| bad("the port must be a number from 1 to 65535"))?,
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(bad("the host is missing"));
        }
        Ok(Self {
            security,
            host: host.to_owned(),
            port,
        })
    }

    /// Whether the host is this machine, so that nobody can listen on the way.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self
                .host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        None => Some((text, None)),
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Security, String, u16) {
        let address = Address::parse(text).unwrap();
        (address.security, address.host, address.port)
    }

    #[test]
    fn encrypts_unless_told_otherwise() {
        assert_eq!(parsed("localhost"), (Security::Verified, "localhost".to_owned(), 7687));
        assert_eq!(parsed("db:17"), (Security::Verified, "db".to_owned(), 17));
        assert_eq!(parsed("bolt://db"), (Security::Plain, "db".to_owned(), 7687));
        assert_eq!(parsed("neo4j+s://db:1/"), (Security::Verified, "db".to_owned(), 1));
        assert_eq!(
            parsed("BOLT+SSC://db"),
            (Security::AnyCertificate, "db".to_owned(), 7687)
        );
        assert_eq!(parsed("[::1]:99"), (Security::Verified, "::1".to_owned(), 99));
        assert_eq!(parsed("bolt://[::1]"), (Security::Plain, "::1".to_owned(), 7687));
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "http://db",
            "bolt://",
            "db:0",
            "db:x",
            "::1",
            "bolt://db/x",
            "bolt://me:pw@db",
            "[::1",
            "a b",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn knows_this_machine() {
        for (text, expected) in [
            ("localhost", true),
            ("127.3.2.1", true),
            ("[::1]", true),
            ("10.0.0.1", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_loopback(), expected, "{text}");
        }
    }
}
