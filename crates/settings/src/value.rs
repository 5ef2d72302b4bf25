//! Values of settings and how they are written back as text; reading them is in `syntax`.
//!
//! INVARIANT: a secret value is never written.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bastide_secret::{REDACTED, SecretString};

mod syntax;

pub(crate) use syntax::parse;

/// The value of a setting.
#[derive(Debug, Clone)]
pub enum Value {
    /// Not set, and there is no default.
    Absent,
    /// See [`crate::Kind::Boolean`].
    Boolean(bool),
    /// See [`crate::Kind::Integer`].
    Integer(i64),
    /// See [`crate::Kind::Float`].
    Float(f64),
    /// See [`crate::Kind::Duration`].
    Duration(Duration),
    /// See [`crate::Kind::Bytes`].
    Bytes(u64),
    /// See [`crate::Kind::SocketAddress`].
    Address(SocketAddress),
    /// A text, word, host or name.
    Text(String),
    /// See [`crate::Kind::Secret`].
    Secret(SecretString),
    /// See [`crate::Kind::Path`].
    Path(PathBuf),
    /// A list of texts or words.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("No Value"),
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value}"),
            Self::Duration(value) => formatter.write_str(&format_duration(*value)),
            Self::Bytes(value) => formatter.write_str(&format_bytes(*value)),
            Self::Address(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
            Self::Secret(_) => formatter.write_str(REDACTED),
            Self::Path(value) => write!(formatter, "{}", value.display()),
            Self::List(values) => formatter.write_str(&values.join(",")),
        }
    }
}

/// `host:port` with either part optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketAddress {
    /// Host name or address, IPv6 without brackets.
    pub host: Option<String>,
    /// Port; 0 lets the operating system choose.
    pub port: Option<u16>,
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write_host(formatter, host)?;
        }
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Where to listen, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// Host name or address.
    pub host: String,
    /// Port; 0 lets the operating system choose.
    pub port: u16,
}

impl ListenAddress {
    /// Whether only this machine can connect.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_host(formatter, &self.host)?;
        write!(formatter, ":{}", self.port)
    }
}

/// What clients are told to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertisedAddress {
    /// Host name or address.
    pub host: String,
    /// Port; the one bound if absent.
    pub port: Option<u16>,
}

fn write_host(formatter: &mut fmt::Formatter<'_>, host: &str) -> fmt::Result {
    if host.contains(':') {
        write!(formatter, "[{host}]")
    } else {
        formatter.write_str(host)
    }
}

/// Whether `host` means this machine only.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

macro_rules! words {
    ($(#[doc = $doc:literal] $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal,)+ })+) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $variant_doc])+ $variant,)+ }

        impl $name {
            /// The words of the setting.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The variant that a word of the setting stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// The word of the setting.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    )+};
}

words! {
    /// `server.bolt.tls_level`.
    TlsLevel {
        /// Only TLS.
        Required = "REQUIRED",
        /// TLS and plain text on one port.
        Optional = "OPTIONAL",
        /// Only plain text.
        Disabled = "DISABLED",
    }
    /// `dbms.ssl.policy.<scope>.client_auth`.
    ClientAuthentication {
        /// No client certificate is asked for.
        None = "NONE",
        /// A client certificate is checked if there is one.
        Optional = "OPTIONAL",
        /// A valid client certificate is needed.
        Require = "REQUIRE",
    }
    /// `dbms.ssl.policy.<scope>.tls_versions`.
    TlsVersion {
        /// TLS 1.2.
        Tls12 = "TLSv1.2",
        /// TLS 1.3.
        Tls13 = "TLSv1.3",
    }
}

/// Writes a duration with the largest units that fit, as in `1h30m`.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, milliseconds) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        if rest >= milliseconds {
            text.push_str(&format!("{}{unit}", rest / milliseconds));
            rest %= milliseconds;
        }
    }
    text
}

/// Writes a byte size with the largest unit that divides it.
pub fn format_bytes(bytes: u64) -> String {
    for (unit, size) in [
        ("EiB", 1_u64 << 60),
        ("PiB", 1 << 50),
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ] {
        if bytes > 0 && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes}B")
}
