//! The Query API: statements and transactions over HTTP.
//!
//! INVARIANT: every path asks who is there before it looks at anything else; a statement runs on a thread that may block; an answer
//! that does not fit into the buffer is sent while it is made, no faster than its client takes it, and stops when the client goes.

mod answer;
mod authorization;
mod body;
mod failure;
mod integers;
mod json;
mod media;
mod notifications;
mod plan_description;
mod producer;
mod read_json;
mod request;
mod run;
mod temporal;
mod transactions;
mod typed;
mod write_value;

pub(crate) use self::media::FORMATS;
pub(crate) use self::notifications::CATEGORIES as NOTIFICATION_CATEGORIES;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use bastide_database::{Dbms, Session};
use bastide_status::{Code, Status};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::answer::AnswerWriter;
use self::authorization::Doorkeeper;
use self::failure::Failure;
use self::media::{Format, PLAIN};
use self::request::QueryRequest;
use self::transactions::Transactions;
use crate::config::{QueryConfig, QueryLimits};
use crate::peer::Peer;

/// The versions of typed JSON that are spoken.
pub(crate) const VERSIONS: [&str; 2] = ["1.0", "1.1"];
/// Where statements are sent.
pub(crate) const PATH: &str = "/db/{databaseName}/query/v2";
/// A larger request is read on a thread that may block.
const INLINE_BODY_BYTES_MAX: usize = 64 * 1024;
/// How long statements that were told to end may take to do so when the server stops.
const END_TIME: Duration = Duration::from_secs(2);

/// What all requests share.
pub(crate) struct QueryApi {
    dbms: Arc<Dbms>,
    doorkeeper: Doorkeeper,
    limits: QueryLimits,
    /// Statements that may run at one time.
    places: Arc<Semaphore>,
    transactions: Arc<Transactions>,
}

/// What a path and its method ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// A statement in a transaction of its own.
    Run,
    /// A transaction.
    Open,
    /// A statement in an open transaction.
    RunIn,
    /// The end of a transaction.
    Commit,
    /// The end of a transaction, without a trace.
    RollBack,
}

impl QueryApi {
    /// Ready for requests. Must be called on a runtime: expired transactions are looked for in the background.
    pub(crate) fn new(config: &QueryConfig) -> Arc<Self> {
        let limits = config.limits;
        let transactions = Transactions::new(limits.transactions_max, limits.transaction_idle_timeout);
        tokio::spawn(Transactions::expire_now_and_then(Arc::downgrade(&transactions)));
        Arc::new(Self {
            dbms: Arc::clone(&config.dbms),
            doorkeeper: Doorkeeper::new(config),
            places: Arc::new(Semaphore::new(limits.statements_max.min(Semaphore::MAX_PERMITS))),
            transactions,
            limits,
        })
    }

    /// Rolls open transactions back, and gives running statements `grace` to end.
    pub(crate) async fn stop(&self, grace: Duration) {
        let transactions = Arc::clone(&self.transactions);
        // Rolling back may block; a panic in there is logged by its own hook.
        let _closed = tokio::task::spawn_blocking(move || transactions.close()).await;
        let all = u32::try_from(self.limits.statements_max).unwrap_or(u32::MAX);
        if timeout(grace, self.places.acquire_many(all)).await.is_err() {
            self.dbms.terminate_transactions();
            // What does not end now is cut off when the runtime ends.
            let _ = timeout(END_TIME, self.places.acquire_many(all)).await;
        }
    }

    /// The paths.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        let serve = |route: Route| {
            move |State(api): State<Arc<Self>>,
                  path: Result<RawPathParams, RawPathParamsRejection>,
                  request: Request| async move { answer(api, route, path, request).await }
        };
        Router::new()
            .route(PATH, post(serve(Route::Run)))
            .route(&format!("{PATH}/tx"), post(serve(Route::Open)))
            .route(
                &format!("{PATH}/tx/{{transactionId}}"),
                post(serve(Route::RunIn)).delete(serve(Route::RollBack)),
            )
            .route(
                &format!("{PATH}/tx/{{transactionId}}/commit"),
                post(serve(Route::Commit)),
            )
            .with_state(Arc::clone(self))
    }
}

/// What the head of a request told.
struct Asked {
    route: Route,
    session: Session,
    format: Format,
    database: String,
    transaction: String,
}

async fn answer(
    api: Arc<QueryApi>,
    route: Route,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let mut format = PLAIN;
    match try_answer(&api, route, path, request, &mut format).await {
        Ok(response) => response,
        Err(failure) => failed(&failure, format),
    }
}

async fn try_answer(
    api: &Arc<QueryApi>,
    route: Route,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    format: &mut Format,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let peer = head
        .extensions
        .get::<Peer>()
        .ok_or_else(|| Status::new(Code::UnknownError, "the connection is unknown"))?;
    let session = api.doorkeeper.log_in(&head.headers, peer).await?;
    *format = media::answer_format(&head.headers)?;
    let (database, transaction) = names(path)?;
    let asked = Asked {
        route,
        session,
        format: *format,
        database,
        transaction,
    };
    if route == Route::RollBack {
        return run::roll_back(api, asked).await;
    }
    let place = Arc::clone(&api.places).try_acquire_owned().map_err(|_| {
        let message = format!(
            "{} statements are running over HTTP, the most that may",
            api.limits.statements_max
        );
        Status::new(Code::TooManyRequests, message).with_advice("try again")
    })?;
    let body = body::read(&head.headers, body, &api.limits).await?;
    let request = read_request(api, &head.headers, body).await?;
    run::run(api, asked, request, place, Instant::now()).await
}

/// The names in a path, decoded.
fn names(path: Result<RawPathParams, RawPathParamsRejection>) -> Result<(String, String), Failure> {
    let path = path.map_err(|_| Failure::format(StatusCode::BAD_REQUEST, "the path is not in UTF-8"))?;
    let name = |wanted: &str| {
        let found = path.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    Ok((name("databaseName"), name("transactionId")))
}

async fn read_request(api: &Arc<QueryApi>, headers: &HeaderMap, body: Vec<u8>) -> Result<QueryRequest, Failure> {
    if body.is_empty() {
        return Ok(QueryRequest::default());
    }
    let is_typed = media::has_typed_parameters(headers)?;
    let limits = api.limits;
    if body.len() <= INLINE_BODY_BYTES_MAX {
        return request::read(&body, is_typed, &limits);
    }
    tokio::task::spawn_blocking(move || request::read(&body, is_typed, &limits))
        .await
        .map_err(|_| Failure::from(Status::new(Code::UnknownError, "the request could not be read")))?
}

/// An answer that is complete.
fn whole(status: StatusCode, format: Format, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(format.name));
    response
}

/// An answer that is nothing but an error.
fn failed(failure: &Failure, format: Format) -> Response {
    let mut out = Vec::new();
    AnswerWriter::new(format).error(&mut out, failure);
    let mut response = whole(failure.http, format, out);
    let headers = response.headers_mut();
    match failure.http {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(authorization::CHALLENGE));
        }
        // What is left of such a body is not waited for.
        StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}
