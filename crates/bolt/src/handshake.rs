//! The handshake: magic, four proposals, and the manifest form in which the client chooses.
//!
//! An incremental machine that takes bytes as they come, one at a time if need be. INVARIANT: it never consumes a byte
//! that belongs to the first message.

use thiserror::Error;

use crate::Version;
use crate::limits::MANIFEST_VARINT_BYTES_MAX;

/// The first four bytes of every Bolt connection.
pub const MAGIC: [u8; 4] = [0x60, 0x60, 0xB0, 0x17];

const MANIFEST_V1: [u8; 4] = [0x00, 0x00, 0x01, 0xFF];
const NO_VERSION: [u8; 4] = [0; 4];
const OPENING_BYTES: usize = 20;

/// What the handshake wants of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeProgress {
    /// All input is consumed; more is needed.
    NeedMore,
    /// Send these bytes, then go on feeding.
    Send(Vec<u8>),
    /// Send `reply` (may be empty); messages in `version` follow.
    Agreed {
        /// What was agreed.
        version: Version,
        /// Bytes to send first.
        reply: Vec<u8>,
    },
    /// Nothing in common: send `reply` (may be empty) and close.
    NothingInCommon {
        /// Bytes to send first.
        reply: Vec<u8>,
    },
}

/// Why a handshake is broken; the connection is closed without an answer.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeError {
    /// The first bytes are not Bolt.
    #[error("the connection does not start with the Bolt magic number")]
    NotBolt,
    /// The client chose from the manifest what was not in it.
    #[error("version {0} was chosen, which was not offered")]
    NotOffered(Version),
    /// The client chose capabilities that were not offered.
    #[error("capabilities were chosen that were not offered")]
    CapabilitiesNotOffered,
    /// The handshake is over; nothing more may be fed.
    #[error("the handshake is over")]
    Over,
}

/// The server's side of the handshake.
#[derive(Debug)]
pub struct Handshake {
    stage: Stage,
    offered: Vec<Version>,
    manifest: bool,
}

#[derive(Debug)]
enum Stage {
    Opening { received: Vec<u8> },
    ManifestChoice { received: Vec<u8> },
    Over,
}

impl Default for Handshake {
    fn default() -> Self {
        Self::new()
    }
}

impl Handshake {
    /// A handshake that offers every supported version, in the manifest form to clients that ask for it.
    pub fn new() -> Self {
        Self::offering(&Version::SUPPORTED)
    }

    /// A handshake that offers only the supported ones of `versions`.
    pub fn offering(versions: &[Version]) -> Self {
        let mut offered: Vec<Version> = versions
            .iter()
            .copied()
            .filter(|version| version.is_supported())
            .collect();
        offered.sort_unstable_by(|left, right| right.cmp(left));
        offered.dedup();
        let manifest = offered.iter().any(|version| *version >= Version::new(5, 7));
        Self {
            stage: Stage::Opening {
                received: Vec::with_capacity(OPENING_BYTES),
            },
            offered,
            manifest,
        }
    }

