//! Taking backups.
//!
//! INVARIANT: data reach the disk sealed; a connection that is cut costs only what was under way; what cannot be finished
//! stays as an unfinished file, with which the next run goes on. What a server says decides neither where files are
//! written nor what a terminal does.

mod claims;
mod connection;
mod dial;
mod writing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bastide_store::KeyRing;
use thiserror::Error;

use crate::file::{self, Complete, FileError, Found, Partial, Verified};
use crate::format::{FormatError, Header};
use crate::wire::{Answer, ListedDatabase, Request, Started, WireError};
use claims::{is_database_name, printable};
use connection::Connection;
pub use dial::{Dial, DialError, TlsDialer};
use writing::Writing;

/// The longest pause before a connection is tried again.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why a backup was not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TakeError {
    /// The server cannot be reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The server ended the connection before it answered anything.
    #[error("the server ended the connection at once ({0}); if it does not accept this certificate, its log says why")]
    NotServed(String),
    /// The connection ended, and the tries to make another one are used up.
    #[error("the connection to the server was lost: {0}")]
    Lost(String),
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server did something that the protocol does not know.
    #[error("the server does not keep to the backup protocol: {0}")]
    Protocol(&'static str),
    /// There is no such database.
    #[error("no database fits `{pattern}`; the server has {}", databases.join(", "))]
    NoDatabase {
        /// What was asked for.
        pattern: String,
        /// What there is.
        databases: Vec<String>,
    },
    /// The file cannot be written or read back.
    #[error(transparent)]
    File(#[from] FileError),
    /// No room, or another failure of the disk, after a part was written.
    #[error("the backup cannot be written; `{}` is kept, and running this again goes on with it", partial.display())]
    Disk {
        /// The unfinished file.
        partial: PathBuf,
        /// Why.
        #[source]
        source: FileError,
    },
}

/// What to back up, and where to.
#[derive(Clone, Copy, Debug)]
pub struct TakeRequest<'a> {
    /// A database's name, in which `*` stands for any text and `?` for any character.
    pub pattern: &'a str,
    /// The folder that gets the file.
    pub folder: &'a Path,
    /// The address of the server as the user wrote it. It tells whose unfinished files are whose.
    pub source: &'a str,
    /// What seals the backup.
    pub key_ring: &'a KeyRing,
    /// How often to connect again after a cut, without progress in between.
    pub retries_max: u32,
    /// How long to wait before the first of these tries; twice as long before each further one.
    pub retry_pause: Duration,
}

/// A backup that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The file.
    pub path: PathBuf,
    /// What was found in it when it was read back.
    pub verified: Verified,
    /// How often a cut connection was made anew, or an unfinished file gone on with.
    pub resumed: u32,
}

/// Is told what happens meanwhile.
pub trait TakeEvents {
    /// A backup of this many chunks at most begins, `passed` of which are there already.
    fn begins(&mut self, database: &str, chunks: u64, passed: u64);
    /// Chunks that came in, and the bytes of the file so far.
    fn advances(&mut self, chunks: u64, file_bytes: u64);
    /// All is there and will be read back.
    fn verifies(&mut self, file_bytes: u64);
    /// This much was read back.
    fn verified(&mut self, file_bytes: u64);
    /// Something that people should know.
    fn notice(&mut self, text: &str);
}

/// Takes a backup of each database that fits, one after the other. `on_taken` gets each when its file has its name.
///
/// # Errors
/// [`TakeError`] of the first that failed; those before are complete.
pub async fn take<D: Dial>(
    dialer: &D,
    request: TakeRequest<'_>,
    events: &mut dyn TakeEvents,
    on_taken: &mut dyn FnMut(Taken),
) -> Result<(), TakeError> {
    let mut connection = Connection::open(dialer).await.map_err(|failure| match failure {
        Failure::Lost(error) => TakeError::NotServed(with_cause(&error)),
        Failure::Final(error) => error,
    })?;
    let all = std::mem::take(&mut connection.databases);
    if !all.iter().all(|database| is_database_name(&database.name)) {
        return Err(TakeError::Protocol("a database's name that cannot be one"));
    }
    let wanted: Vec<_> = all
        .iter()
        .filter(|database| fits(request.pattern, &database.name))
        .collect();
    if wanted.is_empty() {
        return Err(TakeError::NoDatabase {
            pattern: request.pattern.to_owned(),
            databases: all.iter().map(|database| database.name.clone()).collect(),
        });
    }
    let mut connection = Some(connection);
    for ListedDatabase { name, .. } in wanted {
        let mut taking = Taking {
            dialer,
            request,
            database: name,
            connection: connection.take(),
            tries: 0,
            resumed: 0,
            events: &mut *events,
        };
        taking.run(on_taken).await?;
        connection = taking.connection;
    }
    Ok(())
}

