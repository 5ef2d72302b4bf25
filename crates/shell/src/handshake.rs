//! The client's side of the Bolt handshake: proposals out, version in.

use bastide_bolt::{Version, client_manifest_choice, client_proposals};

use crate::error::ConnectionError;

const MANIFEST_V1: [u8; 4] = [0, 0, 1, 0xFF];
/// More ranges than there are minor versions make no sense.
const RANGES_MAX: u8 = 127;
/// Bytes that the capabilities of a manifest may take.
const CAPABILITY_BYTES_MAX: usize = 9;

/// Bytes to and from the server during the handshake.
pub trait Exchange {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// A lost connection.
    fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError>;

    /// Fills `buffer`.
    ///
    /// # Errors
    /// A lost connection, or no answer in time.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), ConnectionError>;
}

/// Agrees on a version.
///
/// # Errors
/// A lost connection, nothing in common, or a server that speaks something else.
pub fn negotiate(exchange: &mut dyn Exchange) -> Result<Version, ConnectionError> {
    exchange.send(&client_proposals())?;
    let mut answer = [0; 4];
    exchange.receive(&mut answer).map_err(|error| match error {
        ConnectionError::Closed => ConnectionError::Handshake(
            "the server closed the connection; perhaps it requires TLS (then connect to bolt+s://)",
        ),
        other => other,
    })?;
    match answer {
        MANIFEST_V1 => negotiate_manifest(exchange),
        [0, 0, 0, 0] => Err(ConnectionError::Handshake(
            "the server speaks no version of Bolt that is spoken here",
        )),
        [b'H', b'T', b'T', b'P'] => Err(ConnectionError::Handshake("this is an HTTP port")),
        // An alert or a handshake record of TLS.
        [0x15 | 0x16, 3, ..] => Err(ConnectionError::Handshake(
            "the server requires TLS; connect to bolt+s://",
        )),
        [0, 0, minor, major] => supported(Version::new(major, minor)),
        _ => Err(ConnectionError::Handshake("the server does not speak Bolt")),
    }
}

fn supported(version: Version) -> Result<Version, ConnectionError> {
    if version.is_supported() {
        Ok(version)
    } else {
        Err(ConnectionError::Handshake(
            "the server chose a version that was not offered",
        ))
    }
}

fn negotiate_manifest(exchange: &mut dyn Exchange) -> Result<Version, ConnectionError> {
    let mut count = [0; 1];
    exchange.receive(&mut count)?;
    let [count] = count;
    if count > RANGES_MAX {
        return Err(ConnectionError::Handshake("the server's list of versions is broken"));
    }
    let mut ranges = Vec::new();
    for _ in 0..count {
        let mut range = [0; 4];
        exchange.receive(&mut range)?;
        ranges.push(range);
    }
    for position in 0.. {
        let mut byte = [0; 1];
        exchange.receive(&mut byte)?;
        if byte.iter().all(|byte| byte & 0x80 == 0) {
            break;
        }
        if position >= CAPABILITY_BYTES_MAX {
            return Err(ConnectionError::Handshake(
                "the server's list of capabilities is broken",
            ));
        }
    }
    let offered = |version: &Version| {
        ranges.iter().any(|[_, range, minor, major]| {
            version.major == *major && version.minor <= *minor && version.minor >= minor.saturating_sub(*range)
        })
    };
    match Version::SUPPORTED.into_iter().find(offered) {
        Some(version) => {
            exchange.send(&client_manifest_choice(version))?;
            Ok(version)
        }
        None => {
            exchange.send(&[0; 5])?;
            Err(ConnectionError::Handshake(
                "the server speaks no version of Bolt that is spoken here",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bastide_bolt::{Handshake, HandshakeProgress};

    /// The codec's own server side at the other end.
    struct Server {
        handshake: Handshake,
        answers: Vec<u8>,
        agreed: Option<Version>,
    }

    impl Server {
        fn offering(versions: &[Version]) -> Self {
            Self {
                handshake: Handshake::offering(versions),
                answers: Vec::new(),
                agreed: None,
            }
        }
    }

    impl Exchange for Server {
        fn send(&mut self, mut bytes: &[u8]) -> Result<(), ConnectionError> {
            match self.handshake.feed(&mut bytes).unwrap() {
                HandshakeProgress::Send(reply) | HandshakeProgress::NothingInCommon { reply } => {
                    self.answers.extend(reply)
                }
                HandshakeProgress::Agreed { version, reply } => {
                    self.agreed = Some(version);
                    self.answers.extend(reply);
                }
                HandshakeProgress::NeedMore => {}
            }
            Ok(())
        }

        fn receive(&mut self, buffer: &mut [u8]) -> Result<(), ConnectionError> {
            if self.answers.len() < buffer.len() {
                return Err(ConnectionError::Closed);
            }
            buffer.copy_from_slice(&self.answers.drain(..buffer.len()).collect::<Vec<_>>());
            Ok(())
        }
    }

    #[test]
    fn agrees_on_the_highest_version_that_both_speak() {
        for (offered, expected) in [
            (Version::SUPPORTED.to_vec(), Version::new(5, 8)),
            (vec![Version::new(5, 7), Version::new(5, 4)], Version::new(5, 7)),
            (vec![Version::new(5, 4), Version::new(5, 0)], Version::new(5, 4)),
            (vec![Version::new(4, 4)], Version::new(4, 4)),
        ] {
            let mut server = Server::offering(&offered);
            assert_eq!(negotiate(&mut server).unwrap(), expected);
            assert_eq!(server.agreed, Some(expected));
        }
    }

    #[test]
    fn says_what_else_is_spoken_at_the_port() {
        for (answer, part) in [
            (b"HTTP".to_vec(), "HTTP"),
            (vec![0x15, 3, 3, 0], "requires TLS"),
            (vec![0; 4], "no version"),
            (vec![0, 0, 9, 9], "not offered"),
            (vec![], "requires TLS"),
        ] {
            struct Canned(Vec<u8>);
            impl Exchange for Canned {
                fn send(&mut self, _: &[u8]) -> Result<(), ConnectionError> {
                    Ok(())
                }
                fn receive(&mut self, buffer: &mut [u8]) -> Result<(), ConnectionError> {
                    if self.0.len() < buffer.len() {
                        return Err(ConnectionError::Closed);
                    }
                    buffer.copy_from_slice(&self.0.drain(..buffer.len()).collect::<Vec<_>>());
                    Ok(())
                }
            }
            let error = negotiate(&mut Canned(answer)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
