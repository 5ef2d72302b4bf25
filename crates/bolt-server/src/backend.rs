//! What a connection needs of the database: the traits that the layer above implements with its facade.
//!
//! INVARIANT: nothing here names sockets or Bolt messages. The methods of sessions, transactions and streams block; the
//! connection calls them where blocking is allowed, and an [`Interrupt`] tells a running one to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bastide_model::{GraphRead, Map, NodeId, RelationshipId, Value};
use bastide_secret::SecretString;
use bastide_status::Status;
use bastide_tls::PeerCertificate;
use tokio::sync::watch;

use crate::summary::Summary;

/// Opens sessions.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Logs a user on. Called once at a time per connection; cancelled (dropped) if the client hangs up.
    ///
    /// # Errors
    /// What the client is told; the connection is closed after it.
    async fn authenticate(
        &self,
        request: AuthenticationRequest,
        connection: &ConnectionDetails,
    ) -> Result<Authenticated, Status>;
}

/// What a client showed to log on.
#[derive(Debug)]
pub struct AuthenticationRequest {
    /// `none`, `basic`, `bearer`, `kerberos` or another.
    pub scheme: String,
    /// User name.
    pub principal: Option<String>,
    /// Password or token.
    pub credentials: Option<SecretString>,
    /// Realm.
    pub realm: Option<String>,
}

/// Over what a client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Straight over TCP, or TLS on it.
    Socket,
    /// Inside a WebSocket.
    WebSocket,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct ConnectionDetails {
    /// Unique in the life of the process, e.g. `bolt-17`.
    pub connection_id: Arc<str>,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address it connected to.
    pub local: SocketAddr,
    /// Whether it came through TLS.
    pub encrypted: bool,
    /// The certificate it showed, if any. Under `trust_all` it was not verified.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// Over what it came.
    pub transport: Transport,
    /// Version of Bolt, e.g. `5.8`.
    pub protocol_version: String,
    /// What the application calls itself.
    pub user_agent: String,
    /// What the driver calls itself, from 5.3 on.
    pub driver: Option<String>,
}

/// A login that succeeded.
pub struct Authenticated {
    /// The session.
    pub session: Box<dyn Session>,
    /// Whether the password must be changed before anything else.
    pub credentials_expired: bool,
}

/// One user's session.
pub trait Session: Send {
    /// Begins an explicit transaction.
    ///
    /// # Errors
    /// What the client is told.
    fn begin(&mut self, options: TransactionOptions) -> Result<Box<dyn Transaction>, Status>;

    /// Runs a statement in a transaction of its own, which ends when the stream does.
    ///
    /// # Errors
    /// What the client is told.
    fn run_auto_commit(
        &mut self,
        statement: &str,
        parameters: Map,
        options: TransactionOptions,
    ) -> Result<Box<dyn ResultStream>, Status>;

    /// The routing table of a database.
    ///
    /// # Errors
    /// What the client is told, e.g. that there is no such database.
    fn routing_table(&mut self, request: RoutingRequest) -> Result<RoutingTable, Status>;

    /// Holds the reason once the session is over from the server's side (user dropped, suspended, roles changed): the
    /// connection is then closed at once, with running work interrupted. A dropped sender means nothing.
    fn ended(&self) -> watch::Receiver<Option<Status>>;
}

/// An explicit transaction. Dropping it rolls it back.
pub trait Transaction: Send {
    /// Runs a statement; several streams of one transaction may be open at a time.
    ///
    /// # Errors
    /// What the client is told; the transaction is then dropped.
    fn run(&mut self, statement: &str, parameters: Map) -> Result<Box<dyn ResultStream>, Status>;

    /// The database it runs in.
    fn database(&self) -> &str;

    /// Commits and gives the bookmark, if there is one. Open streams were dropped before.
    ///
    /// # Errors
    /// What the client is told; nothing is committed then.
    fn commit(self: Box<Self>) -> Result<Option<String>, Status>;

    /// Rolls back. Open streams were dropped before.
    ///
    /// # Errors
    /// What the client is told.
    fn rollback(self: Box<Self>) -> Result<(), Status>;
}

