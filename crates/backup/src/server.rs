//! The listener of the backup channel.
//!
//! INVARIANT: nobody is answered before the TLS handshake, nor without a client certificate that the policy has verified,
//! whatever `client_auth` says; strangers do not keep out who has a certificate, and do not fill the log.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bastide_database::{BackupTaker, Dbms};
use bastide_security::{Admission, AdmissionLimits, Place};
use bastide_tls::{Channel, PeerCertificate};
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::Config;
use crate::refusals::Refusals;
use crate::session::{Session, SessionError, Shared};
use crate::snapshots::Snapshots;
use crate::wire::{Answer, write_answer};

/// Pause after a failed accept (out of file descriptors, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked for states whose time is over.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Why the backup server cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the address of a backup listener cannot be told")]
pub struct StartError(#[source] io::Error);

/// The running backup server.
#[derive(Debug)]
pub struct BackupServer {
    local_addresses: Vec<SocketAddr>,
    stopping: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    connections_max: usize,
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// What a connection needs.
struct Serving {
    channel: Arc<Channel>,
    connections: Arc<Semaphore>,
    admission: Arc<Admission>,
    sessions: Arc<Semaphore>,
    refusals: Arc<Refusals>,
    stopping: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

impl BackupServer {
    /// Serves listeners on the current runtime. Who takes which backup, and how that ends, goes to the audit log of `dbms`.
    ///
    /// # Errors
    /// A listener whose address cannot be told.
    pub fn start(
        listeners: Vec<TcpListener>,
        channel: Arc<Channel>,
        config: Config,
        dbms: Arc<Dbms>,
    ) -> Result<Self, StartError> {
        let local_addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>();
        // Those whose place was taken need a moment to end.
        let connections_max = config
            .strangers_max
            .saturating_mul(2)
            .saturating_add(config.sessions_max);
        let connections_max = connections_max.min(Semaphore::MAX_PERMITS);
        let admission = Admission::new(AdmissionLimits {
            total_max: config.strangers_max,
            per_address_max: config.strangers_per_address_max,
        });
        let refusals = Arc::new(Refusals::default());
        let connections = Arc::new(Semaphore::new(connections_max));
        let sessions = Arc::new(Semaphore::new(config.sessions_max.min(Semaphore::MAX_PERMITS)));
        let stopping = watch::Sender::new(false);
        let shared = Arc::new(Shared {
            dbms,
            config,
            snapshots: Snapshots::default(),
        });
        let local_addresses = local_addresses.map_err(StartError)?;
        let mut tasks: Vec<_> = listeners
            .into_iter()
            .map(|listener| {
                let serving = Arc::new(Serving {
                    channel: Arc::clone(&channel),
                    connections: Arc::clone(&connections),
                    admission: Arc::clone(&admission),
                    refusals: Arc::clone(&refusals),
                    sessions: Arc::clone(&sessions),
                    stopping: stopping.subscribe(),
                    shared: Arc::clone(&shared),
                });
                tokio::spawn(accept(listener, serving))
            })
            .collect();
        tasks.push(tokio::spawn(sweep(Arc::clone(&shared))));
        Ok(Self {
            local_addresses,
            stopping,
            connections,
            connections_max,
            tasks,
            shared,
        })
    }

    /// The bound addresses, in the order of the listeners.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.local_addresses
    }

    /// Stops: no new connections, and backups under way are cut. Returns when nothing holds a state any longer, or after
    /// `grace`.
    pub async fn stop(self, grace: Duration) {
        for task in &self.tasks {
            task.abort();
        }
        self.stopping.send_replace(true);
        let all = u32::try_from(self.connections_max).unwrap_or(u32::MAX);
        // What is not done in time is cut off when the runtime ends.
        let _ = timeout(grace, self.connections.acquire_many(all)).await;
        let shared = self.shared;
        if let Err(error) = tokio::task::spawn_blocking(move || shared.snapshots.let_go_of_all()).await {
            tracing::error!(%error, "the end of backups could not be recorded");
        }
    }
}

async fn sweep(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let sweeping = Arc::clone(&shared);
        let swept = tokio::task::spawn_blocking(move || {
            let time = sweeping.config.snapshot_time;
            sweeping.snapshots.let_go_of_old(time);
        });
        if let Err(error) = swept.await {
            tracing::error!(%error, "old states of backups could not be let go");
        }
    }
}

async fn accept(listener: TcpListener, serving: Arc<Serving>) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => take(&serving, socket, peer),
            Err(error) => {
                tracing::warn!(%error, "a backup connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn take(serving: &Arc<Serving>, socket: TcpStream, peer: SocketAddr) {
    let Ok(connection) = Arc::clone(&serving.connections).try_acquire_owned() else {
        return serving.tell(peer, "there are too many connections");
    };
    let evicted = Arc::new(Notify::new());
    let notify = Arc::clone(&evicted);
    let place = serving
        .admission
        .admit(peer.ip(), Box::new(move || notify.notify_one()));
    let place = match place {
        Ok(place) => place,
        Err(refused) => return serving.tell(peer, &refused.to_string()),
    };
    let serving = Arc::clone(serving);
    tokio::spawn(async move {
        let _connection = connection;
        tokio::select! {
            biased;
            outcome = serve(&serving, socket, peer, place) => {
                if let Err(error) = outcome {
                    serving.tell(peer, &with_causes(&error));
                }
            }
            () = evicted.notified() => serving.tell(peer, "it had shown no certificate, and its place was needed"),
        }
    });
}

impl Serving {
    /// Logs and audits a connection that came to nothing, one a second.
    fn tell(&self, peer: SocketAddr, reason: &str) {
        let Some(untold) = self.refusals.next(Instant::now()) else {
            return;
        };
        tracing::warn!(%peer, reason, untold, "a backup connection ended");
        if let Err(error) = self.shared.dbms.record_refused_backup_connection(peer, reason) {
            tracing::error!(%error, "a refused backup connection could not be audited");
        }
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("there is no secure connection")]
    Handshake(#[source] bastide_tls::HandshakeFailure),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("the client showed no certificate")]
    NoCertificate,
}

fn with_causes(error: &ServeError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

async fn serve(serving: &Serving, socket: TcpStream, peer: SocketAddr, place: Place) -> Result<(), ServeError> {
    // Frames are written whole; waiting to fill a packet gains nothing. A failure costs speed only.
    let _ = socket.set_nodelay(true);
    let limit = serving.shared.config.handshake_time;
    let accepted = serving.channel.accept(socket, peer, limit).await;
    let mut stream = accepted.map_err(ServeError::Handshake)?;
    let Some(certificate) = PeerCertificate::of(stream.get_ref().1) else {
        refuse(&mut stream, limit, "the backup channel wants a client certificate").await?;
        return Err(ServeError::NoCertificate);
    };
    // Whoever has a certificate is no stranger, and gives its place back.
    drop(place);
    let Ok(_session) = serving.sessions.try_acquire() else {
        return Ok(refuse(
            &mut stream,
            limit,
            "too many backup clients are connected; try again later",
        )
        .await?);
    };
    let session = Session {
        stream,
        taker: BackupTaker {
            name: certificate.summary.subject,
            address: peer,
        },
        shared: Arc::clone(&serving.shared),
        stopping: serving.stopping.clone(),
    };
    Ok(session.run().await?)
}

async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, limit: Duration, reason: &str) -> Result<(), SessionError> {
    let reason = reason.to_owned();
    let written = timeout(limit, write_answer(stream, &Answer::Refused { reason })).await;
    Ok(written.unwrap_or(Ok(()))?)
}
