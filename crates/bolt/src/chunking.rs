//! Chunks: how messages are cut into pieces on the wire and put together again.
//!
//! A chunk is a two-byte length and that many bytes; a zero length ends a message, and is a NOOP between messages.
//! INVARIANT: a length that is claimed allocates nothing; the buffer grows only by bytes that arrived.

use thiserror::Error;

use crate::limits::CHUNK_BYTES_MAX;
use crate::{Dialect, Writer};

/// The chunk that keeps a connection alive; only allowed between messages.
pub const NOOP: [u8; 2] = [0, 0];

const HEADER_BYTES: usize = 2;

/// Why chunks cannot be put together.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ChunkingError {
    /// The message is longer than allowed at this point of the connection.
    #[error("the message exceeds the limit of {limit} bytes")]
    MessageTooLong {
        /// The limit in force.
        limit: usize,
    },
}

/// Puts chunks together into messages.
#[derive(Debug)]
pub struct Dechunker {
    message_bytes_max: usize,
    message: Vec<u8>,
    expect: Expect,
}

#[derive(Debug, Clone, Copy)]
enum Expect {
    FirstLengthByte,
    SecondLengthByte(u8),
    Payload(usize),
}

impl Dechunker {
    /// Refuses messages longer than `message_bytes_max`.
    pub fn new(message_bytes_max: usize) -> Self {
        Self {
            message_bytes_max,
            message: Vec::new(),
            expect: Expect::FirstLengthByte,
        }
    }

    /// Changes the limit, in force from the next chunk on: raise it once a login succeeded.
    pub fn limit_messages_to(&mut self, message_bytes_max: usize) {
        self.message_bytes_max = message_bytes_max;
    }

    /// Takes from the front of `input` until a message is complete or the input is used up (`None`).
    ///
    /// # Errors
    /// A message longer than the limit; noticed when its chunk is announced, before its bytes are kept.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, ChunkingError> {
        loop {
            match self.expect {
                Expect::FirstLengthByte => {
                    let Some(byte) = take_byte(input) else { return Ok(None) };
                    self.expect = Expect::SecondLengthByte(byte);
                }
                Expect::SecondLengthByte(first) => {
                    let Some(second) = take_byte(input) else {
                        return Ok(None);
                    };
                    let length = usize::from(u16::from_be_bytes([first, second]));
                    self.expect = Expect::FirstLengthByte;
                    if length == 0 {
                        if !self.message.is_empty() {
                            return Ok(Some(std::mem::take(&mut self.message)));
                        }
                    } else if self.message.len().saturating_add(length) > self.message_bytes_max {
                        return Err(ChunkingError::MessageTooLong {
                            limit: self.message_bytes_max,
                        });
                    } else {
                        self.expect = Expect::Payload(length);
                    }
                }
                Expect::Payload(missing) => {
                    let count = missing.min(input.len());
                    let Some((taken, rest)) = input.split_at_checked(count) else {
                        return Ok(None);
                    };
                    self.message.extend_from_slice(taken);
                    *input = rest;
                    if count < missing {
                        self.expect = Expect::Payload(missing - count);
                        return Ok(None);
                    }
                    self.expect = Expect::FirstLengthByte;
                }
            }
        }
    }
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = input.split_first()?;
    *input = rest;
    Some(*byte)
}

/// Appends to `output` the message that `encode` writes, cut into chunks and ended.
///
/// The message is written in place behind a gap for its first length; only messages longer than one chunk are copied.
pub fn write_message(output: &mut Vec<u8>, dialect: Dialect, encode: impl FnOnce(&mut Writer<'_>)) {
    let header_at = output.len();
    output.extend_from_slice(&[0; HEADER_BYTES]);
    encode(&mut Writer::new(output, dialect));
    let payload_at = header_at + HEADER_BYTES;
    let length = output.len().saturating_sub(payload_at);
    if length <= CHUNK_BYTES_MAX {
        set_length(output, header_at, length);
    } else {
        let payload = output.split_off(payload_at);
        output.truncate(header_at);
        for chunk in payload.chunks(CHUNK_BYTES_MAX) {
            let at = output.len();
            output.extend_from_slice(&[0; HEADER_BYTES]);
            set_length(output, at, chunk.len());
            output.extend_from_slice(chunk);
        }
    }
    output.extend_from_slice(&NOOP);
}

fn set_length(output: &mut [u8], at: usize, length: usize) {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(slot) = output.get_mut(at..at + HEADER_BYTES) {
        slot.copy_from_slice(&length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;

    fn all(dechunker: &mut Dechunker, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut input = bytes;
        let mut messages = Vec::new();
        while let Some(message) = dechunker.feed(&mut input).unwrap() {
            messages.push(message);
        }
        messages
    }

    const TWO_MESSAGES: &[u8] = &[0, 0, 0, 2, 1, 2, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0];

    #[test]
    fn joins_chunks_and_skips_noops_between_messages() {
        assert_eq!(all(&mut Dechunker::new(10), TWO_MESSAGES), [vec![1, 2, 3], vec![9]]);
    }

    #[test]
    fn gives_the_same_messages_when_fed_byte_by_byte() {
        let mut dechunker = Dechunker::new(10);
        let messages: Vec<_> = TWO_MESSAGES
            .iter()
            .flat_map(|byte| all(&mut dechunker, &[*byte]))
            .collect();
        assert_eq!(messages, [vec![1, 2, 3], vec![9]]);
    }

    #[test]
    fn refuses_a_message_over_the_limit_before_its_bytes_arrive() {
        let mut dechunker = Dechunker::new(4);
        let result = dechunker.feed(&mut [0, 3, 1, 2, 3, 0, 2].as_slice());
        assert_eq!(result, Err(ChunkingError::MessageTooLong { limit: 4 }));
    }

    #[test]
    fn a_claimed_chunk_reserves_no_memory() {
        let mut dechunker = Dechunker::new(usize::MAX);
        assert_eq!(dechunker.feed(&mut [0xFF, 0xFF, 1].as_slice()), Ok(None));
        assert!(dechunker.message.capacity() < 64);
    }

    #[test]
    fn long_messages_are_cut_and_come_back_whole() {
        for length in [1, 65_530, 65_531, 65_534, 65_535, 65_536, 200_000] {
            let mut output = vec![7];
            write_message(&mut output, Dialect::new(Version::new(5, 8)), |writer| {
                for index in 0..length {
                    writer.boolean(index % 3 == 0);
                }
            });
            let messages = all(&mut Dechunker::new(usize::MAX), &output[1..]);
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].len(), length);
            assert!(
                messages[0]
                    .iter()
                    .enumerate()
                    .all(|(index, byte)| *byte == 0xC2 + u8::from(index % 3 == 0))
            );
        }
    }
}
