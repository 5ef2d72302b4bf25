//! From a request to its answer: opens the statement, makes the first part, and sends the rest as it comes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use bastide_database::{AccessMode, TransactionOptions};
use bastide_status::{Code, Status};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use super::body::{InterruptOnDrop, Piece, Streamed};
use super::failure::Failure;
use super::media::Format;
use super::producer::{Ending, Parts, Producer, Progress, SUCCESS, Told};
use super::request::{QueryRequest, TransactionType};
use super::transactions::{CheckedOut, Held};
use super::{Asked, QueryApi, Route, answer::AnswerWriter, whole};
use crate::config::QueryLimits;

/// Rows that come slowly are sent after this long.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// Pieces that wait for the client.
const PIECES_AHEAD: usize = 1;

/// The first part of an answer.
enum First {
    /// All of it.
    Whole(Vec<u8>),
    /// There is more to come.
    Begun(Vec<u8>, Box<Producer>),
}

/// Runs a request.
///
/// # Errors
/// What the client is told, as long as nothing was sent.
pub(super) async fn run(
    api: &Arc<QueryApi>,
    asked: Asked,
    request: QueryRequest,
    place: OwnedSemaphorePermit,
    since: Instant,
) -> Result<Response, Failure> {
    let format = asked.format;
    let limits = api.limits;
    let job = Job::new(api, asked, request)?;
    let mut interrupt = InterruptOnDrop::new(Arc::clone(&job.interrupt));
    // The statement goes on by itself if the client goes away meanwhile, until it notices the interrupt.
    let first = tokio::task::spawn_blocking(move || job.begin(place, since, &limits))
        .await
        .map_err(|_| broken())??;
    match first {
        First::Whole(out) => {
            interrupt.disarm();
            Ok(whole(SUCCESS, format, out))
        }
        First::Begun(out, producer) => {
            let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
            tokio::spawn(send_rest(producer, sender, limits));
            let body = Streamed::new(out, receiver, interrupt);
            Ok(whole(SUCCESS, format, Body::new(body)))
        }
    }
}

/// Rolls a transaction back.
///
/// # Errors
/// If it is not there, or another request has it.
pub(super) async fn roll_back(api: &Arc<QueryApi>, asked: Asked) -> Result<Response, Failure> {
    let transaction = api
        .transactions
        .check_out(&asked.transaction, asked.session.user(), &asked.database)?;
    tokio::task::spawn_blocking(move || drop(transaction))
        .await
        .map_err(|_| broken())?;
    let mut out = Vec::new();
    AnswerWriter::new(asked.format).summary(&mut out, |_| {});
    Ok(whole(StatusCode::OK, asked.format, out))
}

fn broken() -> Failure {
    Status::new(Code::UnknownError, "the statement could not be run").into()
}

/// What is to be run.
struct Job {
    asked: Asked,
    request: QueryRequest,
    transaction: Option<CheckedOut>,
    interrupt: Arc<AtomicBool>,
}

impl Job {
    /// Refuses what makes no sense here, and takes the transaction that the request runs in.
    fn new(api: &Arc<QueryApi>, asked: Asked, request: QueryRequest) -> Result<Self, Failure> {
        let user = asked.session.user();
        let mut interrupt = Arc::default();
        let transaction = match asked.route {
            Route::Run => {
                request.check_type(TransactionType::Implicit)?;
                if request.statement.is_none() {
                    return Err(Failure::invalid("`statement` is missing or empty"));
                }
                None
            }
            Route::Open => {
                request.check_type(TransactionType::Explicit)?;
                Some(api.transactions.reserve(user, &asked.database)?)
            }
            Route::RunIn | Route::Commit | Route::RollBack => {
                request.check_within_transaction()?;
                if request.impersonated_user.as_deref().is_some_and(|other| other != user) {
                    return Err(Status::new(Code::Forbidden, "impersonation is not available").into());
                }
                let mut transaction = api.transactions.check_out(&asked.transaction, user, &asked.database)?;
                let held = transaction.held()?;
                interrupt = Arc::clone(&held.interrupt);
                if request.access_mode.is_some_and(|mode| mode != held.access_mode) {
                    // The transaction is as it was: nothing ran in it.
                    transaction.keep()?;
                    return Err(Failure::invalid("the transaction was opened with another `accessMode`"));
                }
                Some(transaction)
            }
        };
        Ok(Self {
            asked,
            request,
            transaction,
            interrupt,
        })
    }

