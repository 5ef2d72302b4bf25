//! Works a connection's requests off, one after the other, and answers them.
//!
//! Answers gather in one buffer that is sent when no request is waiting, or when a batch of rows is full: a client that stops
//! reading holds that batch and the next one, and stops the query there. INVARIANT: the buffer holds whole messages only.

use std::sync::Arc;
use std::time::Duration;

use bastide_bolt::{
    Action, Dialect, NOOP, NotificationFilter, Request, RequestKind, State, Step, WireValue, failure, ignored, success,
    write_message,
};
use bastide_status::{Code, Status};
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, timeout};
use zeroize::Zeroize;

use crate::backend::{Backend, ConnectionDetails, Session};
use crate::behind::{Behind, send};
use crate::config::Config;
use crate::control::Control;
use crate::events::RefusalReason;
use crate::metadata;
use crate::reader::Incoming;
use crate::reading::{OwnTask, Reading};
use crate::registry::{Phase, Registration};
use crate::transport::ByteStream;
use crate::work::Work;

/// The output buffer is given back when it has grown beyond this.
const OUTPUT_BYTES_KEPT: usize = 256 * 1024;
/// How long the end of a connection may wait to be said to a client that takes nothing.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// How a connection ended.
pub(crate) enum Ending {
    /// As it should.
    Orderly,
    /// For a fault of the client.
    Refused(RefusalReason),
}

/// The sending side, shared with the keep-alives.
pub(crate) type Output = Arc<Mutex<WriteHalf<Box<dyn ByteStream>>>>;

/// The working side of a connection.
pub(crate) struct Worker {
    pub(crate) config: Arc<Config>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) control: Arc<Control>,
    pub(crate) registration: Registration,
    pub(crate) details: ConnectionDetails,
    pub(crate) dialect: Dialect,
    pub(crate) reading: Reading,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    pub(crate) sending: Output,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) login_deadline: Instant,
    pub(crate) output: Vec<u8>,
    pub(crate) behind: Option<Behind>,
    pub(crate) session: Option<Box<dyn Session>>,
    pub(crate) work: Work,
    pub(crate) session_notifications: NotificationFilter,
    pub(crate) watchers: Watchers,
}

/// What ends the loop.
pub(crate) enum Stop {
    /// The client is gone, said goodbye, or the server stops.
    Orderly,
    /// The client broke the rules.
    Refused(RefusalReason),
}

impl Worker {
    /// Works until the connection ends.
    pub(crate) async fn run(mut self) -> Ending {
        let control = Arc::clone(&self.control);
        let mut phase = self.phase.clone();
        let stop = tokio::select! {
            biased;
            () = control.closed() => Stop::Orderly,
            // A server that was dropped without being stopped closes its connections too.
            _ = phase.wait_for(|phase| *phase == Phase::Closing) => Stop::Orderly,
            stop = self.requests() => stop,
        };
        self.watchers = Watchers::default();
        self.drop_work();
        self.session = None;
        self.behind = None;
        if !self.control.is_cut() {
            let goodbye = async { self.sending.lock().await.shutdown().await };
            let _ = timeout(GOODBYE_TIME, goodbye).await;
        }
        match stop {
            Stop::Orderly => Ending::Orderly,
            Stop::Refused(reason) => Ending::Refused(reason),
        }
    }

    async fn requests(&mut self) -> Stop {
        let mut state = State::after_handshake(self.dialect.version());
        loop {
            let step = match self.next().await {
                Ok(request) => {
                    if self.control.is_interrupted() {
                        state = state.interrupt();
                    }
                    state.accept(request)
                }
                Err(stop) => return stop,
            };
            let next = match step {
                Step::Perform(action) => self.perform(*action).await,
                Step::Ignore(state) => {
                    self.answer(ignored);
                    Ok(state)
                }
                Step::Close => Err(Stop::Orderly),
                Step::Refuse(violation) => Err(self
                    .refuse(Status::new(Code::InvalidRequest, violation.to_string()))
                    .await),
            };
            match next {
                Ok(State::Defunct(_)) => {
                    let _ = self.flush().await;
                    return Stop::Orderly;
                }
                Ok(next) => state = next,
                Err(stop) => return stop,
            }
            self.control.message_done(self.session.is_some());
        }
    }

