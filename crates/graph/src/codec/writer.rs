//! Writing primitives.

/// Bytes being written. Integers are seven bits a byte, least significant first.
pub(crate) trait Writer {
    fn byte(&mut self, byte: u8);
    fn bytes(&mut self, bytes: &[u8]);

    fn unsigned(&mut self, mut number: u64) {
        while number >= 0x80 {
            // The mask keeps seven bits.
            self.byte((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.byte((number & 0x7f) as u8);
    }

    /// Signs alternate, so that small negative numbers stay short.
    fn signed(&mut self, number: i64) {
        self.unsigned((number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.unsigned(bytes.len() as u64);
        self.bytes(bytes);
    }

    fn text(&mut self, text: &str) {
        self.sized(text.as_bytes());
    }

    fn float(&mut self, float: f64) {
        self.bytes(&float.to_bits().to_le_bytes());
    }
}

impl Writer for Vec<u8> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.push(byte);
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
