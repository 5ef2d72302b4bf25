//! Why there is no connection, as facts.

use std::io;

use bastide_tls::HandshakeFailure;
use rustls::{AlertDescription, Error as TlsError};

use crate::hello::HelloError;
use crate::member_name::MemberName;

/// Why a listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The policy lets connections in that show no certificate.
    #[error("the policy `{scope}` does not require certificates of both ends; set its client_auth to REQUIRE")]
    NotMutual {
        /// The policy's scope.
        scope: &'static str,
    },
    /// The listener's own address cannot be told.
    #[error("the address of the listener cannot be told")]
    Address(#[source] io::Error),
}

/// What one end tells the other in the hello when it turns it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RefusalCode {
    /// It does not speak this version of the hello.
    Version = 1,
    /// The certificate does not vouch for the name.
    Name = 2,
    /// There are as many connections as there may be.
    Full = 3,
    /// What was returned is not what was sent.
    Nonce = 4,
}

impl RefusalCode {
    /// The code of a byte, if it stands for one.
    pub(crate) fn of(byte: u8) -> Option<Self> {
        [Self::Version, Self::Name, Self::Full, Self::Nonce]
            .into_iter()
            .find(|code| *code as u8 == byte)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Version => "it does not speak this version of the protocol",
            Self::Name => "this member's certificate does not vouch for its name",
            Self::Full => "it has as many connections as it may have",
            Self::Nonce => "what this member returned is not what it sent",
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotEstablished {
    /// The other member cannot be reached.
    #[error("the member cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Handshake(HandshakeFailure),
    /// The handshake is done and the other end did not accept this one's certificate, as TLS 1.3 tells late.
    #[error("the other side refused after the handshake: {alert:?}")]
    RefusedByPeer {
        /// The alert it sent.
        alert: AlertDescription,
    },
    /// The other end showed no certificate.
    #[error("the other side showed no certificate")]
    NoCertificate,
    /// Its certificate allows one direction only.
    #[error("the other side's certificate does not allow both usages, server and client")]
    OneUsageOnly,
    /// Its certificate vouches for other names than the one it gave itself.
    #[error("the other side calls itself `{name}`, and its certificate is not for that name")]
    NameNotCertified {
        /// The name it gave.
        name: MemberName,
    },
    /// What came is no hello.
    #[error("what came is no hello: {0}")]
    NotAHello(HelloError),
    /// It speaks another version.
    #[error("the other side speaks version {theirs} of the protocol, this one {ours}")]
    OtherVersion {
        /// Theirs.
        theirs: u16,
        /// Ours.
        ours: u16,
    },
    /// It returned other bytes than it was sent.
    #[error("the other side did not return what it was sent")]
    WrongNonce,
    /// It said no.
    #[error("the other side refused: {}", .0.words())]
    Refused(RefusalCode),
    /// It went away, or the connection failed.
    #[error("the connection was lost during the hello")]
    Lost(#[source] io::Error),
    /// It took too long.
    #[error("the {step} took too long")]
    TimedOut {
        /// Which step: `connection` or `hello`.
        step: &'static str,
    },
    /// As many connections as there may be.
    #[error("there are {limit} connections, as many as there may be")]
    TooManyConnections {
        /// The limit.
        limit: usize,
    },
    /// As many handshakes under way as there may be, and this was the oldest.
    #[error("there were {limit} handshakes under way, as many as there may be, and a newer one took its place")]
    TooManyHandshakes {
        /// The limit.
        limit: usize,
    },
    /// As many of one address as there may be.
    #[error("there are {limit} handshakes of this address under way, as many as there may be")]
    TooManyHandshakesOfAddress {
        /// The limit.
        limit: usize,
    },
    /// The system gave no random bytes.
    #[error("no random bytes are to be had")]
    NoRandomBytes,
}

impl From<io::Error> for NotEstablished {
    /// Errors of an established TLS connection: an alert is the other side's answer to what it was shown.
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        match inner {
            Some(TlsError::AlertReceived(alert)) => Self::RefusedByPeer { alert: *alert },
            _ => Self::Lost(error),
        }
    }
}

impl From<HandshakeFailure> for NotEstablished {
    fn from(failure: HandshakeFailure) -> Self {
        Self::Handshake(failure)
    }
}

impl From<HelloError> for NotEstablished {
    fn from(error: HelloError) -> Self {
        Self::NotAHello(error)
    }
}
