//! Reads PackStream from a slice without copying.
//!
//! INVARIANT: a count that is claimed is believed only as far as bytes are left for it, and depth and number of values
//! are limited, so reading costs memory and stack in proportion to the input at most.

use thiserror::Error;

use super::marker;
use crate::limits::{NESTING_DEPTH_MAX, VALUES_PER_MESSAGE_MAX};

/// Why bytes are not PackStream, or more of it than allowed.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum PackStreamError {
    /// The bytes end inside a value.
    #[error("the data ends inside a value")]
    Truncated,
    /// A list, map, string or byte array claims more than is left.
    #[error("{claimed} elements are claimed where only {remaining} bytes are left")]
    CountExceedsData {
        /// What was claimed.
        claimed: u64,
        /// Bytes left.
        remaining: usize,
    },
    /// A marker byte without meaning.
    #[error("byte {0:#04X} starts no value")]
    UnknownMarker(u8),
    /// A string that is not UTF-8.
    #[error("a string is not valid UTF-8")]
    InvalidUtf8,
    /// Lists, maps and structures nested too deep.
    #[error("values nest deeper than {NESTING_DEPTH_MAX}")]
    TooDeep,
    /// Too many values in one message.
    #[error("the message holds more than {VALUES_PER_MESSAGE_MAX} values")]
    TooManyValues,
    /// Another type than the one wanted.
    #[error("expected {expected}, found {found}")]
    UnexpectedType {
        /// What was wanted.
        expected: &'static str,
        /// What was there.
        found: &'static str,
    },
    /// A structure with a tag that means nothing here.
    #[error("structure tag {0:#04X} is unknown")]
    UnknownStructure(u8),
    /// A structure with the wrong number of fields.
    #[error("structure {tag:#04X} has {found} fields, expected {expected}")]
    WrongFieldCount {
        /// Tag of the structure.
        tag: u8,
        /// Fields it has by specification.
        expected: usize,
        /// Fields found.
        found: usize,
    },
    /// A field outside its range, e.g. nanoseconds of a day beyond a day.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    /// Bytes after the end of the message's structure.
    #[error("{0} bytes follow the message")]
    TrailingBytes(usize),
}

/// The start of a value: scalars whole, containers with their count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Header<'a> {
    /// Null.
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer, however it was encoded.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// Bytes, borrowed.
    Bytes(&'a [u8]),
    /// Text, borrowed.
    String(&'a str),
    /// A list; so many values follow.
    List(usize),
    /// A map; so many pairs of string and value follow.
    Map(usize),
    /// A structure; so many values follow.
    Structure {
        /// Which structure.
        tag: u8,
        /// How many fields.
        fields: usize,
    },
}

impl Header<'_> {
    /// The type's name for error messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bytes(_) => "bytes",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Structure { .. } => "a structure",
        }
    }

    fn unexpected(&self, expected: &'static str) -> PackStreamError {
        PackStreamError::UnexpectedType {
            expected,
            found: self.type_name(),
        }
    }
}

