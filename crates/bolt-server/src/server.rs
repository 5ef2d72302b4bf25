//! Accepts connections and takes each through its life; stops them in an orderly way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bastide_bolt::Dialect;
use bastide_security::AdmissionLimits;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::backend::{Backend, ConnectionDetails};
use crate::config::{Config, TlsLevel};
use crate::control::Control;
use crate::establish::{Established, NotEstablished, establish};
use crate::events::{ConnectionEvents, ConnectionPoint, RefusalReason};
use crate::reader::MessageReader;
use crate::reading::Reading;
use crate::registry::{Phase, Registration, Registry};
use crate::work::Work;
use crate::worker::{Ending, Watchers, Worker};

/// Pause after a failed accept (out of file descriptors, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long connections may take to notice that they are closed.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// Why listening cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// TLS is on and there is no TLS configuration.
    #[error("TLS is on, but there is no TLS configuration")]
    NoTlsConfiguration,
    /// A listener's address cannot be told.
    #[error("the address of a listener cannot be told")]
    Address(#[source] io::Error),
}

/// A running server.
#[derive(Debug)]
pub struct BoltServer {
    local_addresses: Vec<SocketAddr>,
    phase: watch::Sender<Phase>,
    registry: Arc<Registry>,
    listeners: Vec<JoinHandle<()>>,
}

struct Shared {
    config: Arc<Config>,
    backend: Arc<dyn Backend>,
    events: Arc<dyn ConnectionEvents>,
    registry: Arc<Registry>,
    phase: watch::Receiver<Phase>,
}

impl BoltServer {
    /// Serves `listeners` on the current runtime, which must be multi-threaded.
    ///
    /// # Errors
    /// A configuration that cannot work.
    pub fn start(
        listeners: Vec<TcpListener>,
        config: Config,
        backend: Arc<dyn Backend>,
        events: Arc<dyn ConnectionEvents>,
    ) -> Result<Self, StartError> {
        if config.tls_level != TlsLevel::Disabled && config.tls.is_none() {
            return Err(StartError::NoTlsConfiguration);
        }
        let limits = config.limits;
        let registry = Arc::new(Registry::new(
            limits.connections_max,
            AdmissionLimits {
                total_max: limits.unauthenticated_max,
                per_address_max: limits.unauthenticated_per_address_max,
            },
        ));
        let phase = watch::Sender::new(Phase::Running);
        let local_addresses = listeners
            .iter()
            .map(TcpListener::local_addr)
            .collect::<Result<_, _>>()
            .map_err(StartError::Address)?;
        let shared = Arc::new(Shared {
            config: Arc::new(config),
            backend,
            events,
            registry: Arc::clone(&registry),
            phase: phase.subscribe(),
        });
        let listeners = listeners
            .into_iter()
            .map(|listener| tokio::spawn(accept(listener, Arc::clone(&shared))))
            .collect();
        Ok(Self {
            local_addresses,
            phase,
            registry,
            listeners,
        })
    }

    /// The bound addresses, in the order of the listeners.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.local_addresses
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        *self.registry.total().borrow()
    }

    /// Reads how many connections there are, for as long as somebody wants to know.
    pub fn connection_count(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let total = self.registry.total();
        move || *total.borrow()
    }

    /// Stops: no new connections, idle ones closed, others get `grace` to end what they have open, then all are closed.
    pub async fn stop(self, grace: Duration) {
        for listener in &self.listeners {
            listener.abort();
        }
        self.phase.send_replace(Phase::Draining);
        let mut total = self.registry.total();
        if timeout(grace, total.wait_for(|count| *count == 0)).await.is_err() {
            self.phase.send_replace(Phase::Closing);
            let _ = timeout(CLOSING_TIME, total.wait_for(|count| *count == 0)).await;
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                let (registration, refusal) = shared.registry.register(peer.ip());
                tokio::spawn(connection(socket, peer, registration, refusal, Arc::clone(&shared)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    registration: Registration,
    refusal: Option<RefusalReason>,
    shared: Arc<Shared>,
) {
    let connection_id = Arc::clone(&registration.connection_id);
    let local = socket.local_addr().unwrap_or(peer);
    let point = ConnectionPoint {
        connection_id: &connection_id,
        peer,
        local,
    };
    if let Some(reason) = refusal {
        drop(socket);
        shared.events.refused(point, &reason);
        return;
    }
    shared.events.opened(point);
    let evicted = Arc::clone(&registration.evicted);
    let outcome = tokio::select! {
        // What is done is done, even if the place was taken meanwhile.
        biased;
        outcome = serve(socket, peer, local, registration, &shared) => outcome,
        () = evicted.notified() => Err(NotEstablished::Refused(RefusalReason::GaveWay)),
    };
    match outcome {
        Err(NotEstablished::Gone) | Ok(Ending::Orderly) => {}
        Err(NotEstablished::Refused(reason)) | Ok(Ending::Refused(reason)) => {
            tracing::debug!(connection = %connection_id, %peer, ?reason, "connection refused");
            shared.events.refused(point, &reason);
        }
    }
    shared.events.closed(point);
}

async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    registration: Registration,
    shared: &Arc<Shared>,
) -> Result<Ending, NotEstablished> {
    let config = &shared.config;
    let login_deadline = Instant::now() + config.limits.login_timeout;
    // Answers are small and awaited: waiting to fill packets would only add latency.
    socket.set_nodelay(true)?;
    let mut phase = shared.phase.clone();
    let established = tokio::select! {
        established = timeout_at(login_deadline, establish(socket, config)) => {
            established.map_err(|_| NotEstablished::Refused(RefusalReason::LoginTimedOut))??
        }
        _ = phase.wait_for(|phase| *phase != Phase::Running) => return Err(NotEstablished::Gone),
    };
    let control = Arc::new(Control::new());
    let Established {
        stream,
        received,
        version,
        transport,
        encrypted,
        certificate,
    } = established;
    let (reading, sending) = tokio::io::split(stream);
    let sending = Arc::new(Mutex::new(sending));
    let (sender, incoming) = mpsc::channel(config.limits.requests_ahead_max.max(1));
    let reader = MessageReader::new(reading, version, config.limits, Arc::clone(&control), sender);
    let details = ConnectionDetails {
        connection_id: Arc::clone(&registration.connection_id),
        peer,
        local,
        encrypted,
        certificate,
        transport,
        protocol_version: version.to_string(),
        user_agent: String::new(),
        driver: None,
    };
    let worker = Worker {
        config: Arc::clone(config),
        backend: Arc::clone(&shared.backend),
        control,
        registration,
        details,
        dialect: Dialect::new(version),
        reading: Reading::new(reader.run(received)),
        incoming,
        sending,
        phase,
        login_deadline,
        output: Vec::new(),
        behind: None,
        session: None,
        work: Work::default(),
        session_notifications: bastide_bolt::NotificationFilter::default(),
        watchers: Watchers::default(),
    };
    Ok(worker.run().await)
}
