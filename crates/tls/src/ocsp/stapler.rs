//! The task that keeps the staples of a process fresh, and what it does in a reload.
//!
//! INVARIANT: a responder that is down, slow or lying delays a start or a reload for a bounded time and fails neither.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::answer::Answer;
use super::fetch::Fetch;
use super::inquiry::Inquiry;
use super::schedule::JITTER_MAX;
use super::slot::{RefreshFault, Slot};
use super::{RELOAD_WAIT, START_WAIT};
use crate::channel::Channels;
use crate::policy::Policy;
use crate::presented::seconds_now;

/// Looks at the clock at least this often, because it may have been put forward.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// Staples OCSP responses in some channels for as long as it lives.
#[derive(Debug)]
pub struct Stapler {
    channels: Arc<Channels>,
    staples: Arc<Staples>,
    task: JoinHandle<()>,
}

impl Stapler {
    /// Begins to staple in the channels of `scopes`, and waits for first answers for at most [`START_WAIT`].
    ///
    /// What fails is in the log and in [`Channel::staple_status`](crate::Channel::staple_status). Needs a runtime with I/O and time.
    pub async fn start(channels: Arc<Channels>, scopes: Vec<&'static str>, fetch: Arc<dyn Fetch>) -> Self {
        let staples = Arc::new(Staples::new(scopes, fetch));
        staples.adopt(&channels.policies(), seconds_now());
        let weak = Arc::downgrade(&staples);
        channels.before_publishing(Some(Box::new(move |policies| prepare(&weak, policies))));
        let mut refreshing = Staples::refresh_due(&staples, seconds_now());
        let first = async { while refreshing.join_next().await.is_some() {} };
        if tokio::time::timeout(START_WAIT, first).await.is_err() {
            tracing::warn!("OCSP responders are slow: starting without all staples");
        }
        let task = tokio::spawn(keep_fresh(Arc::clone(&staples), refreshing));
        Self {
            channels,
            staples,
            task,
        }
    }

    /// Asks all responders now, whatever the schedule says.
    pub fn refresh(&self) {
        let now = seconds_now();
        self.staples.slots().values_mut().for_each(|slot| slot.hurry(now));
        self.staples.wake.notify_one();
    }
}

impl Drop for Stapler {
    fn drop(&mut self) {
        self.task.abort();
        self.channels.before_publishing(None);
        self.staples.slots().values_mut().for_each(Slot::end);
    }
}

/// The slots of all stapled channels.
#[derive(Debug)]
pub(super) struct Staples {
    scopes: Vec<&'static str>,
    fetch: Arc<dyn Fetch>,
    slots: Mutex<BTreeMap<&'static str, Slot>>,
    wake: Notify,
}

type Policies = BTreeMap<&'static str, Arc<Policy>>;

impl Staples {
    pub(super) fn new(scopes: Vec<&'static str>, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            scopes,
            fetch,
            slots: Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, BTreeMap<&'static str, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves these policies from now on. Returns whether one of them has a new certificate with nothing to show.
    pub(super) fn adopt(&self, policies: &Policies, now: i64) -> bool {
        let mut slots = self.slots();
        let mut asking = false;
        for (scope, policy) in policies.iter().filter(|(scope, _)| self.scopes.contains(*scope)) {
            let before = slots.get(scope);
            let slot = Slot::of(policy, before, now);
            asking |= slot.is_bare() && slot.is_new_to(before);
            slots.insert(*scope, slot);
        }
        asking
    }

    /// Asks whatever is due at `now`.
    pub(super) fn refresh_due(staples: &Arc<Self>, now: i64) -> JoinSet<()> {
        let mut slots = staples.slots();
        let due = slots.iter_mut().filter_map(|(scope, slot)| {
            slot.expire(now);
            Some((*scope, slot.take_due(now)?))
        });
        let mut refreshing = JoinSet::new();
        for (scope, inquiry) in due {
            let staples = Arc::clone(staples);
            refreshing.spawn(async move { staples.refresh(scope, inquiry, seconds_now).await });
        }
        refreshing
    }

    /// Asks about one certificate; `clock` tells the time of the answer.
    pub(super) async fn refresh(&self, scope: &'static str, inquiry: Arc<Inquiry>, clock: impl Fn() -> i64) {
        let fetched = match inquiry.request() {
            Ok(request) => self.fetch.fetch(&inquiry.responder, request).await,
            Err(error) => return self.settle(scope, &inquiry, Err(error.into()), clock()),
        };
        let now = clock();
        let answered = fetched
            .map_err(RefreshFault::from)
            .and_then(|response| Ok(Answer::verify(response, &inquiry, now)?));
        self.settle(scope, &inquiry, answered, now);
    }

    fn settle(&self, scope: &str, inquiry: &Arc<Inquiry>, answered: Result<Answer, RefreshFault>, now: i64) {
        if let Some(slot) = self.slots().get_mut(scope) {
            slot.settle(inquiry, answered, now, jitter());
        }
    }

    /// For how long there is nothing to do.
    fn pause(&self, now: i64) -> Duration {
        let next = self.slots().values().map(Slot::next).min().unwrap_or(i64::MAX);
        let seconds = next.saturating_sub(now).max(1).unsigned_abs();
        Duration::from_secs(seconds).min(SLEEP_MAX)
    }
}

fn jitter() -> u16 {
    let mut bytes = [0; 2];
    // Without randomness all servers ask at the same time, which harms nobody but the responder.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u16::from_be_bytes(bytes) % (JITTER_MAX + 1)
}

async fn keep_fresh(staples: Arc<Staples>, mut refreshing: JoinSet<()>) {
    loop {
        while refreshing.join_next().await.is_some() {}
        let pause = staples.pause(seconds_now());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = staples.wake.notified() => {}
        }
        refreshing = Staples::refresh_due(&staples, seconds_now());
    }
}

/// Gives policies that are about to be in force what they staple.
fn prepare(staples: &Weak<Staples>, policies: &Policies) {
    let Some(staples) = staples.upgrade() else { return };
    let asking = staples.adopt(policies, seconds_now());
    if asking {
        refresh_within(&staples, RELOAD_WAIT);
    }
    staples.wake.notify_one();
}

/// Asks on a thread with a runtime of its own, because a reload may be called from anywhere: on a thread of the caller's
/// runtime, waiting for that runtime could wait for itself.
pub(super) fn refresh_within(staples: &Arc<Staples>, limit: Duration) {
    let staples = Arc::clone(staples);
    let (done, finished) = mpsc::sync_channel(1);
    let asking = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(async {
                let mut refreshing = Staples::refresh_due(&staples, seconds_now());
                while refreshing.join_next().await.is_some() {}
            }),
            Err(error) => tracing::warn!(%error, "no OCSP responder was asked in the reload"),
        }
        // The reload may have gone on without it.
        let _ = done.send(());
    };
    if let Err(error) = std::thread::Builder::new().name("ocsp-reload".to_owned()).spawn(asking) {
        tracing::warn!(%error, "no OCSP responder was asked in the reload");
        return;
    }
    if finished.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
        tracing::warn!("OCSP responders are slow: the reload goes on without all staples");
    }
}
