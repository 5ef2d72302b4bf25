//! Protocol versions and which of them are spoken.

use std::fmt;

/// A version of the Bolt protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number, e.g. 5 of 5.8.
    pub major: u8,
    /// Second number, e.g. 8 of 5.8.
    pub minor: u8,
}

impl Version {
    /// Every version that is spoken, highest first. 5.5 was never released and is never negotiated.
    pub const SUPPORTED: [Self; 9] = [
        Self::new(5, 8),
        Self::new(5, 7),
        Self::new(5, 6),
        Self::new(5, 4),
        Self::new(5, 3),
        Self::new(5, 2),
        Self::new(5, 1),
        Self::new(5, 0),
        Self::new(4, 4),
    ];

    /// The version `major.minor`, spoken or not.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Whether this version is spoken here.
    pub fn is_supported(self) -> bool {
        Self::SUPPORTED.contains(&self)
    }

    /// The four bytes that name this version in a handshake: `00 00 minor major`.
    pub const fn to_bytes(self) -> [u8; 4] {
        [0, 0, self.minor, self.major]
    }

    /// From 5.1 the credentials travel in LOGON, not in HELLO.
    pub fn has_logon(self) -> bool {
        self >= Self::new(5, 1)
    }

    /// From 5.2 HELLO, BEGIN and RUN may carry a notification filter.
    pub fn has_notification_filter(self) -> bool {
        self >= Self::new(5, 2)
    }

    /// From 5.3 HELLO must carry `bolt_agent`.
    pub fn requires_bolt_agent(self) -> bool {
        self >= Self::new(5, 3)
    }

    /// From 5.4 there is TELEMETRY.
    pub fn has_telemetry(self) -> bool {
        self >= Self::new(5, 4)
    }

    /// From 5.6 a summary carries `statuses` where it carried `notifications`.
    pub fn has_statuses(self) -> bool {
        self >= Self::new(5, 6)
    }

    /// From 5.7 FAILURE has the GQL shape and HELLO's answer names the protocol version.
    pub fn has_gql_failures(self) -> bool {
        self >= Self::new(5, 7)
    }

    /// From 5.8 the answers to BEGIN and RUN name the database.
    pub fn echoes_database(self) -> bool {
        self >= Self::new(5, 8)
    }

    /// From 5.0 entities carry element ids and date-times are in UTC.
    pub fn has_element_ids(self) -> bool {
        self.major >= 5
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}
