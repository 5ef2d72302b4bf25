//! The frames of the hello: bytes to values and back, and nothing else.
//!
//! Each frame is a head of nine bytes and a body, numbers big-endian:
//!
//! ```text
//! 0  4  "BCLU"
//! 4  2  version of the protocol
//! 6  1  kind: 1 greeting, 2 answer, 3 confirmation, 4 refusal
//! 7  2  length of the body
//! 9  -  greeting: 32 random bytes, the name; answer: 32 bytes returned, 32 random bytes, the name;
//!       confirmation: 32 bytes returned; refusal: one byte, the reason
//! ```
//!
//! The head is the same in every version to come, so that members of two versions can tell each other.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::error::{NotEstablished, RefusalCode};
use crate::member_name::{MemberName, NAME_BYTES_MAX};

/// The version of the hello that this member speaks.
pub const PROTOCOL_VERSION: u16 = 1;
/// The longest body of a frame, in bytes; nothing longer is read.
pub const HELLO_BYTES_MAX: usize = 2 * NONCE_BYTES + NAME_BYTES_MAX;

const MAGIC: [u8; 4] = *b"BCLU";
const HEAD_BYTES: usize = 9;
const NONCE_BYTES: usize = 32;

const GREETING: u8 = 1;
const ANSWER: u8 = 2;
const CONFIRMATION: u8 = 3;
const REFUSAL: u8 = 4;

/// Bytes that one end made up for one connection.
pub(crate) type Nonce = [u8; NONCE_BYTES];

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The listener's first word.
    Greeting { nonce: Nonce, name: MemberName },
    /// The dialler's only word.
    Answer {
        returned: Nonce,
        nonce: Nonce,
        name: MemberName,
    },
    /// The listener's last word.
    Confirmation { returned: Nonce },
    /// No, from either end.
    Refusal(RefusalCode),
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// They begin with something else.
    #[error("it does not begin like one")]
    NotOurs,
    /// The body is longer than any.
    #[error("its body has {bytes} bytes, and {HELLO_BYTES_MAX} is the most")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// The body is not what the kind wants.
    #[error("its body does not fit its kind")]
    Malformed,
    /// A frame of a kind that does not come now.
    #[error("it is out of turn")]
    OutOfTurn,
}

impl Frame {
    /// The frame as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(HELLO_BYTES_MAX);
        let kind = match self {
            Self::Greeting { nonce, name } => {
                body.extend_from_slice(nonce);
                body.extend_from_slice(name.as_str().as_bytes());
                GREETING
            }
            Self::Answer { returned, nonce, name } => {
                body.extend_from_slice(returned);
                body.extend_from_slice(nonce);
                body.extend_from_slice(name.as_str().as_bytes());
                ANSWER
            }
            Self::Confirmation { returned } => {
                body.extend_from_slice(returned);
                CONFIRMATION
            }
            Self::Refusal(code) => {
                body.push(*code as u8);
                REFUSAL
            }
        };
        // A name is at most 253 bytes long, so the body is far below 64 KiB.
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&PROTOCOL_VERSION.to_be_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    fn of_body(kind: u8, body: &[u8]) -> Result<Self, HelloError> {
        let malformed = HelloError::Malformed;
        match kind {
            GREETING => {
                let (nonce, name) = body.split_first_chunk().ok_or(malformed)?;
                Ok(Self::Greeting {
                    nonce: *nonce,
                    name: name_of(name)?,
                })
            }
            ANSWER => {
                let (returned, rest) = body.split_first_chunk().ok_or(malformed)?;
                let (nonce, name) = rest.split_first_chunk().ok_or(malformed)?;
                Ok(Self::Answer {
                    returned: *returned,
                    nonce: *nonce,
                    name: name_of(name)?,
                })
            }
            CONFIRMATION => Ok(Self::Confirmation {
                returned: body.try_into().map_err(|_| malformed)?,
            }),
            REFUSAL => match body {
                [byte] => RefusalCode::of(*byte).map(Self::Refusal).ok_or(malformed),
                _ => Err(malformed),
            },
            _ => Err(malformed),
        }
    }
}

fn name_of(bytes: &[u8]) -> Result<MemberName, HelloError> {
    let text = std::str::from_utf8(bytes).map_err(|_| HelloError::Malformed)?;
    MemberName::new(text).map_err(|_| HelloError::Malformed)
}

/// Reads exactly one frame; nothing beyond it is taken off the stream.
pub(crate) async fn read_frame<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Frame, NotEstablished> {
    let mut head = [0; HEAD_BYTES];
    stream.read_exact(&mut head).await?;
    let [a, b, c, d, version @ .., kind, high, low] = head;
    if [a, b, c, d] != MAGIC {
        return Err(HelloError::NotOurs.into());
    }
    let bytes = usize::from(u16::from_be_bytes([high, low]));
    if bytes > HELLO_BYTES_MAX {
        return Err(HelloError::TooLong { bytes }.into());
    }
    let theirs = u16::from_be_bytes(version);
    // A refusal is understood whatever the version, or a member of another one could never say why.
    if theirs != PROTOCOL_VERSION && kind != REFUSAL {
        return Err(NotEstablished::OtherVersion {
            theirs,
            ours: PROTOCOL_VERSION,
        });
    }
    let mut body = vec![0; bytes];
    stream.read_exact(&mut body).await?;
    Ok(Frame::of_body(kind, &body)?)
}

/// Sends one frame.
pub(crate) async fn write_frame<S: AsyncWrite + Unpin>(stream: &mut S, frame: &Frame) -> Result<(), NotEstablished> {
    stream.write_all(&frame.encode()).await?;
    Ok(stream.flush().await?)
}

#[cfg(test)]
mod tests;
