//! Finds where Bolt messages end without copying or decoding them, so that the client is no brake.

const RECORD: u8 = 0x71;
const SUCCESS: u8 = 0x70;

/// What came so far. Bytes may be cut anywhere.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Rows.
    pub records: usize,
    /// Summaries of requests that succeeded.
    pub successes: usize,
    /// All other messages.
    pub others: usize,
    /// Bytes of the current chunk that are still to come.
    chunk: usize,
    /// The first byte of a chunk's length, when the second is still to come.
    length: Option<u8>,
    /// Bytes of the current message so far, counted up to the signature, which is the second.
    seen: usize,
}

impl Scanner {
    /// Takes the next bytes.
    pub fn take(&mut self, mut bytes: &[u8]) {
        loop {
            if self.chunk > 0 {
                self.look(bytes);
                let count = self.chunk.min(bytes.len());
                self.chunk -= count;
                bytes = bytes.get(count..).unwrap_or_default();
            }
            match (bytes, self.length.take()) {
                ([], length) => {
                    self.length = length;
                    return;
                }
                ([high, rest @ ..], None) => {
                    self.length = Some(*high);
                    bytes = rest;
                }
                ([low, rest @ ..], Some(high)) => {
                    self.chunk = usize::from(u16::from_be_bytes([high, *low]));
                    if self.chunk == 0 {
                        self.seen = 0;
                    }
                    bytes = rest;
                }
            }
        }
    }

    /// Counts a message once its signature is there.
    fn look(&mut self, bytes: &[u8]) {
        if self.seen >= 2 {
            return;
        }
        let here = bytes.len().min(self.chunk);
        if let Some(signature) = bytes.get(..here).unwrap_or_default().get(1 - self.seen) {
            match *signature {
                RECORD => self.records += 1,
                SUCCESS => self.successes += 1,
                _ => self.others += 1,
            }
        }
        self.seen += here;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_same_wherever_the_bytes_are_cut() {
        let message = |signature: u8, chunks: &[&[u8]]| {
            let mut bytes = vec![0, 2, 0xb1, signature];
            for chunk in chunks {
                bytes.extend(u16::try_from(chunk.len()).unwrap().to_be_bytes());
                bytes.extend(*chunk);
            }
            bytes.extend([0, 0]);
            bytes
        };
        let all = [
            message(SUCCESS, &[b"fields"]),
            message(RECORD, &[&[SUCCESS; 300], b"more"]),
            vec![0, 0],
            message(RECORD, &[]),
            message(SUCCESS, &[]),
            message(0x7f, &[b"x"]),
        ]
        .concat();
        for step in 1..all.len() {
            let mut scanner = Scanner::default();
            all.chunks(step).for_each(|bytes| scanner.take(bytes));
            assert_eq!(
                (scanner.records, scanner.successes, scanner.others),
                (2, 2, 1),
                "{step}"
            );
        }
    }
}
