//! PEM files as blocks: where each begins, what it says it is, and its bytes. Text around the blocks is left alone.
//!
//! INVARIANT: the bytes of a block are wiped when dropped, and no error shows any of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bastide_secret::Secret;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block.
pub(crate) struct PemBlock<'a> {
    /// What it says it is: `CERTIFICATE`, `PRIVATE KEY`.
    pub(crate) label: &'a str,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    body: &'a str,
}

/// All blocks of a file, in order. A file without any is no error: it may be in another form.
///
/// # Errors
/// What is damaged, and where.
pub(crate) fn blocks(bytes: &[u8]) -> Result<Vec<PemBlock<'_>>, String> {
    let mut found = Vec::new();
    let mut open: Option<(PemBlock<'_>, usize)> = None;
    let mut place = 0;
    for (number, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let start = place;
        place += raw.len();
        // Only what is text can be a marker; other lines are left to the decoder.
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let text = text.trim_start_matches('\u{feff}').trim();
        if let Some(label) = marker(text, BEGIN) {
            if let Some((block, _)) = open {
                return Err(unended(&block));
            }
            let line = number + 1;
            open = Some((PemBlock { label, line, body: "" }, place));
        } else if let Some(label) = marker(text, END) {
            let Some((mut block, from)) = open.take() else {
                return Err(format!("line {} ends a block `{label}` that did not begin", number + 1));
            };
            if block.label != label {
                return Err(unended(&block));
            }
            let body = bytes.get(from..start).unwrap_or_default();
            block.body = std::str::from_utf8(body).map_err(|_| undecodable(&block))?;
            found.push(block);
        }
    }
    match open {
        Some((block, _)) => Err(unended(&block)),
        None => Ok(found),
    }
}

fn marker<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(DASHES)
}

fn unended(block: &PemBlock<'_>) -> String {
    format!(
        "the block `{}` that begins on line {} has no end; was the file cut off?",
        block.label, block.line
    )
}

fn undecodable(block: &PemBlock<'_>) -> String {
    format!(
        "the block `{}` that begins on line {} is damaged (its lines must be base64)",
        block.label, block.line
    )
}

impl PemBlock<'_> {
    /// Whether it begins with headers, which only old encrypted keys do.
    pub(crate) fn has_headers(&self) -> bool {
        self.body.contains(':')
    }

    /// Its bytes.
    ///
    /// # Errors
    /// If they are not base64.
    pub(crate) fn decode(&self) -> Result<Secret<Vec<u8>>, String> {
        // Room for everything from the start: a growing buffer leaves copies of a key behind.
        let mut compact = Vec::with_capacity(self.body.len());
        compact.extend(self.body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        let compact = Secret::new(compact);
        let mut decoded = Vec::with_capacity(base64::decoded_len_estimate(compact.expose().len()));
        let done = STANDARD.decode_vec(compact.expose(), &mut decoded);
        let decoded = Secret::new(decoded);
        done.map_err(|_| undecodable(self))?;
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_blocks_between_other_text_with_any_line_ends() {
        let text = "\u{feff}-----BEGIN A-----\r\nAAEC\r\n-----END A-----\r\nnotes: none\n  -----BEGIN B C-----\nAw==\n-----END B C-----";
        let found = blocks(text.as_bytes()).unwrap();
        let read: Vec<_> = found.iter().map(|block| (block.label, block.line)).collect();
        assert_eq!(read, [("A", 1), ("B C", 5)]);
        assert_eq!(found[0].decode().unwrap().expose(), &[0, 1, 2]);
        assert_eq!(found[1].decode().unwrap().expose(), &[3]);
    }

    #[test]
    fn says_where_a_file_is_damaged_without_showing_its_content() {
        for (text, expected) in [
            ("-----BEGIN A-----\nAAEC\n", "`A` that begins on line 1 has no end"),
            (
                "-----BEGIN A-----\n-----END B-----\n",
                "`A` that begins on line 1 has no end",
            ),
            ("-----END A-----\n", "line 1 ends a block `A`"),
            ("\n-----BEGIN A-----\n-----BEGIN A-----\n", "line 2 has no end"),
        ] {
            let error = blocks(text.as_bytes()).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
        let found = blocks(b"-----BEGIN A-----\nsecret$\n-----END A-----\n").unwrap();
        let error = found[0].decode().unwrap_err();
        assert!(error.contains("base64") && !error.contains("secret"), "{error}");
        assert!(blocks(b"nothing of the kind").unwrap().is_empty());
    }
}
