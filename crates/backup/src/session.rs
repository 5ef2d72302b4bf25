//! One client of the backup server, from its first request to its last.
//!
//! INVARIANT: a slow client costs two frames of memory and holds nobody up; whatever ends the connection, a state that was
//! begun stays held for its time. Must not know TLS.

use std::sync::Arc;

use bastide_database::{BackupEnd, BackupTaker, Dbms};
use bastide_status::Status;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Config;
use crate::snapshots::{SnapshotId, Snapshots, Turn};
use crate::wire::{
    Answer, ListedDatabase, PROTOCOL, Request, Started, WireError, encode_chunks, read_request, write_answer,
    write_data,
};

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) dbms: Arc<Dbms>,
    pub(crate) config: Config,
    pub(crate) snapshots: Snapshots,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Why a session ended before the client closed it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the client neither asked nor took anything for {0} seconds")]
    Idle(u64),
    #[error("the client took up the same backup over another connection")]
    Superseded,
    #[error("the server is stopping")]
    Stopping,
    #[error("{0}")]
    Refused(Status),
    #[error("a task of the server failed")]
    Task(#[from] tokio::task::JoinError),
}

pub(crate) struct Session<S> {
    pub(crate) stream: S,
    pub(crate) taker: BackupTaker,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Serves the client until it closes the connection.
    pub(crate) async fn run(mut self) -> Result<(), SessionError> {
        let mut is_greeted = false;
        while let Some(request) = self.next_request().await? {
            if !is_greeted && !matches!(request, Request::List { .. }) {
                return Err(WireError::Malformed("a request before the version of the protocol").into());
            }
            match request {
                Request::List { protocol } if protocol != PROTOCOL => {
                    let reason =
                        format!("this server speaks version {PROTOCOL} of the backup protocol, not {protocol}");
                    self.answer(&Answer::Refused { reason }).await?;
                }
                Request::List { .. } => {
                    is_greeted = true;
                    self.list().await?;
                }
                Request::Backup { database } => self.backup(database).await?,
                Request::Resume { snapshot, after } => self.resume(&snapshot, &after).await?,
                Request::Finish { snapshot } => self.finish(&snapshot).await?,
            }
        }
        Ok(())
    }

    async fn next_request(&mut self) -> Result<Option<Request>, SessionError> {
        let idle = self.shared.config.idle_time;
        let stopping = self.stopping.clone();
        tokio::select! {
            request = timeout(idle, read_request(&mut self.stream)) => {
                Ok(request.map_err(|_| SessionError::Idle(idle.as_secs()))??)
            }
            () = stopped(stopping) => Err(SessionError::Stopping),
        }
    }

    async fn answer(&mut self, answer: &Answer) -> Result<(), SessionError> {
        let idle = self.shared.config.idle_time;
        let written = timeout(idle, write_answer(&mut self.stream, answer)).await;
        Ok(written.map_err(|_| SessionError::Idle(idle.as_secs()))??)
    }

    async fn list(&mut self) -> Result<(), SessionError> {
        let databases = self.shared.dbms.databases_for_backup().into_iter();
        let databases = databases
            .map(|(name, id)| ListedDatabase {
                name: name.to_string(),
                id: id.to_string(),
            })
            .collect();
        self.answer(&Answer::Databases { databases }).await
    }

    async fn backup(&mut self, database: String) -> Result<(), SessionError> {
        let (shared, taker) = (Arc::clone(&self.shared), self.taker.clone());
        let begun = tokio::task::spawn_blocking(move || begin(&shared, &database, &taker)).await?;
        match begun {
            Ok(turn) => self.send(turn, None).await,
            Err(reason) => {
                tracing::warn!(peer = %self.taker.address, taker = %self.taker.name, reason, "a backup was refused");
                self.answer(&Answer::Refused { reason }).await
            }
        }
    }

    async fn resume(&mut self, snapshot: &str, after: &str) -> Result<(), SessionError> {
        let id = snapshot_id(snapshot)?;
        let after = hex::decode(after).map_err(|_| WireError::Malformed("a key that cannot be read"))?;
        let Some(turn) = self.shared.snapshots.resume(id, &self.taker) else {
            return self.answer(&Answer::UnknownSnapshot).await;
        };
        let (backup, taker, name) = (Arc::clone(&turn.backup), self.taker.clone(), snapshot.to_owned());
        let recorded = tokio::task::spawn_blocking(move || backup.record_resumed(&taker, &name)).await?;
        if let Err(status) = recorded {
            self.shared.snapshots.end_turn(&turn);
            return Err(SessionError::Refused(status));
        }
        self.send(turn, (!after.is_empty()).then_some(after)).await
    }

