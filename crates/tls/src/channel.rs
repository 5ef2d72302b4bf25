//! Channels in operation: one generation of policies for all of them, replaced as a whole, and the handshakes made under it.
//!
//! INVARIANT: a reload publishes all policies or none, and no handshake sees policies of two generations. A resumed session is
//! judged as a new one is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustls::{CommonState, HandshakeKind};
use rustls_pki_types::{ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::fault::PolicyFaults;
use crate::handshake::{FailureReason, HandshakeFailure, HandshakeLog, HandshakeStatistics, Handshakes};
use crate::ocsp::StapleStatus;
use crate::peer::PeerCertificate;
use crate::policy::{ClientAuthentication, Policy, PolicyConfig};
use crate::verify::Usage;
use crate::verify::refusal::with_reasons;

/// The policies that are in force together.
#[derive(Debug)]
struct Generation {
    number: u64,
    policies: BTreeMap<&'static str, Arc<Policy>>,
}

/// What is done with policies that are about to be in force.
pub(crate) type BeforePublishing = Box<dyn Fn(&BTreeMap<&'static str, Arc<Policy>>) + Send + Sync>;

#[derive(Default)]
struct Preparation(Mutex<Option<BeforePublishing>>);

impl std::fmt::Debug for Preparation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Preparation")
    }
}

/// All channels of a process.
#[derive(Debug)]
pub struct Channels {
    current: Arc<ArcSwap<Generation>>,
    channels: BTreeMap<&'static str, Arc<Channel>>,
    /// One reload at a time, so that the later one wins.
    reloading: Mutex<()>,
    preparation: Preparation,
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Files that cannot be used, of any of the channels.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Policies(Vec<PolicyFaults>),
    /// The policies given are not those of the running channels.
    #[error("the running channels are {running}, and the policies given are for {given}")]
    OtherChannels {
        /// Scopes that run, comma-separated.
        running: String,
        /// Scopes given, comma-separated.
        given: String,
    },
}

impl Channels {
    /// Reads the policies of all channels; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// What is wrong with each policy that cannot be used.
    pub fn load(configs: Vec<PolicyConfig>, now: i64) -> Result<Self, Vec<PolicyFaults>> {
        let policies = load_all(configs, now)?;
        let scopes: Vec<_> = policies.keys().copied().collect();
        let current = Arc::new(ArcSwap::from_pointee(Generation { number: 1, policies }));
        let channels = scopes
            .into_iter()
            .map(|scope| (scope, Arc::new(Channel::new(scope, Arc::clone(&current)))))
            .collect();
        Ok(Self {
            current,
            channels,
            reloading: Mutex::new(()),
            preparation: Preparation::default(),
        })
    }

    /// The channel of a scope, if it has TLS.
    pub fn channel(&self, scope: &str) -> Option<&Arc<Channel>> {
        self.channels.get(scope)
    }

    /// All channels, by scope.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.channels.values()
    }

    /// The policies in force, by scope.
    pub(crate) fn policies(&self) -> BTreeMap<&'static str, Arc<Policy>> {
        self.current.load().policies.clone()
    }

    /// Has reloads call `prepare` with their policies before these are in force; not during one that is under way.
    pub(crate) fn before_publishing(&self, prepare: Option<BeforePublishing>) {
        *self.preparation.0.lock().unwrap_or_else(PoisonError::into_inner) = prepare;
    }

    /// Counts the times that policies were put in force; 1 from the start.
    pub fn generation(&self) -> u64 {
        self.current.load().number
    }

    /// Reads the policies of all channels again and puts them in force together. Returns the number of the generation.
    ///
    /// Blocks its thread while files are read, and with a [`Stapler`](crate::Stapler) while OCSP responders are asked about new
    /// certificates, which takes some seconds at most.
    ///
    /// # Errors
    /// Everything that is wrong; whatever was in force stays so.
    pub fn reload(&self, configs: Vec<PolicyConfig>, now: i64) -> Result<u64, ReloadError> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let policies = load_all(configs, now).map_err(ReloadError::Policies)?;
        if !policies.keys().eq(self.channels.keys()) {
            return Err(ReloadError::OtherChannels {
                running: joined(self.channels.keys()),
                given: joined(policies.keys()),
            });
        }
        if let Some(prepare) = &*self.preparation.0.lock().unwrap_or_else(PoisonError::into_inner) {
            prepare(&policies);
        }
        let number = self.current.load().number + 1;
        self.current.store(Arc::new(Generation { number, policies }));
        Ok(number)
    }
}

fn joined<'a>(scopes: impl Iterator<Item = &'a &'static str>) -> String {
    scopes.copied().collect::<Vec<_>>().join(", ")
}

fn load_all(configs: Vec<PolicyConfig>, now: i64) -> Result<BTreeMap<&'static str, Arc<Policy>>, Vec<PolicyFaults>> {
    let mut policies = BTreeMap::new();
    let mut faults = Vec::new();
    for config in configs {
        match Policy::load(config, now) {
            Ok(policy) => {
                policies.insert(policy.config().scope, Arc::new(policy));
            }
            Err(found) => faults.push(found),
        }
    }
    if faults.is_empty() { Ok(policies) } else { Err(faults) }
}

/// One channel: what accepts and dials its connections, and what became of them.
#[derive(Debug)]
pub struct Channel {
    scope: &'static str,
    current: Arc<ArcSwap<Generation>>,
    handshakes: Handshakes,
    log: HandshakeLog,
}

impl Channel {
    fn new(scope: &'static str, current: Arc<ArcSwap<Generation>>) -> Self {
        Self {
            scope,
            current,
            handshakes: Handshakes::default(),
            log: HandshakeLog::default(),
        }
    }