/// Reads values off the front of a slice.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    values_left: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            values_left: VALUES_PER_MESSAGE_MAX,
            depth: 0,
        }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`PackStreamError::TrailingBytes`].
    pub fn finish(&self) -> Result<(), PackStreamError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(PackStreamError::TrailingBytes(self.rest.len()))
        }
    }

    /// Reads the start of the next value.
    ///
    /// # Errors
    /// Malformed or excessive data.
    pub fn header(&mut self) -> Result<Header<'a>, PackStreamError> {
        self.values_left = self.values_left.checked_sub(1).ok_or(PackStreamError::TooManyValues)?;
        let byte = u8::from_be_bytes(self.array()?);
        let low = usize::from(byte & 0x0F);
        Ok(match byte {
            0x00..=0x7F | 0xF0..=0xFF => Header::Integer(i64::from(byte.cast_signed())),
            0x80..=0x8F => Header::String(self.text(low)?),
            0x90..=0x9F => Header::List(self.count(low, 1)?),
            0xA0..=0xAF => Header::Map(self.count(low, 2)?),
            0xB0..=0xBF => {
                let tag = u8::from_be_bytes(self.array()?);
                Header::Structure {
                    tag,
                    fields: self.count(low, 1)?,
                }
            }
            marker::NULL => Header::Null,
            marker::FALSE => Header::Boolean(false),
            marker::TRUE => Header::Boolean(true),
            marker::FLOAT_64 => Header::Float(f64::from_be_bytes(self.array()?)),
            marker::INT_8 => Header::Integer(i64::from(i8::from_be_bytes(self.array()?))),
            marker::INT_16 => Header::Integer(i64::from(i16::from_be_bytes(self.array()?))),
            marker::INT_32 => Header::Integer(i64::from(i32::from_be_bytes(self.array()?))),
            marker::INT_64 => Header::Integer(i64::from_be_bytes(self.array()?)),
            marker::BYTES_8..=marker::BYTES_32 => {
                let length = self.length(byte - marker::BYTES_8)?;
                Header::Bytes(self.take(length)?)
            }
            marker::STRING_8..=marker::STRING_32 => {
                let length = self.length(byte - marker::STRING_8)?;
                Header::String(self.text(length)?)
            }
            marker::LIST_8..=marker::LIST_32 => {
                let length = self.length(byte - marker::LIST_8)?;
                Header::List(self.count(length, 1)?)
            }
            marker::MAP_8..=marker::MAP_32 => {
                let length = self.length(byte - marker::MAP_8)?;
                Header::Map(self.count(length, 2)?)
            }
            other => return Err(PackStreamError::UnknownMarker(other)),
        })
    }

    /// Reads what is nested in a container, one level deeper.
    ///
    /// # Errors
    /// [`PackStreamError::TooDeep`], or what `read` finds.
    pub fn nested<T, E: From<PackStreamError>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.depth >= NESTING_DEPTH_MAX {
            return Err(PackStreamError::TooDeep.into());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Reads an integer.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn integer(&mut self) -> Result<i64, PackStreamError> {
        match self.header()? {
            Header::Integer(value) => Ok(value),
            other => Err(other.unexpected("an integer")),
        }
    }

    /// Reads a float.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn float(&mut self) -> Result<f64, PackStreamError> {
        match self.header()? {
            Header::Float(value) => Ok(value),
            other => Err(other.unexpected("a float")),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn string(&mut self) -> Result<&'a str, PackStreamError> {
        match self.header()? {
            Header::String(value) => Ok(value),
            other => Err(other.unexpected("a string")),
        }
    }

    /// Reads a string or null.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn optional_string(&mut self) -> Result<Option<&'a str>, PackStreamError> {
        match self.header()? {
            Header::Null => Ok(None),
            Header::String(value) => Ok(Some(value)),
            other => Err(other.unexpected("a string")),
        }
    }

    /// Reads a list's count; null counts as empty.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn list(&mut self) -> Result<usize, PackStreamError> {
        match self.header()? {
            Header::Null => Ok(0),
            Header::List(count) => Ok(count),
            other => Err(other.unexpected("a list")),
        }
    }

    /// Reads a map's count; null counts as empty.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn map(&mut self) -> Result<usize, PackStreamError> {
        match self.header()? {
            Header::Null => Ok(0),
            Header::Map(count) => Ok(count),
            other => Err(other.unexpected("a map")),
        }
    }

    /// Reads a structure's tag and number of fields.
    ///
    /// # Errors
    /// Another type, or malformed data.
    pub fn structure(&mut self) -> Result<(u8, usize), PackStreamError> {
        match self.header()? {
            Header::Structure { tag, fields } => Ok((tag, fields)),
            other => Err(other.unexpected("a structure")),
        }
    }

    /// Reads past one whole value.
    ///
    /// # Errors
    /// Malformed or excessive data.
    pub fn skip(&mut self) -> Result<(), PackStreamError> {
        let (keyed, count) = match self.header()? {
            Header::List(count) | Header::Structure { fields: count, .. } => (false, count),
            Header::Map(count) => (true, count),
            _ => return Ok(()),
        };
        self.nested(|reader| {
            for _ in 0..count {
                if keyed {
                    reader.string()?;
                }
                reader.skip()?;
            }
            Ok(())
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PackStreamError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(PackStreamError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], PackStreamError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(PackStreamError::CountExceedsData {
                claimed: u64::try_from(length).unwrap_or(u64::MAX),
                remaining: self.rest.len(),
            })?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, PackStreamError> {
        std::str::from_utf8(self.take(length)?).map_err(|_| PackStreamError::InvalidUtf8)
    }

    /// Reads a length of 1, 2 or 4 bytes: the order in which the markers of each type stand.
    fn length(&mut self, width: u8) -> Result<usize, PackStreamError> {
        let length = match width {
            0 => u32::from(u8::from_be_bytes(self.array()?)),
            1 => u32::from(u16::from_be_bytes(self.array()?)),
            _ => u32::from_be_bytes(self.array()?),
        };
        usize::try_from(length).map_err(|_| PackStreamError::Truncated)
    }

    /// Believes a count only if every element, at its smallest, fits in what is left.
    fn count(&self, claimed: usize, bytes_each: usize) -> Result<usize, PackStreamError> {
        if claimed > self.rest.len() / bytes_each {
            return Err(PackStreamError::CountExceedsData {
                claimed: u64::try_from(claimed).unwrap_or(u64::MAX),
                remaining: self.rest.len(),
            });
        }
        Ok(claimed)
    }
}