    /// Takes from the front of `input` what the handshake needs; what is left belongs to whoever comes next.
    ///
    /// # Errors
    /// A broken handshake: close the connection.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<HandshakeProgress, HandshakeError> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Opening { received } => self.feed_opening(received, input),
            Stage::ManifestChoice { received } => self.feed_choice(received, input),
            Stage::Over => Err(HandshakeError::Over),
        }
    }

    fn feed_opening(&mut self, mut received: Vec<u8>, input: &mut &[u8]) -> Result<HandshakeProgress, HandshakeError> {
        take_until(&mut received, OPENING_BYTES, input);
        if received.iter().zip(MAGIC).any(|(got, wanted)| *got != wanted) {
            return Err(HandshakeError::NotBolt);
        }
        let proposals = received.get(MAGIC.len()..).unwrap_or_default().as_chunks::<4>().0;
        let [first, second, third, fourth] = *proposals else {
            self.stage = Stage::Opening { received };
            return Ok(HandshakeProgress::NeedMore);
        };
        let proposals = [first, second, third, fourth];
        if self.manifest && proposals.contains(&MANIFEST_V1) {
            self.stage = Stage::ManifestChoice { received: Vec::new() };
            return Ok(HandshakeProgress::Send(self.manifest_bytes()));
        }
        let chosen = self
            .offered
            .iter()
            .find(|version| proposals.iter().any(|proposal| covers(*proposal, **version)));
        Ok(match chosen {
            Some(version) => HandshakeProgress::Agreed {
                version: *version,
                reply: version.to_bytes().to_vec(),
            },
            None => HandshakeProgress::NothingInCommon {
                reply: NO_VERSION.to_vec(),
            },
        })
    }

    fn feed_choice(&mut self, mut received: Vec<u8>, input: &mut &[u8]) -> Result<HandshakeProgress, HandshakeError> {
        take_until(&mut received, NO_VERSION.len(), input);
        let version_complete = received.len() >= NO_VERSION.len();
        let mut capabilities_complete = varint_complete(&received);
        while version_complete && !capabilities_complete {
            let Some((byte, rest)) = input.split_first() else { break };
            *input = rest;
            received.push(*byte);
            capabilities_complete = varint_complete(&received);
        }
        let Some((version, capabilities)) = received.split_first_chunk::<4>() else {
            self.stage = Stage::ManifestChoice { received };
            return Ok(HandshakeProgress::NeedMore);
        };
        if capabilities.len() > MANIFEST_VARINT_BYTES_MAX || capabilities.iter().any(|byte| byte & 0x7F != 0) {
            return Err(HandshakeError::CapabilitiesNotOffered);
        }
        let [_, _, minor, major] = *version;
        if !capabilities_complete {
            self.stage = Stage::ManifestChoice { received };
            return Ok(HandshakeProgress::NeedMore);
        }
        if *version == NO_VERSION {
            return Ok(HandshakeProgress::NothingInCommon { reply: Vec::new() });
        }
        let version = Version::new(major, minor);
        if self.offered.contains(&version) {
            Ok(HandshakeProgress::Agreed {
                version,
                reply: Vec::new(),
            })
        } else {
            Err(HandshakeError::NotOffered(version))
        }
    }

    /// The manifest: its own number, how many ranges, the ranges, no capabilities.
    fn manifest_bytes(&self) -> Vec<u8> {
        let ranges = ranges(&self.offered);
        let mut bytes = MANIFEST_V1.to_vec();
        // At most one range per supported version, so the count always fits one varint byte.
        bytes.push(u8::try_from(ranges.len()).unwrap_or(0x7F) & 0x7F);
        bytes.extend(ranges.iter().flatten());
        bytes.push(0);
        bytes
    }
}

/// What a client sends first: magic, the manifest, and ranges for servers without it.
pub fn client_proposals() -> [u8; OPENING_BYTES] {
    let mut bytes = [0; OPENING_BYTES];
    let parts = MAGIC
        .into_iter()
        .chain(MANIFEST_V1)
        .chain([0, 2, 8, 5])
        .chain([0, 4, 4, 5])
        .chain([0, 0, 4, 4]);
    for (slot, byte) in bytes.iter_mut().zip(parts) {
        *slot = byte;
    }
    bytes
}

/// What a client answers to a manifest: the version it chose and no capabilities.
pub fn client_manifest_choice(version: Version) -> [u8; 5] {
    let [zero, range, minor, major] = version.to_bytes();
    [zero, range, minor, major, 0]
}

/// Moves bytes from `input` to `received` until that holds `wanted`.
fn take_until(received: &mut Vec<u8>, wanted: usize, input: &mut &[u8]) {
    let count = wanted.saturating_sub(received.len()).min(input.len());
    if let Some((taken, rest)) = input.split_at_checked(count) {
        received.extend_from_slice(taken);
        *input = rest;
    }
}

/// Whether what follows the four version bytes is a whole variable-length integer (or already too long to be one).
fn varint_complete(received: &[u8]) -> bool {
    let varint = received.get(NO_VERSION.len()..).unwrap_or_default();
    varint.len() > MANIFEST_VARINT_BYTES_MAX || varint.last().is_some_and(|byte| byte & 0x80 == 0)
}

/// Whether the proposal `00 range minor major` includes `version`.
fn covers(proposal: [u8; 4], version: Version) -> bool {
    let [_, range, minor, major] = proposal;
    major == version.major && version.minor <= minor && version.minor >= minor.saturating_sub(range)
}

/// Groups versions, highest first, into proposals of consecutive minors.
fn ranges(versions: &[Version]) -> Vec<[u8; 4]> {
    let mut ranges: Vec<[u8; 4]> = Vec::new();
    for version in versions {
        match ranges.last_mut() {
            Some([_, range, minor, major])
                if *major == version.major && minor.checked_sub(*range + 1) == Some(version.minor) =>
            {
                *range += 1;
            }
            _ => ranges.push(version.to_bytes()),
        }
    }
    ranges
}

#[cfg(test)]
mod tests;
