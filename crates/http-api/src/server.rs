//! Accepting connections, counting them, and stopping.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use bastide_security::{Admission, AdmissionLimits};
use bastide_tls::Channel;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{Config, HttpLimits};
use crate::connection;
use crate::peer::Peer;
use crate::query::QueryApi;
use crate::refusals::Refusals;
use crate::routes::router;

/// Pause after a failed accept (out of file descriptors, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why listening cannot start.
#[derive(Debug)]
pub struct StartError(io::Error);

impl std::fmt::Display for StartError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the address of a listener cannot be told")
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Running listeners.
pub struct HttpServer {
    query: Arc<QueryApi>,
    local_addresses: Vec<SocketAddr>,
    stopping: watch::Sender<bool>,
    places: Arc<Semaphore>,
    limits: HttpLimits,
    listeners: Vec<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves listeners on the current runtime, each with TLS if it comes with a source of TLS configurations. Connections
    /// of all of them count against one limit.
    ///
    /// # Errors
    /// A listener whose address cannot be told.
    pub fn start(
        listeners: Vec<(TcpListener, Option<Arc<Channel>>)>,
        config: &Arc<Config>,
    ) -> Result<Self, StartError> {
        let limits = config.limits;
        let places = Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS)));
        let stopping = watch::Sender::new(false);
        let local_addresses = listeners
            .iter()
            .map(|(listener, _)| listener.local_addr())
            .collect::<Result<_, _>>()
            .map_err(StartError)?;
        let admission = Admission::new(AdmissionLimits {
            // Half of the places are kept for those who log in.
            total_max: limits.unauthenticated_max.min(limits.connections_max.div_ceil(2)),
            per_address_max: limits.unauthenticated_per_address_max,
        });
        let refusals = Arc::new(Refusals::default());
        let query = QueryApi::new(&config.query);
        let listeners = listeners
            .into_iter()
            .map(|(listener, tls)| {
                let serving = Serving {
                    router: router(config, &query, tls.is_some()),
                    tls,
                    limits,
                    places: Arc::clone(&places),
                    admission: Arc::clone(&admission),
                    refusals: Arc::clone(&refusals),
                    stopping: stopping.subscribe(),
                };
                tokio::spawn(accept(listener, serving))
            })
            .collect();
        Ok(Self {
            query,
            local_addresses,
            stopping,
            places,
            limits,
            listeners,
        })
    }

    /// The bound addresses, in the order of the listeners.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.local_addresses
    }

    /// Stops: no new connections, open transactions are rolled back, and what is under way gets `grace` to end.
    pub async fn stop(self, grace: Duration) {
        for listener in self.listeners {
            listener.abort();
            // Waits until the listener has let go of what it shares; that it was aborted is no news.
            let _aborted = listener.await;
        }
        self.stopping.send_replace(true);
        let all = u32::try_from(self.limits.connections_max).unwrap_or(u32::MAX);
        // What is not done in time is cut off when the runtime ends.
        let connections = timeout(grace, self.places.acquire_many(all));
        let (_, _) = tokio::join!(self.query.stop(grace), connections);
    }
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("HttpServer")
            .field("local_addresses", &self.local_addresses)
            .finish_non_exhaustive()
    }
}

struct Serving {
    router: Router,
    tls: Option<Arc<Channel>>,
    limits: HttpLimits,
    places: Arc<Semaphore>,
    admission: Arc<Admission>,
    refusals: Arc<Refusals>,
    stopping: watch::Receiver<bool>,
}

async fn accept(listener: TcpListener, serving: Serving) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => serving.take(socket, peer),
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Serving {
    fn take(&self, socket: TcpStream, peer: SocketAddr) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.refusals
                .log(peer, "there are too many connections", Instant::now());
            return;
        };
        let evicted = Arc::new(Notify::new());
        let notify = Arc::clone(&evicted);
        let stranger = match self.admission.admit(peer.ip(), Box::new(move || notify.notify_one())) {
            Ok(stranger) => Peer::new(peer, stranger),
            Err(refused) => {
                self.refusals.log(peer, &refused.to_string(), Instant::now());
                return;
            }
        };
        let refusals = Arc::clone(&self.refusals);
        let (tls, router, stopping) = (self.tls.clone(), self.router.clone(), self.stopping.clone());
        let limits = self.limits;
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                biased;
                outcome = connection::serve(socket, stranger, tls, router, limits, stopping) => {
                    if let Err(error) = outcome {
                        tracing::debug!(%peer, %error, "an HTTP connection failed");
                    }
                }
                () = evicted.notified() => {
                    refusals.log(peer, "nobody had logged in, and its place was needed", Instant::now());
                }
            }
        });
    }
}
