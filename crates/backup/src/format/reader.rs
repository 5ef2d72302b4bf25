//! Reading a backup file block by block.

use std::io::Read;

use aws_lc_rs::digest;
use bastide_store::KeyRing;

use super::header::{self, Fields, Header, SealedHeader, read_exactly};
use super::sealing::{SALT_BYTES, TAG_BYTES, derive, open};
use super::writer::{PURPOSE, new_hash, trailer};
use super::{
    BLOCK_HEADER_BYTES, BLOCK_MAGIC, FormatError, LAST, LENGTH_BYTES, PLAIN_BYTES_MAX, SEALED_BYTES_MAX, associated,
    block_header,
};
use crate::wire::ChunksIn;

/// How much a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Chunks.
    pub chunks: u64,
    /// Bytes of them, before compression.
    pub bytes: u64,
}

/// How far a file was read or written.
pub(super) struct State {
    pub(super) sealed: SealedHeader,
    pub(super) offset: u64,
    pub(super) index: u64,
    pub(super) chain: [u8; TAG_BYTES],
    pub(super) last_key: Option<Vec<u8>>,
    pub(super) totals: Totals,
    pub(super) hash: digest::Context,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("State")
            .field("header", &self.sealed.header)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// What data were found to hold.
pub(super) struct Followed {
    last_key: Vec<u8>,
    chunks: u64,
}

impl State {
    pub(super) fn new(sealed: SealedHeader) -> Self {
        Self {
            offset: sealed.bytes,
            index: 0,
            chain: sealed.tag,
            last_key: None,
            totals: Totals::default(),
            hash: new_hash(),
            sealed,
        }
    }

    /// Checks that data are chunks behind those before.
    pub(super) fn follow(&self, data: &[u8]) -> Result<Followed, &'static str> {
        let mut last: Option<&[u8]> = self.last_key.as_deref();
        let mut chunks = 0;
        for chunk in ChunksIn(data) {
            let (key, _) = chunk.map_err(|()| "a chunk is cut off")?;
            if last.is_some_and(|last| last >= key) {
                return Err("a chunk comes twice or too late");
            }
            last = Some(key);
            chunks += 1;
        }
        match last {
            Some(last) if chunks > 0 => Ok(Followed {
                last_key: last.to_vec(),
                chunks,
            }),
            _ => Err("there is no chunk"),
        }
    }

    /// Takes up data that follow.
    pub(super) fn take(&mut self, data: &[u8], followed: Followed) {
        self.hash.update(data);
        self.totals.bytes += data.len() as u64;
        self.totals.chunks += followed.chunks;
        self.last_key = Some(followed.last_key);
    }

    /// Passes a block.
    pub(super) fn pass(&mut self, bytes: u64, tag: [u8; TAG_BYTES]) {
        self.offset += bytes;
        self.index += 1;
        self.chain = tag;
    }

    fn damaged(&self, fault: &'static str) -> FormatError {
        FormatError::Damaged {
            offset: self.offset,
            fault,
        }
    }
}

/// Reads a backup and checks every byte that it passes. After an error it must not be asked on.
#[derive(Debug)]
pub struct BackupReader<R> {
    input: R,
    state: State,
    is_complete: bool,
}

impl<R: Read> BackupReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn open(mut input: R, key_ring: &KeyRing) -> Result<Self, FormatError> {
        let sealed = header::read(&mut input, key_ring)?;
        Ok(Self {
            input,
            state: State::new(sealed),
            is_complete: false,
        })
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.state.sealed.header
    }

    /// How many bytes of the file were read and found good.
    pub fn bytes(&self) -> u64 {
        self.state.offset
    }

    /// How much there was so far.
    pub fn totals(&self) -> Totals {
        self.state.totals
    }

    /// Whether the end was reached and found good.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The data of the next block; `None` when the file is complete and all of it good.
    ///
    /// # Errors
    /// [`FormatError`] with where it is wrong.
    pub fn next_data(&mut self) -> Result<Option<Vec<u8>>, FormatError> {
        if self.is_complete {
            return Ok(None);
        }
        let (plain, is_last, bytes, tag) = self.read_block()?;
        if !is_last {
            let followed = self.state.follow(&plain).map_err(|fault| self.state.damaged(fault))?;
            self.state.take(&plain, followed);
            self.state.pass(bytes, tag);
            return Ok(Some(plain));
        }
        if plain != trailer(&self.state) {
            return Err(self.state.damaged("the totals do not fit what came before"));
        }
        self.state.pass(bytes, tag);
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => {}
            Ok(_) => return Err(self.state.damaged("there is something behind the end")),
            Err(error) => return Err(FormatError::reading(error)),
        }
        self.is_complete = true;
        Ok(None)
    }

    /// The plain content of a block, whether it is the last, its length in the file and its tag.
    fn read_block(&mut self) -> Result<(Vec<u8>, bool, u64, [u8; TAG_BYTES]), FormatError> {
        let (offset, index) = (self.state.offset, self.state.index);
        let mut header = [0; BLOCK_HEADER_BYTES];
        read_exactly(&mut self.input, &mut header, offset)?;
        let mut fields = Fields(&header);
        let (magic, length) = (fields.take::<4>()?, fields.u32()?);
        fields.u64()?;
        let [flags, ..] = fields.take::<8>()?;
        let salt = fields.take::<SALT_BYTES>()?;
        let (is_last, bytes) = (flags == LAST, usize::try_from(length).unwrap_or(usize::MAX));
        // All of it is authenticated below; this tells what is wrong in words, and keeps lengths in bounds.
        if magic != BLOCK_MAGIC || bytes > SEALED_BYTES_MAX {
            return Err(self.state.damaged("there is no block where one should begin"));
        }
        if header != block_header(length, index, is_last, &salt) {
            return Err(self.state.damaged("the block is not the one that belongs here"));
        }
        let mut sealed = vec![0; bytes + TAG_BYTES];
        read_exactly(&mut self.input, &mut sealed, offset)?;
        let tag = sealed.last_chunk().copied().unwrap_or_default();
        let key = derive(&self.state.sealed.data_key, &salt, PURPOSE)?;
        let bound = associated(&header, &self.state.chain, offset);
        let plain = open(&key, index, is_last, &bound, &mut sealed)?.ok_or(
            self.state
                .damaged("the block is not authentic: it was altered, moved, or belongs to another file"),
        )?;
        let plain = unpacked(plain).ok_or(self.state.damaged("the block cannot be decompressed"))?;
        let block_bytes = BLOCK_HEADER_BYTES + sealed.len();
        Ok((plain, is_last, block_bytes as u64, tag))
    }

    /// Ends reading before the end of the file; what follows the last good block is to be written anew.
    pub fn into_writer<W: std::io::Write>(self, output: W) -> super::BackupWriter<W> {
        super::BackupWriter::go_on(output, self.state)
    }
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let (length, compressed) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let plain = zstd::bulk::decompress(compressed, length.min(PLAIN_BYTES_MAX)).ok()?;
    (plain.len() == length).then_some(plain)
}
