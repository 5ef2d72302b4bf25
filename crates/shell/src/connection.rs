//! One Bolt connection: requests out, responses in, and the way back to a ready session after a failure or Ctrl-C.
//!
//! INVARIANT: `pending` is the number of requests whose final answer has not been read; it is zero between the calls of a session.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use bastide_bolt::{Dechunker, Dialect, Request, Response, WireMap, limits, write_message};

use crate::error::{ConnectionError, ShellError};
use crate::handshake::{Exchange, negotiate};
use crate::interrupt::Interrupt;
use crate::transport::Transport;

/// How long the server may take for the handshake and for each step of the login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the server may take to come to rest after Ctrl-C.
const RESET_TIMEOUT: Duration = Duration::from_secs(30);
const READ_BYTES: usize = 64 * 1024;

/// A connection to a server.
pub struct Connection {
    transport: Box<dyn Transport>,
    dialect: Dialect,
    dechunker: Dechunker,
    received: Vec<u8>,
    consumed: usize,
    pending: usize,
    deadline: Option<(Instant, Duration)>,
    interrupt: Interrupt,
}

/// What a request was answered with.
#[derive(Debug)]
pub enum Answer {
    /// One row; more follows.
    Row(Vec<bastide_bolt::WireValue>),
    /// It is done.
    Done(WireMap),
}

impl Connection {
    /// Shakes hands over `transport`.
    ///
    /// # Errors
    /// A lost connection, nothing in common, or a server that does not answer in time.
    pub fn open(transport: Box<dyn Transport>, interrupt: Interrupt) -> Result<Self, ConnectionError> {
        let mut connection = Self {
            transport,
            dialect: Dialect::new(bastide_bolt::Version::new(5, 0)),
            dechunker: Dechunker::new(limits::MESSAGE_BYTES_MAX),
            received: Vec::new(),
            consumed: 0,
            pending: 0,
            deadline: Some((Instant::now() + LOGIN_TIMEOUT, LOGIN_TIMEOUT)),
            interrupt,
        };
        let version = negotiate(&mut connection)?;
        connection.dialect = Dialect::new(version);
        Ok(connection)
    }

    /// How values travel on this connection.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The login is over: from now on statements may take as long as they take.
    pub fn wait_without_limit(&mut self) {
        self.deadline = None;
    }

    /// Uses the patch for date-times in UTC that the server agreed to.
    pub fn use_utc_patch(&mut self) {
        self.dialect = self.dialect.with_utc_patch();
    }

    /// Sends requests, without waiting for the answers.
    ///
    /// # Errors
    /// A lost connection.
    pub fn send(&mut self, requests: &[Request]) -> Result<(), ConnectionError> {
        let mut output = Vec::new();
        for request in requests {
            write_message(&mut output, self.dialect, |writer| request.write(writer));
        }
        let sent = self.send_bytes(&output);
        if requests.iter().any(|request| request.kind().carries_credentials()) {
            // Moving it into the wrapper wipes it.
            drop(bastide_secret::SecretBytes::new(output));
        }
        sent?;
        self.pending += requests.len();
        Ok(())
    }

    /// The next answer of the oldest unanswered request. After a failure or Ctrl-C the session is made ready again before this
    /// returns; what transaction there was is gone.
    ///
    /// # Errors
    /// The server's failure, Ctrl-C, or a lost connection.
    pub fn next(&mut self) -> Result<Answer, ShellError> {
        match self.next_response(true)? {
            Response::Record(row) => Ok(Answer::Row(row)),
            Response::Success(metadata) => {
                self.pending = self.pending.saturating_sub(1);
                Ok(Answer::Done(metadata))
            }
            Response::Failure(failure) => {
                self.pending = self.pending.saturating_sub(1);
                // Should this break the connection, the next request says so; the failure is what matters now.
                let _ = self.recover();
                Err(ShellError::Server(failure))
            }
            Response::Ignored => Err(ConnectionError::OutOfTurn.into()),
        }
    }

    /// The end of a request that has no rows.
    ///
    /// # Errors
    /// As [`Connection::next`].
    pub fn finish(&mut self) -> Result<WireMap, ShellError> {
        loop {
            if let Answer::Done(metadata) = self.next()? {
                return Ok(metadata);
            }
        }
    }