/// Whether a name fits a pattern in which `*` stands for any text and `?` for any character.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pattern_left = pattern.chars();
    match pattern_left.next() {
        None => name.is_empty(),
        Some('*') => {
            let ends = name.char_indices().map(|(place, _)| place).chain([name.len()]);
            let rest = pattern_left.as_str();
            ends.into_iter()
                .any(|place| name.get(place..).is_some_and(|tail| fits(rest, tail)))
        }
        Some(wanted) => {
            let mut left = name.chars();
            let found = left.next();
            let is_one = found.is_some_and(|found| wanted == '?' || wanted.eq_ignore_ascii_case(&found));
            is_one && fits(pattern_left.as_str(), left.as_str())
        }
    }
}

/// Why a step did not succeed.
pub(crate) enum Failure {
    /// Another connection may help.
    Lost(WireError),
    /// Another try does not help.
    Final(TakeError),
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Malformed(what) => Self::Final(TakeError::Protocol(what)),
            other => Self::Lost(other),
        }
    }
}

impl From<TakeError> for Failure {
    fn from(error: TakeError) -> Self {
        Self::Final(error)
    }
}

fn with_cause(error: &WireError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// One backup under way.
struct Taking<'a, D: Dial> {
    dialer: &'a D,
    request: TakeRequest<'a>,
    database: &'a str,
    connection: Option<Connection<D::Stream>>,
    /// Tries since the last progress.
    tries: u32,
    resumed: u32,
    events: &'a mut dyn TakeEvents,
}

