//! The backup protocol: frames and what is in them.
//!
//! A frame is a byte for its kind, the length of its content (4 bytes, big-endian) and the content. Requests and answers are
//! JSON; data are chunks, each with the lengths of its key (2 bytes) and its content (4 bytes), big-endian. INVARIANT: no
//! more is read into memory than the limit of a frame's kind. Must not know TLS, files or graphs.

use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The version of the protocol.
pub(crate) const PROTOCOL: u32 = 1;
/// Bytes of a request.
pub(crate) const REQUEST_BYTES_MAX: usize = 4 << 10;
/// Bytes of an answer; the names of many databases fit.
pub(crate) const ANSWER_BYTES_MAX: usize = 2 << 20;
/// Bytes of data that a frame may have: what a server is told to send at one time, and one part of a chunk.
pub(crate) const DATA_BYTES_MAX: usize = 16 << 20;

const KIND_REQUEST: u8 = b'R';
const KIND_ANSWER: u8 = b'A';
const KIND_DATA: u8 = b'D';
const FRAME_HEAD_BYTES: usize = 5;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Which databases there are. Begins a connection.
    List {
        /// [`PROTOCOL`].
        protocol: u32,
    },
    /// The newest state of a database.
    Backup {
        /// Its name.
        database: String,
    },
    /// The rest of a state that is still held.
    Resume {
        /// The state's id, 32 hexadecimal digits.
        snapshot: String,
        /// The key of the last chunk that arrived, hexadecimal; empty for none.
        after: String,
    },
    /// All of it arrived; the state need not be held any longer.
    Finish {
        /// The state's id.
        snapshot: String,
    },
}

/// A database in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedDatabase {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// What begins a stream of data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The state's id, 32 hexadecimal digits.
    pub(crate) snapshot: String,
    pub(crate) database: String,
    /// A UUID.
    pub(crate) database_id: String,
    /// When the database was made, in milliseconds since 1970 UTC.
    pub(crate) created_ms: u64,
    /// The commit whose state it is.
    pub(crate) commit: u64,
    /// When it was the newest, in milliseconds since 1970 UTC.
    pub(crate) time_ms: u64,
    /// How many chunks there are at most.
    pub(crate) chunks: u64,
    /// How many of them lie before what follows.
    pub(crate) chunks_passed: u64,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// To [`Request::List`].
    Databases { databases: Vec<ListedDatabase> },
    /// Data follow, and then [`Answer::End`].
    Started(Started),
    /// The state is not held any longer, or never was by this server for this client.
    UnknownSnapshot,
    /// The data are complete.
    End,
    /// To [`Request::Finish`].
    Finished,
    /// No.
    Refused { reason: String },
}

/// Why a frame could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum WireError {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the other side closed the connection")]
    Closed,
    #[error("the other side sent what the backup protocol does not know: {0}")]
    Malformed(&'static str),
}

/// A frame from the server.
#[derive(Debug)]
pub(crate) enum ServerFrame {
    Answer(Answer),
    Data(Vec<u8>),
}

async fn read_frame<S: AsyncRead + Unpin>(
    stream: &mut S,
    limit: impl Fn(u8) -> Option<usize>,
) -> Result<(u8, Vec<u8>), WireError> {
    let mut head = [0_u8; FRAME_HEAD_BYTES];
    match stream.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(WireError::Closed),
        result => result?,
    };
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let limit = limit(kind).ok_or(WireError::Malformed("a frame of an unknown kind"))?;
    if length > limit {
        return Err(WireError::Malformed("a frame that is too long"));
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await?;
    Ok((kind, content))
}

async fn write_frame<S: AsyncWrite + Unpin>(stream: &mut S, kind: u8, content: &[u8]) -> Result<(), WireError> {
    let length = u32::try_from(content.len()).map_err(|_| WireError::Malformed("a frame that is too long"))?;
    let [a, b, c, d] = length.to_be_bytes();
    stream.write_all(&[kind, a, b, c, d]).await?;
    stream.write_all(content).await?;
    Ok(stream.flush().await?)
}

fn decode<T: DeserializeOwned>(content: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(content).map_err(|_| WireError::Malformed("a message that cannot be read"))
}

fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    serde_json::to_vec(message).map_err(|_| WireError::Malformed("a message that cannot be written"))
}