    /// Sends a state from a key on. What ends this early leaves the state held.
    async fn send(&mut self, turn: Turn, after: Option<Vec<u8>>) -> Result<(), SessionError> {
        let mut bytes = 0;
        let sent = self.stream_chunks(&turn, after, &mut bytes).await;
        self.shared.snapshots.end_turn(&turn);
        let id = hex::encode(turn.id);
        if let Err(error) = &sent {
            tracing::warn!(peer = %self.taker.address, backup = id, bytes, %error, "a backup was cut; it may be resumed");
            let (backup, taker) = (Arc::clone(&turn.backup), self.taker.clone());
            let record = move || backup.record_end(BackupEnd::Cut, &taker, &id, bytes);
            if let Err(error) = tokio::task::spawn_blocking(record).await? {
                tracing::error!(%error, "the cut of a backup could not be audited");
            }
        }
        sent
    }

    async fn stream_chunks(&mut self, turn: &Turn, after: Option<Vec<u8>>, sent: &mut u64) -> Result<(), SessionError> {
        let started = started(turn, after.as_deref());
        tracing::info!(
            peer = %self.taker.address, taker = %self.taker.name, backup = started.snapshot, database = started.database,
            commit = started.commit, resumed = after.is_some(), "a backup is being taken"
        );
        self.answer(&Answer::Started(started)).await?;
        let idle = self.shared.config.idle_time;
        let frame_bytes = self.shared.config.frame_bytes;
        let mut next = read_ahead(turn, after, frame_bytes);
        // One batch is encoded while the one before it is on its way.
        while let Some((data, last_key)) = next.await?? {
            next = read_ahead(turn, Some(last_key), frame_bytes);
            if !self.shared.snapshots.touch(turn) {
                return Err(SessionError::Superseded);
            }
            let stopping = self.stopping.clone();
            tokio::select! {
                written = timeout(idle, write_data(&mut self.stream, &data)) => {
                    written.map_err(|_| SessionError::Idle(idle.as_secs()))??;
                }
                () = stopped(stopping) => return Err(SessionError::Stopping),
            }
            *sent += data.len() as u64;
        }
        self.answer(&Answer::End).await
    }

    async fn finish(&mut self, snapshot: &str) -> Result<(), SessionError> {
        let id = snapshot_id(snapshot)?;
        let Some(backup) = self.shared.snapshots.finish(id, &self.taker) else {
            return self.answer(&Answer::UnknownSnapshot).await;
        };
        tracing::info!(peer = %self.taker.address, taker = %self.taker.name, backup = snapshot,
            database = %backup.database, commit = %backup.export.commit_id(), "a backup is complete");
        let (taker, name) = (self.taker.clone(), snapshot.to_owned());
        let record = move || backup.record_end(BackupEnd::Complete, &taker, &name, 0);
        match tokio::task::spawn_blocking(record).await? {
            Ok(()) => self.answer(&Answer::Finished).await,
            Err(status) => Err(SessionError::Refused(status)),
        }
    }
}

type Batch = Option<(Vec<u8>, Vec<u8>)>;

/// The next data and the last key in them.
fn read_ahead(
    turn: &Turn,
    after: Option<Vec<u8>>,
    frame_bytes: usize,
) -> tokio::task::JoinHandle<Result<Batch, WireError>> {
    let backup = Arc::clone(&turn.backup);
    tokio::task::spawn_blocking(move || {
        let chunks = backup.export.chunks_after(after.as_deref(), frame_bytes);
        let Some((last_key, _)) = chunks.last() else {
            return Ok(None);
        };
        let data = encode_chunks(&chunks).ok_or(WireError::Malformed("a chunk that is too long"))?;
        Ok(Some((data, last_key.clone())))
    })
}

/// Holds the newest state. The reason of a refusal is for the client. Blocks.
fn begin(shared: &Shared, database: &str, taker: &BackupTaker) -> Result<Turn, String> {
    let config = &shared.config;
    let too_many = || format!("{} backups are under way, the most that may be", config.snapshots_max);
    if !shared.snapshots.make_room(config.snapshots_max, config.snapshot_time) {
        return Err(too_many());
    }
    let mut id = SnapshotId::default();
    aws_lc_rs::rand::fill(&mut id).map_err(|_| "the server has no random numbers".to_owned())?;
    let begun = shared.dbms.begin_backup(database, taker, &hex::encode(id));
    let backup = begun.map_err(|status| status.to_string())?;
    shared
        .snapshots
        .insert(id, backup, taker.clone(), config.snapshots_max)
        .ok_or_else(too_many)
}

fn snapshot_id(text: &str) -> Result<SnapshotId, WireError> {
    let mut id = SnapshotId::default();
    hex::decode_to_slice(text, &mut id).map_err(|_| WireError::Malformed("an id that cannot be read"))?;
    Ok(id)
}

fn started(turn: &Turn, after: Option<&[u8]>) -> Started {
    let backup = &turn.backup;
    let milliseconds = |time: std::time::SystemTime| {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    };
    Started {
        snapshot: hex::encode(turn.id),
        database: backup.database.to_string(),
        database_id: backup.database_id.to_string(),
        created_ms: milliseconds(backup.created),
        commit: backup.export.commit_id().0,
        time_ms: milliseconds(backup.time),
        chunks: backup.export.chunks_max(),
        chunks_passed: after.map_or(0, |after| backup.export.chunks_up_to(after)),
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // A sender that is gone has stopped too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
