//! Reading primitives.

use thiserror::Error;

/// Why bytes could not be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum CodecError {
    #[error("it ends in the middle of {0}")]
    Truncated(&'static str),
    #[error("{what} has the unknown tag {tag}")]
    UnknownTag { what: &'static str, tag: u8 },
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    #[error("a text is not UTF-8")]
    NotText,
    #[error("a list holds a list")]
    NestedList,
    #[error("format version {found} is not {supported}")]
    Version { found: u8, supported: u8 },
}

/// Bytes being read, from the front.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left: no count of items may be larger, as each takes at least one.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, CodecError> {
        let (byte, rest) = self.rest.split_first().ok_or(CodecError::Truncated("a byte"))?;
        self.rest = rest;
        Ok(*byte)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecError::Truncated("bytes"))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, CodecError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(CodecError::OutOfRange("an integer"));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CodecError::OutOfRange("an integer"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, CodecError> {
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn unsigned_32(&mut self) -> Result<u32, CodecError> {
        u32::try_from(self.unsigned()?).map_err(|_| CodecError::OutOfRange("an id"))
    }

    pub(crate) fn signed_32(&mut self) -> Result<i32, CodecError> {
        i32::try_from(self.signed()?).map_err(|_| CodecError::OutOfRange("an integer"))
    }

    /// A count of items that follow, each at least a byte.
    pub(crate) fn count(&mut self) -> Result<usize, CodecError> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| CodecError::OutOfRange("a count"))?;
        if count > self.left() {
            return Err(CodecError::Truncated("a list"));
        }
        Ok(count)
    }

    pub(crate) fn sized(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.count()?;
        self.bytes(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.sized()?).map_err(|_| CodecError::NotText)
    }

    pub(crate) fn float(&mut self) -> Result<f64, CodecError> {
        let bytes = self.bytes(8)?;
        let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| CodecError::Truncated("a float"))?;
        Ok(f64::from_bits(u64::from_le_bytes(bytes)))
    }
}
