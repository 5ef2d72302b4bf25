//! Dials other members.

use std::net::SocketAddr;
use std::sync::Arc;

use bastide_tls::Channel;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use crate::certificate::Shown;
use crate::config::ClusterConfig;
use crate::connection::{Direction, Known, MemberConnection};
use crate::error::NotEstablished;
use crate::events::ClusterEvents;
use crate::exchange::Hello;
use crate::listener::{GOODBYE_TIME, verifies_names};

/// Dials other members, showing the certificate that the own listener shows.
pub struct ClusterDialler {
    channel: Arc<Channel>,
    config: ClusterConfig,
    events: Arc<dyn ClusterEvents>,
}

impl ClusterDialler {
    /// Dials by the policy of a channel.
    pub fn new(channel: Arc<Channel>, config: ClusterConfig, events: Arc<dyn ClusterEvents>) -> Self {
        Self {
            channel,
            config,
            events,
        }
    }

    /// Connects to a member: `host` is the DNS name or address that its certificate must vouch for, `address` where it is.
    ///
    /// # Errors
    /// Why there is no connection; the events were told too.
    pub async fn dial(&self, host: &str, address: SocketAddr) -> Result<MemberConnection, NotEstablished> {
        let dialled = self.establish(host, address).await;
        if let Err(reason) = &dialled {
            tracing::debug!(%address, host, %reason, "a member could not be dialled");
            self.events.refused(Direction::Dialled, address, reason);
        }
        dialled
    }

    async fn establish(&self, host: &str, address: SocketAddr) -> Result<MemberConnection, NotEstablished> {
        let limits = &self.config.limits;
        let socket = timeout(limits.connect_time_max, TcpStream::connect(address))
            .await
            .map_err(|_| NotEstablished::TimedOut { step: "connection" })?
            .map_err(NotEstablished::Unreachable)?;
        socket.set_nodelay(true).map_err(NotEstablished::Lost)?;
        let dialled = self
            .channel
            .connect(socket, host, address, limits.handshake_time_max)
            .await?;
        let mut stream = TlsStream::from(dialled);
        match self.hello(&mut stream).await {
            Ok(member) => {
                let events = Arc::clone(&self.events);
                let direction = Direction::Dialled;
                Ok(MemberConnection::new(stream, direction, address, member, events, None))
            }
            Err(reason) => {
                let _gone = timeout(GOODBYE_TIME, stream.shutdown()).await;
                Err(reason)
            }
        }
    }

    async fn hello(&self, stream: &mut TlsStream<TcpStream>) -> Result<Known, NotEstablished> {
        let shown = Shown::of(stream.get_ref().1)?;
        let hello = Hello {
            own: &self.config.name,
            shown: &shown,
            verify_name: verifies_names(&self.channel),
        };
        let name = timeout(self.config.limits.hello_time_max, hello.dial(stream))
            .await
            .map_err(|_| NotEstablished::TimedOut { step: "hello" })??;
        Ok((name, shown.certificate))
    }
}