    /// A channel on its own, for tools that have one policy and never reload.
    pub fn of(policy: Policy) -> Arc<Self> {
        let scope = policy.config().scope;
        let policies = BTreeMap::from([(scope, Arc::new(policy))]);
        Arc::new(Self::new(
            scope,
            Arc::new(ArcSwap::from_pointee(Generation { number: 1, policies })),
        ))
    }

    /// `bolt`, `https`, `cluster` or `backup`.
    pub fn scope(&self) -> &'static str {
        self.scope
    }

    /// The policy in force now; `None` cannot happen to a channel of [`Channels`].
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.current.load().policies.get(self.scope).cloned()
    }

    /// What OCSP response is stapled to its certificate.
    pub fn staple_status(&self) -> StapleStatus {
        let policy = self.policy();
        policy.map_or_else(StapleStatus::default, |policy| (*policy.presented.status()).clone())
    }

    /// Makes a handshake as server, within `limit`.
    ///
    /// # Errors
    /// Why there is no connection; it was counted, and logged if that is switched on.
    pub async fn accept<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        limit: Duration,
    ) -> Result<tokio_rustls::server::TlsStream<S>, HandshakeFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let made = match self.policy() {
            Some(policy) => {
                // Boxed once, else each layer around it holds room for a connection of its own, which is some kilobytes.
                let accepting = Box::pin(TlsAcceptor::from(Arc::clone(policy.server_config())).accept(stream));
                let made = flattened(with_reasons(tokio::time::timeout(limit, accepting)).await);
                made.and_then(|stream| {
                    judge_resumed(&policy, stream.get_ref().1)?;
                    Ok(stream)
                })
            }
            None => Err(HandshakeFailure::no_policy()),
        };
        let connection = made.as_ref().map(|stream| -> &CommonState { stream.get_ref().1 });
        self.handshakes.count(&connection);
        self.log
            .write(self.scope, "accepted", peer, &connection, Instant::now());
        made
    }

    /// Makes a handshake as client with `host`, a DNS name or an address, within `limit`.
    ///
    /// # Errors
    /// Why there is no connection; it was counted, and logged if that is switched on.
    pub async fn connect<S>(
        &self,
        stream: S,
        host: &str,
        peer: SocketAddr,
        limit: Duration,
    ) -> Result<tokio_rustls::client::TlsStream<S>, HandshakeFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let made = match (self.policy(), ServerName::try_from(host.to_owned())) {
            (Some(policy), Ok(name)) => {
                let connecting = TlsConnector::from(Arc::clone(policy.client_config())).connect(name, stream);
                flattened(with_reasons(tokio::time::timeout(limit, connecting)).await)
            }
            (Some(_), Err(_)) => Err(HandshakeFailure::bad_host(host)),
            (None, _) => Err(HandshakeFailure::no_policy()),
        };
        let connection = made.as_ref().map(|stream| -> &CommonState { stream.get_ref().1 });
        self.handshakes.count(&connection);
        self.log.write(self.scope, "dialled", peer, &connection, Instant::now());
        made
    }

    /// Judges a client's certificate again, by the policy that is in force now; `now` is in seconds since 1970. Since the
    /// handshake it may have expired or been revoked, and whoever relies on it for more than the connection must know.
    ///
    /// # Errors
    /// Why it is not believed. Under `trust_all`, and where no certificate is asked for, none is.
    pub fn judge_client(&self, certificate: &PeerCertificate, now: i64) -> Result<(), HandshakeFailure> {
        let policy = self.policy().ok_or_else(HandshakeFailure::no_policy)?;
        let unverified = |why| Err(HandshakeFailure::new(FailureReason::UnknownIssuer, why));
        if policy.config().trust_all {
            return unverified("certificates are not verified (trust_all)");
        }
        if policy.config().client_authentication == ClientAuthentication::None {
            return unverified("certificates are not asked for any more");
        }
        let Some((leaf, above)) = certificate.shown() else {
            return Err(HandshakeFailure::new(FailureReason::NoCertificate, ""));
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
        policy.trust.judge(leaf, above, now, Usage::Client).map(|_| ())
    }

    /// What became of the handshakes so far.
    pub fn statistics(&self) -> HandshakeStatistics {
        self.handshakes.read()
    }

    /// Logs every handshake for as long as `time` from `now`; zero ends it.
    pub fn log_handshakes(&self, now: Instant, time: Duration) {
        self.log.switch_on(now, time);
    }
}

/// A handshake's outcome, or that it took too long; and why this side refused the other, if it did.
type Outcome<T> = (
    Result<std::io::Result<T>, tokio::time::error::Elapsed>,
    Option<HandshakeFailure>,
);

fn flattened<T>((made, refused): Outcome<T>) -> Result<T, HandshakeFailure> {
    match made {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(refused.unwrap_or_else(|| HandshakeFailure::from_io(&error))),
        Err(_) => Err(HandshakeFailure::timed_out()),
    }
}

/// A resumed session brings the client's certificate of its first handshake along, and the library does not look at it again:
/// it, an authority above it or a revocation list may have expired since.
fn judge_resumed(policy: &Policy, connection: &CommonState) -> Result<(), HandshakeFailure> {
    if connection.handshake_kind() != Some(HandshakeKind::Resumed) {
        return Ok(());
    }
    match connection.peer_certificates() {
        Some([leaf, above @ ..]) => policy
            .trust
            .judge(leaf, above, UnixTime::now(), Usage::Client)
            .map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