    /// The next request; sends the answers first if none is waiting.
    async fn next(&mut self) -> Result<Request, Stop> {
        let incoming = match self.incoming.try_recv() {
            Ok(incoming) => incoming,
            Err(_) => {
                // What came together is answered together.
                self.reading.look().await;
                match self.incoming.try_recv() {
                    Ok(incoming) => incoming,
                    Err(_) => {
                        self.flush().await?;
                        self.control.set_busy(false);
                        self.wait().await?
                    }
                }
            }
        };
        self.control.set_busy(true);
        match incoming {
            Incoming::Message { mut bytes, .. } => {
                let request = Request::decode(&bytes, self.dialect);
                let kind = RequestKind::of_message(&bytes, self.dialect.version());
                if kind.is_none_or(RequestKind::carries_credentials) {
                    bytes.zeroize();
                }
                match request {
                    Ok(request) => Ok(request),
                    Err(error) => Err(self.refuse(Status::new(Code::InvalidFormat, error.to_string())).await),
                }
            }
            Incoming::Broken(RefusalReason::ProtocolError(reason)) => {
                Err(self.refuse(Status::new(Code::InvalidFormat, reason)).await)
            }
            Incoming::Broken(reason) => Err(Stop::Refused(reason)),
        }
    }

    async fn wait(&mut self) -> Result<Incoming, Stop> {
        let may_drain = self.work.is_idle();
        let mut phase = self.phase.clone();
        let draining = async {
            if !may_drain || phase.wait_for(|phase| *phase != Phase::Running).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let deadline = self.login_deadline;
        let waits_for_login = self.session.is_none();
        let ended = self.session.as_ref().map(|session| session.ended());
        tokio::select! {
            biased;
            incoming = self.reading.next(&mut self.incoming) => incoming.ok_or(Stop::Orderly),
            () = draining => Err(Stop::Orderly),
            () = ended_from_outside(ended) => Err(Stop::Orderly),
            () = tokio::time::sleep_until(deadline), if waits_for_login => Err(Stop::Refused(RefusalReason::LoginTimedOut)),
        }
    }

    async fn perform(&mut self, action: Action) -> Result<State, Stop> {
        if !matches!(
            action,
            Action::Hello(..) | Action::Logon(..) | Action::Logoff(_) | Action::Telemetry(..) | Action::Reset(_)
        ) {
            self.prepare_for_work();
        }
        let (result, after) = match action {
            Action::Hello(hello, after) => (self.hello(hello).await, after),
            Action::Logon(token, after) => (self.logon(token).await, after),
            Action::Logoff(after) => {
                self.log_off();
                (Ok(Vec::new()), after)
            }
            Action::Telemetry(_, after) => (Ok(Vec::new()), after),
            Action::Reset(after) => {
                self.drop_work();
                self.control.reset_reached();
                (Ok(Vec::new()), after)
            }
            Action::RunAutoCommit(run, after) => (self.run_auto_commit(run), after),
            Action::RunInTransaction(run, after) => (self.run_in_transaction(run), after),
            Action::Begin(extra, after) => (self.begin(extra), after),
            Action::Commit(after) => (self.commit(), after),
            Action::Rollback(after) => (self.rollback(), after),
            Action::Route(route, after) => (self.route(route), after),
            Action::Pull(pull, after) => {
                let result = self.pull(pull, true).await?;
                return Ok(self.pulled(result, after));
            }
            Action::Discard(pull, after) => {
                let result = self.pull(pull, false).await?;
                return Ok(self.pulled(result, after));
            }
        };
        Ok(match result {
            Ok(pairs) => {
                self.succeed(&pairs);
                after.succeeded()
            }
            Err(status) => {
                self.fail(&status);
                after.failed()
            }
        })
    }

    /// Drops what is open, which may block: a transaction is rolled back.
    fn drop_work(&mut self) {
        if !self.work.is_idle() {
            tokio::task::block_in_place(|| self.work.reset());
        }
    }

    /// Before work that may take long: from here on others must see a RESET, the end of the session and that of the server, as
    /// this task is not polled meanwhile.
    fn prepare_for_work(&mut self) {
        if self.reading.set_apart() {
            let control = Arc::clone(&self.control);
            self.watchers.end_of_server = Some(OwnTask::start(close_with_server(self.phase.clone(), control)));
            if let Some(interval) = self.config.keep_alive.filter(|interval| !interval.is_zero()) {
                let (sending, control) = (Arc::clone(&self.sending), Arc::clone(&self.control));
                self.watchers.keep_alive = Some(OwnTask::start(keep_alive(sending, control, interval)));
            }
        }
        if let (None, Some(session)) = (&self.watchers.end_of_session, &self.session) {
            let (ended, control) = (session.ended(), Arc::clone(&self.control));
            let watch = async move {
                ended_from_outside(Some(ended)).await;
                control.close();
            };
            self.watchers.end_of_session = Some(OwnTask::start(watch));
        }
    }

    /// Appends one answer.
    pub(crate) fn answer(&mut self, write: impl FnOnce(&mut bastide_bolt::Writer<'_>)) {
        write_message(&mut self.output, self.dialect, write);
    }

    pub(crate) fn succeed(&mut self, pairs: &[(&'static str, WireValue)]) {
        self.answer(|writer| success(writer, pairs));
    }

    /// Answers with a failure; open work is dropped, as the protocol wants it.
    pub(crate) fn fail(&mut self, status: &Status) {
        self.drop_work();
        let failed = metadata::failure(status);
        self.answer(|writer| failure(writer, &failed));
    }

    /// Answers a breach of the protocol and ends the connection.
    async fn refuse(&mut self, status: Status) -> Stop {
        self.fail(&status);
        let _ = self.flush().await;
        Stop::Refused(RefusalReason::ProtocolError(status.client_message()))
    }

    /// Sends what has gathered and waits until the client's side took it.
    pub(crate) async fn flush(&mut self) -> Result<(), Stop> {
        self.sent_behind().await?;
        if self.output.is_empty() {
            return Ok(());
        }
        send(&self.sending, &self.output, self.config.limits.write_timeout)
            .await
            .map_err(|_| Stop::Orderly)?;
        self.output.clear();
        self.output.shrink_to(OUTPUT_BYTES_KEPT);
        Ok(())
    }

    /// Begins to send what has gathered, once what was sent so before was taken.
    pub(crate) async fn send_behind(&mut self) -> Result<(), Stop> {
        let mut empty = self.sent_behind().await?;
        empty.shrink_to(OUTPUT_BYTES_KEPT);
        let bytes = std::mem::replace(&mut self.output, empty);
        self.behind = Some(Behind::start(&self.sending, bytes, self.config.limits.write_timeout));
        Ok(())
    }

    async fn sent_behind(&mut self) -> Result<Vec<u8>, Stop> {
        match self.behind.take() {
            Some(behind) => behind.finish().await.map_err(|_| Stop::Orderly),
            None => Ok(Vec::new()),
        }
    }
}

/// The tasks beside the worker.
#[derive(Default)]
pub(crate) struct Watchers {
    pub(crate) end_of_session: Option<OwnTask>,
    end_of_server: Option<OwnTask>,
    keep_alive: Option<OwnTask>,
}

/// Returns once the session is over from the server's side.
async fn ended_from_outside(ended: Option<watch::Receiver<Option<Status>>>) {
    // A sender that is gone means nothing: then nobody can end the session from outside.
    let is_over = match ended {
        Some(mut ended) => ended.wait_for(Option::is_some).await.is_ok(),
        None => false,
    };
    if !is_over {
        std::future::pending::<()>().await;
    }
}

/// Interrupts and closes a connection when the server no longer waits for it.
async fn close_with_server(mut phase: watch::Receiver<Phase>, control: Arc<Control>) {
    // A server that was dropped without being stopped closes its connections too.
    let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
    control.close();
}

/// Sends a NOOP every `interval` while a request is being worked on.
pub(crate) async fn keep_alive(sending: Output, control: Arc<Control>, interval: Duration) {
    let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
    loop {
        ticks.tick().await;
        if !control.is_busy() {
            continue;
        }
        // Whoever sends at this moment keeps the connection alive already.
        let Ok(mut sending) = sending.try_lock() else { continue };
        if sending.write_all(&NOOP).await.is_err() || sending.flush().await.is_err() {
            return;
        }
    }
}
