//! Both ends of the channel over memory, against databases that are written to.

mod liar;
mod online;
mod server;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bastide_audit::Event;
use bastide_database::{
    Auditor, BackupTaker, Configuration, Credentials, Dbms, NoAudit, Origin, RowVisitor, Session as DatabaseSession,
    TransactionOptions, VisitOutcome,
};
use bastide_model::{GraphRead, Map, Value};
use bastide_secret::SecretString;
use bastide_status::Status;
use bastide_store::{KeyRing, LocalFileSystem};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::watch;

use crate::client::{Dial, DialError, TakeError, TakeEvents, TakeRequest, Taken, take};
use crate::config::Config;
use crate::session::{Session, Shared};
use crate::snapshots::Snapshots;

pub(super) const ADDRESS: ([u8; 4], u16) = ([127, 0, 0, 1], 6362);

/// Keeps what was audited, as text.
#[derive(Default)]
pub(super) struct Recorder(pub(super) Mutex<Vec<String>>);

impl Auditor for Recorder {
    fn record(&self, event: Event) -> Result<(), Status> {
        self.0.lock().unwrap().push(format!("{event:?}"));
        Ok(())
    }

    fn record_deferred(&self, event: Event) -> Result<(), Status> {
        self.record(event)
    }
}

impl Recorder {
    /// How many events have all of the words.
    pub(super) fn count(&self, words: &[&str]) -> usize {
        let events = self.0.lock().unwrap();
        events
            .iter()
            .filter(|event| words.iter().all(|word| event.contains(word)))
            .count()
    }
}

/// A server without listeners: what connects to it is handed in.
pub(super) struct Server {
    pub(super) shared: Arc<Shared>,
    pub(super) recorder: Arc<Recorder>,
    stopping: watch::Sender<bool>,
    /// After how many bytes each of the next connections is cut; those after them are not.
    cuts: Mutex<VecDeque<usize>>,
    pub(super) dialled: AtomicUsize,
}

impl Server {
    pub(super) fn new(config: Config) -> Arc<Self> {
        let recorder = Arc::new(Recorder::default());
        let auditor: Arc<dyn Auditor> = Arc::<Recorder>::clone(&recorder);
        let dbms = Dbms::open(without_logins(), auditor).unwrap();
        Arc::new(Self {
            shared: Arc::new(Shared {
                dbms,
                config,
                snapshots: Snapshots::default(),
            }),
            recorder,
            stopping: watch::Sender::new(false),
            cuts: Mutex::default(),
            dialled: AtomicUsize::new(0),
        })
    }

    pub(super) fn cut_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.cuts.lock().unwrap().extend(bytes);
    }

    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(super) fn connect_as(&self, name: &str) -> DuplexStream {
        // Smaller than a frame, so that a client that does not read is felt.
        let (client, server) = tokio::io::duplex(4096);
        let session = Session {
            stream: server,
            taker: BackupTaker {
                name: name.to_owned(),
                address: SocketAddr::from(ADDRESS),
            },
            shared: Arc::clone(&self.shared),
            stopping: self.stopping.subscribe(),
        };
        tokio::spawn(session.run());
        client
    }
}

impl Dial for Arc<Server> {
    type Stream = CutStream;

    async fn dial(&self) -> Result<CutStream, DialError> {
        self.dialled.fetch_add(1, Ordering::Relaxed);
        let left = self.cuts.lock().unwrap().pop_front().unwrap_or(usize::MAX);
        Ok(CutStream {
            stream: self.connect_as("CN=taker"),
            left,
        })
    }
}

/// Ends with an error after so many bytes were read.
pub(super) struct CutStream {
    stream: DuplexStream,
    left: usize,
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut part = buffer.take(self.left);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut part);
        let count = part.filled().len();
        self.left -= count;
        // What was filled was initialised by the reader, which the buffer of the caller does not know yet.
        let filled = part.filled().to_vec();
        buffer.put_slice(&filled);
        read
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Keeps what was told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) notices: Vec<String>,
    pub(super) begun: Vec<(String, u64, u64)>,
    pub(super) chunks: u64,
}