/// Reads what a client asks; `None` if it has closed the connection.
pub(crate) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<Request>, WireError> {
    match read_frame(stream, |kind| (kind == KIND_REQUEST).then_some(REQUEST_BYTES_MAX)).await {
        Ok((_, content)) => decode(&content).map(Some),
        Err(WireError::Closed) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends a request.
pub(crate) async fn write_request<S: AsyncWrite + Unpin>(stream: &mut S, request: &Request) -> Result<(), WireError> {
    write_frame(stream, KIND_REQUEST, &encode(request)?).await
}

/// Sends an answer.
pub(crate) async fn write_answer<S: AsyncWrite + Unpin>(stream: &mut S, answer: &Answer) -> Result<(), WireError> {
    write_frame(stream, KIND_ANSWER, &encode(answer)?).await
}

/// Sends data as [`encode_chunks`] made them.
pub(crate) async fn write_data<S: AsyncWrite + Unpin>(stream: &mut S, data: &[u8]) -> Result<(), WireError> {
    write_frame(stream, KIND_DATA, data).await
}

/// Reads an answer or data.
pub(crate) async fn read_server_frame<S: AsyncRead + Unpin>(stream: &mut S) -> Result<ServerFrame, WireError> {
    let limit = |kind| match kind {
        KIND_ANSWER => Some(ANSWER_BYTES_MAX),
        KIND_DATA => Some(DATA_BYTES_MAX),
        _ => None,
    };
    match read_frame(stream, limit).await? {
        (KIND_DATA, content) => Ok(ServerFrame::Data(content)),
        (_, content) => decode(&content).map(ServerFrame::Answer),
    }
}

/// Puts chunks behind each other, as data frames and the blocks of a file hold them. `None` if a key or a chunk is longer
/// than its length can say.
pub(crate) fn encode_chunks(chunks: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<u8>> {
    let bytes = chunks.iter().map(|(key, content)| key.len() + content.len() + 6).sum();
    let mut data = Vec::with_capacity(bytes);
    for (key, content) in chunks {
        data.extend(u16::try_from(key.len()).ok()?.to_be_bytes());
        data.extend(u32::try_from(content.len()).ok()?.to_be_bytes());
        data.extend_from_slice(key);
        data.extend_from_slice(content);
    }
    Some(data)
}

/// The chunks in data; an error ends them.
pub(crate) struct ChunksIn<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for ChunksIn<'a> {
    /// A key and a chunk's content, or `Err` where the data are not well-formed.
    type Item = Result<(&'a [u8], &'a [u8]), ()>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = || {
            let (key_length, rest) = self.0.split_first_chunk::<2>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (key, rest) = rest.split_at_checked(u16::from_be_bytes(*key_length).into())?;
            let (content, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            Some((key, content, rest))
        };
        match split() {
            Some((key, content, rest)) => {
                self.0 = rest;
                Some(Ok((key, content)))
            }
            None => {
                self.0 = &[];
                Some(Err(()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_as_they_went_in_and_cut_ones_are_noticed() {
        let chunks = vec![(b"a".to_vec(), vec![1; 300]), (b"bc".to_vec(), vec![])];
        let data = encode_chunks(&chunks).unwrap();
        let back: Vec<_> = ChunksIn(&data)
            .map(|chunk| chunk.unwrap())
            .map(|(key, content)| (key.to_vec(), content.to_vec()))
            .collect();
        assert_eq!(back, chunks);
        for length in 1..data.len() {
            let whole = ChunksIn(&data[..length]).all(|chunk| chunk.is_ok());
            assert_eq!(whole, length == 307, "{length}");
        }
    }

    #[tokio::test]
    async fn frames_that_are_too_long_or_unknown_are_refused_unread() {
        for (bytes, reason) in [
            (&[b'R', 0, 0, 0x10, 1][..], "too long"),
            (&[b'A', 0, 0, 0, 1, 0], "unknown kind"),
            (&[b'X', 0xff, 0xff, 0xff, 0xff], "unknown kind"),
            (b"R\0\0\0\x02{}", "cannot be read"),
        ] {
            let error = read_request(&mut &*bytes).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert_eq!(read_request(&mut &b""[..]).await.unwrap(), None);
    }
}
