//! One connection to a backup server.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::claims::printable;
use super::dial::Dial;
use super::writing::Writing;
use super::{Failure, TakeError, TakeEvents};
use crate::wire::{
    Answer, ChunksIn, ListedDatabase, PROTOCOL, Request, ServerFrame, WireError, read_server_frame, write_request,
};

/// How long a server may be silent while it owes something.
const SILENCE_MAX: Duration = Duration::from_secs(60);

pub(super) struct Connection<S> {
    stream: S,
    /// What the server has.
    pub(super) databases: Vec<ListedDatabase>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) async fn open<D: Dial<Stream = S>>(dialer: &D) -> Result<Self, Failure> {
        let stream = dialer.dial().await.map_err(TakeError::from)?;
        let mut connection = Self {
            stream,
            databases: Vec::new(),
        };
        let answer = connection.ask(&Request::List { protocol: PROTOCOL }).await;
        match answer? {
            Answer::Databases { databases } => {
                connection.databases = databases;
                Ok(connection)
            }
            Answer::Refused { reason } => Err(TakeError::Refused(printable(&reason)).into()),
            _ => Err(TakeError::Protocol("an answer to another question").into()),
        }
    }

    pub(super) async fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        if let Err(error) = write_request(&mut self.stream, request).await {
            // What the other side said before it closed the connection tells more than that it is closed.
            return match self.next_frame().await {
                Ok(ServerFrame::Answer(answer)) => Ok(answer),
                Err(WireError::Io(said)) if said.kind() != std::io::ErrorKind::TimedOut => {
                    Err(WireError::Io(said).into())
                }
                _ => Err(error.into()),
            };
        }
        match self.next_frame().await? {
            ServerFrame::Answer(answer) => Ok(answer),
            ServerFrame::Data(_) => Err(TakeError::Protocol("data in place of an answer").into()),
        }
    }

    /// Takes data in until their end.
    pub(super) async fn receive(&mut self, writing: &mut Writing, events: &mut dyn TakeEvents) -> Result<(), Failure> {
        loop {
            match self.next_frame().await? {
                ServerFrame::Data(data) => {
                    let chunks = ChunksIn(&data).count() as u64;
                    if !writing.write(data).await {
                        // The reason comes when the writing is ended.
                        return Ok(());
                    }
                    events.advances(chunks, writing.file_bytes());
                }
                ServerFrame::Answer(Answer::End) => return Ok(()),
                ServerFrame::Answer(Answer::Refused { reason }) => {
                    return Err(TakeError::Refused(printable(&reason)).into());
                }
                ServerFrame::Answer(_) => return Err(TakeError::Protocol("an answer in the midst of data").into()),
            }
        }
    }

    async fn next_frame(&mut self) -> Result<ServerFrame, WireError> {
        match timeout(SILENCE_MAX, read_server_frame(&mut self.stream)).await {
            Ok(frame) => frame,
            Err(_) => Err(WireError::Io(std::io::ErrorKind::TimedOut.into())),
        }
    }
}
