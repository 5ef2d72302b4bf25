//! Writes PackStream straight into a buffer, in the smallest encoding, without a tree in between.

use super::marker;
use crate::Dialect;

/// Appends values to a buffer.
///
/// Containers are written as a header with their count, then the elements; the caller keeps the count true.
#[derive(Debug)]
pub struct Writer<'a> {
    output: &'a mut Vec<u8>,
    dialect: Dialect,
}

impl<'a> Writer<'a> {
    /// Appends to `output`, structures in the shape of `dialect`.
    pub fn new(output: &'a mut Vec<u8>, dialect: Dialect) -> Self {
        Self { output, dialect }
    }

    /// The dialect values are written in.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Bytes in the buffer so far, including what was there before.
    pub fn position(&self) -> usize {
        self.output.len()
    }

    /// Writes null.
    pub fn null(&mut self) {
        self.output.push(marker::NULL);
    }

    /// Writes true or false.
    pub fn boolean(&mut self, value: bool) {
        self.output.push(if value { marker::TRUE } else { marker::FALSE });
    }

    /// Writes an integer in the fewest bytes.
    pub fn integer(&mut self, value: i64) {
        if let (-16..=127, Ok(tiny)) = (value, i8::try_from(value)) {
            self.output.push(tiny.cast_unsigned());
        } else if let Ok(small) = i8::try_from(value) {
            self.output.extend_from_slice(&[marker::INT_8, small.cast_unsigned()]);
        } else if let Ok(medium) = i16::try_from(value) {
            self.output.push(marker::INT_16);
            self.output.extend_from_slice(&medium.to_be_bytes());
        } else if let Ok(large) = i32::try_from(value) {
            self.output.push(marker::INT_32);
            self.output.extend_from_slice(&large.to_be_bytes());
        } else {
            self.output.push(marker::INT_64);
            self.output.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// Writes a float.
    pub fn float(&mut self, value: f64) {
        self.output.push(marker::FLOAT_64);
        self.output.extend_from_slice(&value.to_be_bytes());
    }

    /// Writes text.
    pub fn string(&mut self, value: &str) {
        self.header(Some(marker::TINY_STRING), marker::STRING_8, value.len());
        self.output.extend_from_slice(value.as_bytes());
    }

    /// Writes bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.header(None, marker::BYTES_8, value.len());
        self.output.extend_from_slice(value);
    }

    /// Starts a list of `count` values.
    pub fn list_header(&mut self, count: usize) {
        self.header(Some(marker::TINY_LIST), marker::LIST_8, count);
    }

    /// Starts a map of `count` pairs: each a string, then a value.
    pub fn map_header(&mut self, count: usize) {
        self.header(Some(marker::TINY_MAP), marker::MAP_8, count);
    }

    /// Starts a structure; none has more than 15 fields.
    pub fn structure(&mut self, tag: u8, fields: u8) {
        debug_assert!(fields <= 15, "PackStream structures have at most 15 fields");
        self.output
            .extend_from_slice(&[marker::TINY_STRUCTURE | (fields & 0x0F), tag]);
    }

    /// Markers for 8-, 16- and 32-bit lengths follow each other in every type. No value reaches 4 GiB: messages are
    /// limited far below.
    fn header(&mut self, tiny: Option<u8>, eight_bits: u8, length: usize) {
        match (tiny, u8::try_from(length), u16::try_from(length)) {
            (Some(tiny), Ok(length @ 0..=15), _) => self.output.push(tiny | length),
            (_, Ok(length), _) => self.output.extend_from_slice(&[eight_bits, length]),
            (_, _, Ok(length)) => {
                self.output.push(eight_bits + 1);
                self.output.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                self.output.push(eight_bits + 2);
                self.output
                    .extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
    }
}