    /// One request and its end.
    ///
    /// # Errors
    /// As [`Connection::next`].
    pub fn ask(&mut self, request: Request) -> Result<WireMap, ShellError> {
        self.send(&[request])?;
        self.finish()
    }

    /// A login request: a failure ends the connection, so the session is not made ready again.
    ///
    /// # Errors
    /// The server's failure, or a lost connection.
    pub fn ask_login(&mut self, request: Request) -> Result<WireMap, ShellError> {
        self.deadline = Some((Instant::now() + LOGIN_TIMEOUT, LOGIN_TIMEOUT));
        self.send(&[request])?;
        match self.next_response(false)? {
            Response::Success(metadata) => {
                self.pending = self.pending.saturating_sub(1);
                Ok(metadata)
            }
            Response::Failure(failure) => Err(ShellError::Server(failure)),
            Response::Record(_) | Response::Ignored => Err(ConnectionError::OutOfTurn.into()),
        }
    }

    /// Gives up whatever is under way and makes the session ready again.
    ///
    /// # Errors
    /// A lost connection, or a server that does not come to rest.
    pub fn recover(&mut self) -> Result<(), ConnectionError> {
        self.send(&[Request::Reset])?;
        self.deadline = Some((Instant::now() + RESET_TIMEOUT, RESET_TIMEOUT));
        while self.pending > 0 {
            match self.read_response(false)? {
                Some(Response::Record(_)) | None => {}
                Some(Response::Failure(failure)) if self.pending == 1 => {
                    drop(failure);
                    return Err(ConnectionError::OutOfTurn);
                }
                Some(_) => self.pending -= 1,
            }
        }
        self.deadline = None;
        Ok(())
    }

    /// Says good-bye; nobody waits for an answer.
    pub fn close(mut self) {
        let _ = self.send(&[Request::Goodbye]);
    }

    fn next_response(&mut self, interruptible: bool) -> Result<Response, ShellError> {
        if interruptible && self.interrupt.take() {
            self.recover()?;
            return Err(ShellError::Interrupted);
        }
        match self.read_response(interruptible)? {
            Some(response) => Ok(response),
            None => {
                self.recover()?;
                Err(ShellError::Interrupted)
            }
        }
    }

    /// One message; `None` when Ctrl-C came first.
    fn read_response(&mut self, interruptible: bool) -> Result<Option<Response>, ConnectionError> {
        loop {
            let mut input = self.received.get(self.consumed..).unwrap_or_default();
            let message = self.dechunker.feed(&mut input)?;
            self.consumed = self.received.len() - input.len();
            if let Some(message) = message {
                return Ok(Some(Response::decode(&message, self.dialect)?));
            }
            if !self.fill(interruptible)? {
                return Ok(None);
            }
        }
    }

    /// Waits for bytes; false when Ctrl-C came first.
    fn fill(&mut self, interruptible: bool) -> Result<bool, ConnectionError> {
        self.received.resize(READ_BYTES, 0);
        self.consumed = 0;
        let outcome = loop {
            match self.transport.read(&mut self.received) {
                Ok(0) => break Err(ConnectionError::Closed),
                Ok(count) => {
                    self.received.truncate(count);
                    return Ok(true);
                }
                Err(error) if is_short_wait(&error) => {
                    if interruptible && self.interrupt.take() {
                        break Ok(false);
                    }
                    if let Some((deadline, limit)) = self.deadline
                        && Instant::now() > deadline
                    {
                        break Err(ConnectionError::TimedOut {
                            seconds: limit.as_secs(),
                        });
                    }
                }
                Err(error) if is_closed(&error) => break Err(ConnectionError::Closed),
                Err(error) => break Err(ConnectionError::Lost(error)),
            }
        };
        self.received.clear();
        outcome
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.transport
            .write_all(bytes)
            .and_then(|()| self.transport.flush())
            .map_err(|error| {
                if is_closed(&error) {
                    ConnectionError::Closed
                } else {
                    ConnectionError::Lost(error)
                }
            })
    }
}

impl Exchange for Connection {
    fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.send_bytes(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), ConnectionError> {
        for slot in buffer {
            while self.consumed >= self.received.len() {
                self.fill(false)?;
            }
            *slot = self.received.get(self.consumed).copied().unwrap_or_default();
            self.consumed += 1;
        }
        Ok(())
    }
}

fn is_short_wait(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn is_closed(error: &std::io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}
