//! What the other side of a connection is shown: one certificate chain, with the newest OCSP response stapled to it.
//!
//! INVARIANT: a response is never shown after its end, whatever became of the task that renews it. Must not know where
//! responses come from or how they are verified.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::ocsp::StapleStatus;

/// A certificate to show, and a response to staple to it for some time.
#[derive(Debug)]
pub(crate) struct Presented {
    plain: Arc<CertifiedKey>,
    stapled: ArcSwap<Stapled>,
    status: ArcSwap<StapleStatus>,
}

#[derive(Debug)]
struct Stapled {
    key: Arc<CertifiedKey>,
    /// Seconds since 1970 from which on the response is not shown.
    until: i64,
}

impl Presented {
    pub(crate) fn new(certified: &Arc<CertifiedKey>) -> Self {
        let nothing = Stapled {
            key: Arc::clone(certified),
            until: i64::MIN,
        };
        Self {
            plain: Arc::clone(certified),
            stapled: ArcSwap::from_pointee(nothing),
            status: ArcSwap::from_pointee(StapleStatus::default()),
        }
    }

    /// Staples `response` (DER, already verified) from the next handshake on until `until` (seconds since 1970), or
    /// nothing.
    pub(crate) fn staple(&self, response: Option<(Vec<u8>, i64)>) {
        let (response, until) = response.map_or((None, i64::MIN), |(response, until)| (Some(response), until));
        let mut key = CertifiedKey::clone(&self.plain);
        key.ocsp = response;
        let key = Arc::new(key);
        self.stapled.store(Arc::new(Stapled { key, until }));
    }

    /// What is to be said of the stapling.
    pub(crate) fn tell(&self, status: StapleStatus) {
        self.status.store(Arc::new(status));
    }

    /// What was last said of the stapling.
    pub(crate) fn status(&self) -> Arc<StapleStatus> {
        self.status.load_full()
    }

    /// What is shown at `now`, in seconds since 1970.
    pub(crate) fn at(&self, now: i64) -> Arc<CertifiedKey> {
        let stapled = self.stapled.load();
        let shown = if now < stapled.until { &stapled.key } else { &self.plain };
        Arc::clone(shown)
    }
}

/// The time by the system's clock, in seconds since 1970.
pub(crate) fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(seconds_now()))
    }
}

impl ResolvesClientCert for Presented {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.plain.key.choose_scheme(schemes).map(|_| self.at(seconds_now()))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
