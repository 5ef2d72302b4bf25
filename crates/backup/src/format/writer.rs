//! Writing a backup file block by block.

use std::io::Write;

use aws_lc_rs::digest;
use bastide_store::KeyRing;

use super::header::{self, Header, SealedHeader};
use super::reader::State;
use super::sealing::{SALT_BYTES, derive, random, seal};
use super::{BLOCK_HEADER_BYTES, FormatError, PLAIN_BYTES_MAX, TRAILER_BYTES, associated, block_header};

/// How hard data are compressed; higher levels gain little on graphs and cost much.
const COMPRESSION_LEVEL: i32 = 3;
pub(super) const PURPOSE: &[u8] = b"bastide backup block 1";

/// Writes a backup. What was written before a crash can be read as far as it came and gone on with.
#[derive(Debug)]
pub struct BackupWriter<W> {
    output: W,
    state: State,
}

impl<W: Write> BackupWriter<W> {
    /// Begins a new file.
    ///
    /// # Errors
    /// [`FormatError::Io`], [`FormatError::Cryptography`], or a name that is too long.
    pub fn create(mut output: W, header: Header, key_ring: &KeyRing) -> Result<Self, FormatError> {
        let (bytes, sealed) = header::write(header, key_ring)?;
        output.write_all(&bytes).map_err(FormatError::writing)?;
        Ok(Self {
            output,
            state: State::new(sealed),
        })
    }

    /// Goes on with a file that was read as far as `state`; `output` must stand there.
    pub(super) fn go_on(output: W, state: State) -> Self {
        Self { output, state }
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.sealed_header().header
    }

    fn sealed_header(&self) -> &SealedHeader {
        &self.state.sealed
    }

    /// The key of the last chunk written.
    pub fn last_key(&self) -> Option<&[u8]> {
        self.state.last_key.as_deref()
    }

    /// How many bytes the file has so far.
    pub fn bytes(&self) -> u64 {
        self.state.offset
    }

    /// Writes data, chunks as the protocol puts them behind each other, as one block.
    ///
    /// # Errors
    /// [`FormatError::Data`] if they are not well-formed, or not behind those before; [`FormatError::Io`]: the file then has
    /// what came before, and perhaps a part of a block.
    pub fn write(&mut self, data: &[u8]) -> Result<(), FormatError> {
        if data.len() > PLAIN_BYTES_MAX {
            return Err(FormatError::Data("too much for one block"));
        }
        let followed = self.state.follow(data).map_err(FormatError::Data)?;
        self.write_block(data, false)?;
        self.state.take(data, followed);
        Ok(())
    }

    /// Closes the file with its totals, and returns what it was written to.
    ///
    /// # Errors
    /// [`FormatError::Io`].
    pub fn finish(mut self) -> Result<W, FormatError> {
        let trailer = trailer(&self.state);
        self.write_block(&trailer, true)?;
        self.output.flush().map_err(FormatError::writing)?;
        Ok(self.output)
    }

    fn write_block(&mut self, plain: &[u8], is_last: bool) -> Result<(), FormatError> {
        let compressed = zstd::bulk::compress(plain, COMPRESSION_LEVEL).map_err(FormatError::writing)?;
        let mut sealed = u32::try_from(plain.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        sealed.extend(compressed);
        let salt = random::<SALT_BYTES>()?;
        let sealed_bytes = u32::try_from(sealed.len()).map_err(|_| FormatError::Data("too much for one block"))?;
        let header = block_header(sealed_bytes, self.state.index, is_last, &salt);
        let key = derive(&self.state.sealed.data_key, &salt, PURPOSE)?;
        let bound = associated(&header, &self.state.chain, self.state.offset);
        let tag = seal(&key, self.state.index, is_last, &bound, &mut sealed)?;
        // One write a block, so that a full disk leaves a block whole or cut, never woven.
        let block = [header.as_slice(), &sealed, &tag].concat();
        self.output.write_all(&block).map_err(FormatError::writing)?;
        self.state.pass(block.len() as u64, tag);
        Ok(())
    }
}

/// The content of the last block, from what came before it.
pub(super) fn trailer(state: &State) -> [u8; TRAILER_BYTES] {
    let mut trailer = [0; TRAILER_BYTES];
    let hash = state.hash.clone().finish();
    let numbers = [state.index, state.totals.chunks, state.totals.bytes];
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    let bytes = bytes.chain(hash.as_ref().iter().copied());
    trailer.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    trailer
}

/// The hash of no data yet.
pub(super) fn new_hash() -> digest::Context {
    digest::Context::new(&digest::SHA256)
}

const _: () = assert!(BLOCK_HEADER_BYTES == 24 + SALT_BYTES);
