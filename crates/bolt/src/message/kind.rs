//! Which requests exist, their tags, and from which version on.

use std::fmt;

use crate::Version;

/// The kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// Opens the conversation.
    Hello,
    /// Logs a user on, from 5.1.
    Logon,
    /// Logs the user off, from 5.1.
    Logoff,
    /// Tells which driver interface is used, from 5.4.
    Telemetry,
    /// Ends the conversation.
    Goodbye,
    /// Interrupts whatever runs and makes the session ready.
    Reset,
    /// Runs a statement.
    Run,
    /// Drops rows.
    Discard,
    /// Fetches rows.
    Pull,
    /// Begins a transaction.
    Begin,
    /// Commits it.
    Commit,
    /// Rolls it back.
    Rollback,
    /// Asks for a routing table.
    Route,
}

impl RequestKind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::Hello,
        Self::Logon,
        Self::Logoff,
        Self::Telemetry,
        Self::Goodbye,
        Self::Reset,
        Self::Run,
        Self::Discard,
        Self::Pull,
        Self::Begin,
        Self::Commit,
        Self::Rollback,
        Self::Route,
    ];

    /// The tag of the message's structure.
    pub fn tag(self) -> u8 {
        match self {
            Self::Hello => 0x01,
            Self::Logon => 0x6A,
            Self::Logoff => 0x6B,
            Self::Telemetry => 0x54,
            Self::Goodbye => 0x02,
            Self::Reset => 0x0F,
            Self::Run => 0x10,
            Self::Discard => 0x2F,
            Self::Pull => 0x3F,
            Self::Begin => 0x11,
            Self::Commit => 0x12,
            Self::Rollback => 0x13,
            Self::Route => 0x66,
        }
    }

    /// How many fields the message's structure has.
    pub fn fields(self) -> usize {
        match self {
            Self::Hello | Self::Logon | Self::Telemetry | Self::Discard | Self::Pull | Self::Begin => 1,
            Self::Logoff | Self::Goodbye | Self::Reset | Self::Commit | Self::Rollback => 0,
            Self::Run | Self::Route => 3,
        }
    }

    /// The kind with `tag`, if `version` knows it.
    pub fn of_tag(tag: u8, version: Version) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.tag() == tag && kind.exists_in(version))
    }

    /// The kind of an encoded message, by its first two bytes, without decoding the rest.
    pub fn of_message(message: &[u8], version: Version) -> Option<Self> {
        let [0xB0..=0xBF, tag, ..] = message else { return None };
        Self::of_tag(*tag, version)
    }

    /// Whether messages of this kind may carry a password: wipe their bytes after use.
    pub fn carries_credentials(self) -> bool {
        matches!(self, Self::Hello | Self::Logon)
    }

    fn exists_in(self, version: Version) -> bool {
        match self {
            Self::Logon | Self::Logoff => version.has_logon(),
            Self::Telemetry => version.has_telemetry(),
            _ => true,
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hello => "HELLO",
            Self::Logon => "LOGON",
            Self::Logoff => "LOGOFF",
            Self::Telemetry => "TELEMETRY",
            Self::Goodbye => "GOODBYE",
            Self::Reset => "RESET",
            Self::Run => "RUN",
            Self::Discard => "DISCARD",
            Self::Pull => "PULL",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Route => "ROUTE",
        })
    }
}