    /// Opens the statement and makes the first part of the answer. Blocks.
    fn begin(mut self, place: OwnedSemaphorePermit, since: Instant, limits: &QueryLimits) -> Result<First, Failure> {
        if self.asked.route == Route::Open {
            self.open()?;
        }
        let statement = self.request.statement.take();
        let stream = match (&statement, &mut self.transaction) {
            (None, _) => None,
            (Some(text), Some(transaction)) => {
                Some(transaction.held()?.transaction.run(text, &self.request.parameters)?)
            }
            (Some(text), None) => {
                let options = self.options();
                Some(self.asked.session.run(text, &self.request.parameters, options)?)
            }
        };
        let format = self.asked.format;
        let parts = Parts {
            format,
            session: self.asked.session,
            place,
            transaction: self.transaction,
            ending: match self.asked.route {
                Route::Run => Ending::Implicit,
                Route::Open | Route::RunIn => Ending::Keep,
                Route::Commit | Route::RollBack => Ending::Commit,
            },
            told: Told {
                statement: statement.unwrap_or_default(),
                notifications: self.request.notifications,
                include_counters: self.request.include_counters,
            },
            asked: since,
        };
        let mut out = Vec::new();
        let mut producer = Producer::new(parts, stream, &mut out);
        let (bytes_max, time_max) = first_part(format, limits);
        Ok(match producer.fill(&mut out, bytes_max, time_max)? {
            Progress::Done => First::Whole(out),
            Progress::More => First::Begun(out, Box::new(producer)),
        })
    }

    fn open(&mut self) -> Result<(), Failure> {
        let access_mode = self.request.access_mode.unwrap_or(AccessMode::Write);
        let options = self.options();
        let held = Held {
            transaction: self.asked.session.begin(options)?,
            interrupt: Arc::clone(&self.interrupt),
            access_mode,
        };
        if let Some(transaction) = &mut self.transaction {
            transaction.begin(held);
        }
        Ok(())
    }

    fn options(&mut self) -> TransactionOptions {
        let request = &mut self.request;
        TransactionOptions {
            database: Some(self.asked.database.clone()),
            bookmarks: std::mem::take(&mut request.bookmarks),
            timeout: request.execution_time_max,
            metadata: std::mem::take(&mut request.transaction_metadata),
            access_mode: request.access_mode.unwrap_or(AccessMode::Write),
            impersonated_user: request.impersonated_user.take(),
            interrupt: Arc::clone(&self.interrupt),
        }
    }
}

/// How much is made before anything is sent. Lines are for those who want the first rows soon; a document waits longer, so that an
/// error finds the status not yet sent.
fn first_part(format: Format, limits: &QueryLimits) -> (usize, Option<Duration>) {
    if format.lines {
        (limits.piece_bytes, Some(FLUSH_INTERVAL))
    } else {
        (limits.buffered_bytes_max, None)
    }
}

/// Makes one piece after the other, each once the client has taken the one before it.
async fn send_rest(mut producer: Box<Producer>, sender: mpsc::Sender<Piece>, limits: QueryLimits) {
    loop {
        let Ok((back, out, outcome)) = tokio::task::spawn_blocking(move || {
            let mut out = Vec::with_capacity(limits.piece_bytes);
            let outcome = producer.fill(&mut out, limits.piece_bytes, Some(FLUSH_INTERVAL));
            if let Err(failure) = &outcome {
                producer.write_error(&mut out, failure);
            }
            (producer, out, outcome)
        })
        .await
        else {
            return;
        };
        producer = back;
        let is_over = outcome.is_err() || matches!(outcome, Ok(Progress::Done));
        let piece = match Bytes::from(out) {
            bytes if is_over => Piece::Last(bytes),
            bytes => Piece::Bytes(bytes),
        };
        let is_sent = matches!(timeout(limits.write_timeout, sender.send(piece)).await, Ok(Ok(())));
        if is_over || !is_sent {
            break;
        }
    }
    // Rolls back what the client did not wait for, which may block.
    let _ended = tokio::task::spawn_blocking(move || drop(producer)).await;
}
