//! Accepts other members.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bastide_security::Place;
use bastide_tls::{Channel, ClientAuthentication};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use crate::admission::Admission;
use crate::certificate::Shown;
use crate::config::ClusterConfig;
use crate::connection::{Direction, Known, MemberConnection};
use crate::error::{NotEstablished, StartError};
use crate::events::ClusterEvents;
use crate::exchange::Hello;

/// Pause after a failed accept (out of file descriptors, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a stranger's socket is kept to take the goodbye.
pub(crate) const GOODBYE_TIME: Duration = Duration::from_millis(500);

/// Accepts other members on one socket. Dropping it stops that; connections that were handed out stay.
#[derive(Debug)]
pub struct ClusterListener {
    address: SocketAddr,
    established: mpsc::Receiver<MemberConnection>,
    accepting: JoinHandle<()>,
}

struct Shared {
    channel: Arc<Channel>,
    config: ClusterConfig,
    events: Arc<dyn ClusterEvents>,
    admission: Arc<Admission>,
    established: mpsc::Sender<MemberConnection>,
}

impl ClusterListener {
    /// Accepts on the current runtime.
    ///
    /// # Errors
    /// A policy that does not ask both ends for certificates.
    pub fn start(
        socket: TcpListener,
        channel: Arc<Channel>,
        config: ClusterConfig,
        events: Arc<dyn ClusterEvents>,
    ) -> Result<Self, StartError> {
        let asks = channel.policy().map(|policy| policy.config().client_authentication);
        if asks != Some(ClientAuthentication::Require) {
            let scope = channel.scope();
            return Err(StartError::NotMutual { scope });
        }
        let address = socket.local_addr().map_err(StartError::Address)?;
        // Each that waits here holds a connection's place, so sending never waits.
        let (sender, established) = mpsc::channel(config.limits.connections_max.max(1));
        let shared = Arc::new(Shared {
            channel,
            admission: Arc::new(Admission::new(config.limits)),
            config,
            events,
            established: sender,
        });
        let accepting = tokio::spawn(accept(socket, shared));
        Ok(Self {
            address,
            established,
            accepting,
        })
    }

    /// The bound address.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The next member that came through handshake and hello; `None` once nothing is accepted any more.
    pub async fn accept(&mut self) -> Option<MemberConnection> {
        self.established.recv().await
    }
}

impl Drop for ClusterListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(socket: TcpListener, shared: Arc<Shared>) {
    // Ended with this task, as are all handshakes under way.
    let mut handshakes = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = handshakes.join_next() => continue,
        };
        match accepted {
            Ok((socket, peer)) => {
                let evicted = Arc::new(Notify::new());
                let notify = Arc::clone(&evicted);
                match shared
                    .admission
                    .handshake(peer.ip(), Box::new(move || notify.notify_one()))
                {
                    Ok(place) => {
                        handshakes.spawn(establish(socket, peer, place, evicted, Arc::clone(&shared)));
                    }
                    Err(reason) => shared.refused(peer, &reason),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a member's connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn establish(socket: TcpStream, peer: SocketAddr, place: Place, evicted: Arc<Notify>, shared: Arc<Shared>) {
    let established = tokio::select! {
        biased;
        established = shared.establish(socket, peer) => established,
        () = evicted.notified() => Err(shared.admission.evicted()),
    };
    drop(place);
    match established {
        Ok(connection) => {
            // A receiver that is gone wants no more members.
            let _unwanted = shared.established.send(connection).await;
        }
        Err(reason) => shared.refused(peer, &reason),
    }
}

impl Shared {
    fn refused(&self, peer: SocketAddr, reason: &NotEstablished) {
        tracing::debug!(%peer, %reason, "a connection to the cluster's port was refused");
        self.events.refused(Direction::Accepted, peer, reason);
    }

    async fn establish(&self, socket: TcpStream, peer: SocketAddr) -> Result<MemberConnection, NotEstablished> {
        let limits = &self.config.limits;
        socket.set_nodelay(true).map_err(NotEstablished::Lost)?;
        let accepted = self.channel.accept(socket, peer, limits.handshake_time_max).await?;
        let mut stream = TlsStream::from(accepted);
        match self.hello(&mut stream).await {
            Ok((member, place)) => {
                let events = Arc::clone(&self.events);
                let direction = Direction::Accepted;
                Ok(MemberConnection::new(
                    stream,
                    direction,
                    peer,
                    member,
                    events,
                    Some(place),
                ))
            }
            Err(reason) => {
                let _gone = timeout(GOODBYE_TIME, stream.shutdown()).await;
                Err(reason)
            }
        }
    }

    async fn hello(&self, stream: &mut TlsStream<TcpStream>) -> Result<(Known, OwnedSemaphorePermit), NotEstablished> {
        let shown = Shown::of(stream.get_ref().1)?;
        let hello = Hello {
            own: &self.config.name,
            shown: &shown,
            verify_name: verifies_names(&self.channel),
        };
        let limit = self.config.limits.hello_time_max;
        let (name, place) = timeout(limit, hello.listen(stream, || self.admission.connection()))
            .await
            .map_err(|_| NotEstablished::TimedOut { step: "hello" })??;
        Ok(((name, shown.certificate), place))
    }
}

/// Whether the policy wants names verified; so it is when there is none, which cannot be.
pub(crate) fn verifies_names(channel: &Channel) -> bool {
    channel.policy().is_none_or(|policy| policy.config().verify_hostname)
}