impl<D: Dial> Taking<'_, D> {
    async fn run(&mut self, on_taken: &mut dyn FnMut(Taken)) -> Result<(), TakeError> {
        let TakeRequest {
            folder,
            source,
            key_ring,
            ..
        } = self.request;
        let mut partial = loop {
            match file::find_partial(folder, self.database, source, key_ring)? {
                None => break None,
                Some(Found::Unfinished(partial)) => break Some(*partial),
                Some(Found::Complete(complete)) => {
                    self.events
                        .notice(&format!("`{}` was complete already", complete.path.display()));
                    let (taken, was_held) = self.finish(complete).await?;
                    on_taken(taken);
                    // A state that the server held until now is of minutes ago; another may be of any age, and who asks
                    // for a backup wants the newest state.
                    if was_held {
                        return Ok(());
                    }
                }
            }
        };
        let complete = loop {
            let attempt = match self.connected().await {
                Ok(mut connection) => {
                    let attempt = self.attempt(&mut connection, &mut partial).await;
                    if attempt.is_ok() {
                        self.connection = Some(connection);
                    }
                    attempt
                }
                Err(failure) => Err(failure),
            };
            match attempt {
                Ok(done) => break done,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Lost(error)) => self.wait(&error).await?,
            }
        };
        let (taken, _) = self.finish(complete).await?;
        on_taken(taken);
        Ok(())
    }

    async fn connected(&mut self) -> Result<Connection<D::Stream>, Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => match Connection::open(self.dialer).await {
                // The server was there a moment ago.
                Err(Failure::Final(TakeError::Dial(error))) => {
                    Err(Failure::Lost(WireError::Io(std::io::Error::other(error))))
                }
                other => other,
            },
        }
    }

    async fn wait(&mut self, error: &WireError) -> Result<(), TakeError> {
        if self.tries >= self.request.retries_max {
            return Err(TakeError::Lost(with_cause(error)));
        }
        let pause = self.request.retry_pause.saturating_mul(1 << self.tries.min(16));
        let pause = pause.min(RETRY_PAUSE_MAX);
        self.tries += 1;
        let (text, seconds) = (with_cause(error), pause.as_secs());
        self.events.notice(&format!(
            "the connection was lost ({text}); trying again in {seconds} s"
        ));
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Fetches what is missing over one connection.
    async fn attempt(
        &mut self,
        connection: &mut Connection<D::Stream>,
        partial: &mut Option<Partial>,
    ) -> Result<Complete, Failure> {
        let started = self.start(connection, partial).await?;
        let current = match partial.take() {
            Some(current) => current,
            None => {
                let header = header(&started, self.database, self.request.source)?;
                let created = file::create_partial(self.request.folder, header, self.request.key_ring);
                created.map_err(TakeError::from)?
            }
        };
        self.events.begins(self.database, started.chunks, started.chunks_passed);
        let (path, header) = (current.path.clone(), current.writer.header().clone());
        let before = current.writer.bytes();
        let mut writing = Writing::start(current.writer);
        let received = connection.receive(&mut writing, self.events).await;
        let written = writing.end().await;
        let writer = match written {
            Ok(writer) => writer,
            Err(FormatError::Data(what)) => return Err(TakeError::Protocol(what).into()),
            Err(source) => {
                let source = FileError {
                    path: path.clone(),
                    source,
                };
                return Err(TakeError::Disk { partial: path, source }.into());
            }
        };
        if writer.bytes() > before {
            self.tries = 0;
        }
        if let Err(failure) = received {
            *partial = Some(Partial { path, writer });
            return Err(failure);
        }
        let in_file = |source| {
            let source = FileError {
                path: path.clone(),
                source,
            };
            TakeError::Disk {
                partial: path.clone(),
                source,
            }
        };
        let file = tokio::task::block_in_place(|| writer.finish()).map_err(in_file)?;
        Ok(Complete { path, header, file })
    }

    /// Begins, or goes on where the unfinished file ends. One that the server cannot go on with is removed.
    async fn start(
        &mut self,
        connection: &mut Connection<D::Stream>,
        partial: &mut Option<Partial>,
    ) -> Result<Started, Failure> {
        if let Some(unfinished) = partial {
            let header = unfinished.writer.header();
            let request = Request::Resume {
                snapshot: hex::encode(header.backup_id),
                after: hex::encode(unfinished.writer.last_key().unwrap_or_default()),
            };
            match connection.ask(&request).await? {
                Answer::Started(started) => {
                    if self::header(&started, self.database, self.request.source)? != *header {
                        return Err(TakeError::Protocol("another state than the one to go on with").into());
                    }
                    self.resumed += 1;
                    return Ok(started);
                }
                Answer::UnknownSnapshot => {}
                answer => return Err(unexpected(answer)),
            }
            self.events.notice(&format!(
                "the server no longer holds the state of `{}`; starting anew",
                unfinished.path.display()
            ));
            // If it cannot be removed it is in nobody's way.
            let _ = std::fs::remove_file(&unfinished.path);
            *partial = None;
        }
        let database = self.database.to_owned();
        match connection.ask(&Request::Backup { database }).await? {
            Answer::Started(started) => Ok(started),
            answer => Err(unexpected(answer)),
        }
    }

    /// Reads the complete file back, gives it its name, and tells the server that it is done. Says also whether the server
    /// still held the state.
    async fn finish(&mut self, complete: Complete) -> Result<(Taken, bool), TakeError> {
        // Reading back may take longer than the server waits for a question.
        self.connection = None;
        let bytes = complete.file.metadata().map_or(0, |metadata| metadata.len());
        self.events.verifies(bytes);
        let (key_ring, events) = (self.request.key_ring, &mut *self.events);
        let named =
            tokio::task::block_in_place(|| file::finish(&complete, key_ring, &mut |bytes| events.verified(bytes)));
        let (path, verified) = named?;
        let snapshot = hex::encode(complete.header.backup_id);
        let mut was_held = false;
        if let Ok(mut connection) = self.connected().await {
            match connection.ask(&Request::Finish { snapshot }).await {
                Ok(answer) => {
                    was_held = matches!(answer, Answer::Finished);
                    self.connection = Some(connection);
                }
                // The server lets go of the state by itself in a while.
                Err(_) => self
                    .events
                    .notice("the server could not be told that the backup is complete"),
            }
        }
        let resumed = self.resumed;
        let taken = Taken {
            path,
            verified,
            resumed,
        };
        Ok((taken, was_held))
    }
}

fn unexpected(answer: Answer) -> Failure {
    Failure::Final(match answer {
        Answer::Refused { reason } => TakeError::Refused(printable(&reason)),
        _ => TakeError::Protocol("an answer to another question"),
    })
}

fn header(started: &Started, database: &str, source: &str) -> Result<Header, TakeError> {
    let malformed = TakeError::Protocol("an id that cannot be read");
    let (mut backup_id, mut database_id) = ([0; 16], [0; 16]);
    let digits = started.database_id.replace('-', "");
    let decoded = hex::decode_to_slice(&started.snapshot, &mut backup_id)
        .and_then(|()| hex::decode_to_slice(digits, &mut database_id));
    if decoded.is_err() || started.database != database {
        return Err(malformed);
    }
    Ok(Header {
        backup_id,
        database: started.database.clone(),
        database_id,
        time_ms: started.time_ms,
        created_ms: started.created_ms,
        commit: started.commit,
        source: source.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_may_hold_stars_and_question_marks() {
        for (pattern, name, is_fit) in [
            ("neo4j", "neo4j", true),
            ("Neo4j", "neo4j", true),
            ("neo4j", "neo4j2", false),
            ("*", "system", true),
            ("n*j", "neo4j", true),
            ("n?o4j", "neo4j", true),
            ("?", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), is_fit, "{pattern} {name}");
        }
    }
}