/// The rows of one statement. Dropping it before it is finished ends the statement; an auto-commit one is rolled back.
pub trait ResultStream: Send {
    /// Names of the columns.
    fn columns(&self) -> &[String];

    /// The database it runs in.
    fn database(&self) -> &str;

    /// Produces at most `rows_max` rows into `sink`, fewer if the sink is full.
    ///
    /// # Errors
    /// What the client is told; the stream is then dropped.
    fn next_batch(&mut self, rows_max: usize, sink: &mut dyn RowSink) -> Result<BatchOutcome, Status>;

    /// Ends a finished stream; commits an auto-commit statement, whose bookmark is in the summary.
    ///
    /// # Errors
    /// What the client is told; an auto-commit statement is not committed then.
    fn finish(self: Box<Self>) -> Result<Summary, Status>;
}

/// Whether a stream has rows left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// There may be more.
    More,
    /// There are none; [`ResultStream::finish`] is next.
    Finished,
}

/// Whether a sink takes further rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkOutcome {
    /// It does.
    Continue,
    /// It is full: return [`BatchOutcome::More`] (or `Finished`, if that was the last row) after this row.
    Full,
}

/// Takes rows.
pub trait RowSink {
    /// Takes one row. Nodes and relationships are read from `entities`.
    ///
    /// # Errors
    /// An entity could not be read: stop with this error.
    fn row(&mut self, values: &[Value], entities: &dyn EntityView) -> Result<SinkOutcome, Status>;
}

/// Where the nodes and relationships of a row are looked up.
pub trait EntityView {
    /// The snapshot that the ids belong to.
    fn graph(&self) -> &dyn GraphRead;

    /// Appends what `elementId()` says of a node.
    fn node_element_id(&self, node: NodeId, text: &mut String);

    /// Appends what `elementId()` says of a relationship.
    fn relationship_element_id(&self, relationship: RelationshipId, text: &mut String);
}

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessMode {
    /// Only reads.
    Read,
    /// Reads and writes.
    #[default]
    Write,
}

/// How a transaction is to run.
#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    /// Which database; `None` for the user's home.
    pub database: Option<String>,
    /// The transaction must see what these stand for.
    pub bookmarks: Vec<String>,
    /// How long it may take; `None` for the server's default, zero for no limit.
    pub timeout: Option<Duration>,
    /// What the client wants to be shown and logged with it.
    pub metadata: Map,
    /// Whether it may write.
    pub access_mode: AccessMode,
    /// As which user to run.
    pub impersonated_user: Option<String>,
    /// Tells running work to stop; looked at every batch or so.
    pub interrupt: Interrupt,
}

/// Tells running work to stop. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag that is down.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag: whoever sees it fails with `Neo.ClientError.Transaction.TransactionMarkedAsFailed` or the like.
    pub fn trigger(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is up.
    pub fn is_triggered(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Lowers the flag, once what was to stop has stopped.
    pub(crate) fn lower(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// The flag itself, to hand to an engine that knows only atomics.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// What a client asks a routing table for.
#[derive(Clone, Debug, Default)]
pub struct RoutingRequest {
    /// The address by which the client knows this server (`address` of its routing context), if it said.
    pub client_address: Option<String>,
    /// The table must not be older than these.
    pub bookmarks: Vec<String>,
    /// Which database; `None` for the user's home.
    pub database: Option<String>,
    /// As which user to resolve the home database.
    pub impersonated_user: Option<String>,
}

/// Which servers serve a database.
#[derive(Clone, Debug)]
pub struct RoutingTable {
    /// How long the table holds.
    pub time_to_live: Duration,
    /// The database it is for.
    pub database: String,
    /// `host:port` of those that take writes.
    pub writers: Vec<String>,
    /// `host:port` of those that take reads.
    pub readers: Vec<String>,
    /// `host:port` of those that give routing tables.
    pub routers: Vec<String>,
}

impl RoutingTable {
    /// The table of one server that does everything.
    pub fn single(address: String, database: String, time_to_live: Duration) -> Self {
        let only = vec![address];
        Self {
            time_to_live,
            database,
            writers: only.clone(),
            readers: only.clone(),
            routers: only,
        }
    }
}