impl TakeEvents for Told {
    fn begins(&mut self, database: &str, chunks: u64, passed: u64) {
        self.begun.push((database.to_owned(), chunks, passed));
    }

    fn advances(&mut self, chunks: u64, _file_bytes: u64) {
        self.chunks += chunks;
    }

    fn verifies(&mut self, _file_bytes: u64) {}

    fn verified(&mut self, _file_bytes: u64) {}

    fn notice(&mut self, text: &str) {
        self.notices.push(text.to_owned());
    }
}

pub(super) fn small_frames() -> Config {
    Config {
        frame_bytes: 16 << 10,
        ..Config::default()
    }
}

pub(super) fn key_ring(folder: &Path) -> KeyRing {
    KeyRing::load_or_create(&LocalFileSystem, &folder.join("backup.key")).unwrap()
}

/// Takes what fits into a folder.
pub(super) async fn take_into<D: Dial>(
    server: &D,
    pattern: &str,
    folder: &Path,
    retries_max: u32,
) -> (Result<Vec<Taken>, TakeError>, Told) {
    let (key_ring, mut told, mut all) = (key_ring(folder), Told::default(), Vec::new());
    let request = TakeRequest {
        pattern,
        folder,
        source: "server:6362",
        key_ring: &key_ring,
        retries_max,
        retry_pause: Duration::from_millis(1),
    };
    let result = take(server, request, &mut told, &mut |taken| all.push(taken)).await;
    (result.map(|()| all), told)
}

fn without_logins() -> Configuration {
    Configuration {
        authentication_enabled: false,
        ..Configuration::in_memory()
    }
}

/// A home on disk without logins.
pub(super) fn open_home(home: &Path) -> Arc<Dbms> {
    let configuration = Configuration {
        data_directory: Some(home.join("data")),
        key_file: home.join("conf/encryption.key"),
        ..without_logins()
    };
    Dbms::open(configuration, Arc::new(NoAudit)).unwrap()
}

/// Restores a file into a home and opens it.
pub(super) fn restore_into(home: &Path, file: &Path, key_ring: &KeyRing) -> Arc<Dbms> {
    let mut chunks = crate::FileChunks::open(file, key_ring).unwrap();
    let header = chunks.header().clone();
    let request = bastide_database::RestoreRequest {
        data_directory: home.join("data"),
        key_file: home.join("conf/encryption.key"),
        database: header.database.clone(),
        overwrite: false,
        database_id: header.database_uuid(),
        backed_up_database: header.database,
        created: std::time::UNIX_EPOCH + Duration::from_millis(header.created_ms),
        commit: header.commit,
    };
    let mut chunks = chunks.by_ref().map(|chunk| chunk.map_err(Into::into));
    let mut go_on = |_| std::ops::ControlFlow::Continue(());
    tokio::task::block_in_place(|| {
        bastide_database::restore(&request, &mut chunks, &mut go_on).unwrap();
        open_home(home)
    })
}

pub(super) async fn log_in(dbms: &Arc<Dbms>) -> DatabaseSession {
    let credentials = Credentials {
        user: String::new(),
        password: SecretString::new(String::new()),
    };
    let origin = Origin {
        address: SocketAddr::from(ADDRESS),
        connection_id: "bolt-1".into(),
    };
    dbms.log_in(credentials, origin).await.unwrap()
}

#[derive(Default)]
struct Rows(Vec<Vec<Value>>);

impl RowVisitor for Rows {
    fn visit(&mut self, row: &[Value], _graph: &dyn GraphRead) -> bastide_status::Result<VisitOutcome> {
        self.0.push(row.to_vec());
        Ok(VisitOutcome::Continue)
    }
}

pub(super) fn run(session: &DatabaseSession, text: &str) -> bastide_status::Result<Vec<Vec<Value>>> {
    let mut stream = session.run(text, &Map::new(), TransactionOptions::default())?;
    let mut rows = Rows::default();
    while stream.next_batch(1_000, &mut rows)? {}
    stream.finish()?;
    Ok(rows.0)
}

pub(super) fn integers(session: &DatabaseSession, text: &str) -> Vec<i64> {
    let rows = run(session, text).unwrap();
    rows.iter().flatten().map(|value| value.as_integer().unwrap()).collect()
}
