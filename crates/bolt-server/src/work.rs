//! Statements and transactions: RUN, PULL, DISCARD, BEGIN, COMMIT, ROLLBACK, ROUTE.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bastide_bolt::{
    AfterPull, Dialect, NotificationFilter, Pull, Route, Run, State, TransactionExtra, WireValue, record_header,
    write_message,
};
use bastide_model::Value;
use bastide_status::{Code, Status};
use tokio::task::block_in_place;

use crate::backend::{
    AccessMode, BatchOutcome, EntityView, ResultStream, RoutingRequest, RowSink, Session, SinkOutcome, Transaction,
    TransactionOptions,
};
use crate::metadata::{self, Pairs, StreamShape};
use crate::worker::{Stop, Worker};
use crate::{from_wire, to_wire};

/// The number of an auto-commit statement's stream, which is never named on the wire.
const AUTO_COMMIT: i64 = 0;

/// What a session has open. Streams are dropped before the transaction they belong to.
#[derive(Default)]
pub(crate) struct Work {
    streams: BTreeMap<i64, OpenStream>,
    transaction: Option<Box<dyn Transaction>>,
    next_query_id: i64,
    last_query_id: i64,
    notifications: NotificationFilter,
}

struct OpenStream {
    stream: Box<dyn ResultStream>,
    available: Instant,
    has_rows: bool,
}

/// How a PULL or DISCARD ended.
pub(crate) enum Pulled {
    More,
    Finished(Pairs),
    Failed(Status),
}

/// Why no more rows are made for now.
enum Filled {
    /// The batch is full.
    Batch,
    /// As many were made as were asked for.
    AllAskedFor,
    /// There are none left.
    Finished,
}

impl Work {
    /// Whether nothing is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.streams.is_empty() && self.transaction.is_none()
    }

    /// Drops everything that is open; a transaction is rolled back by that.
    pub(crate) fn reset(&mut self) {
        self.streams.clear();
        self.transaction = None;
    }

    fn open(&mut self, query_id: i64, stream: Box<dyn ResultStream>) {
        self.last_query_id = query_id;
        self.streams.insert(
            query_id,
            OpenStream {
                stream,
                available: Instant::now(),
                has_rows: false,
            },
        );
    }
}

impl Worker {
    /// RUN outside a transaction.
    pub(crate) fn run_auto_commit(&mut self, run: Run) -> Result<Pairs, Status> {
        let start = Instant::now();
        let parameters = from_wire::map(run.parameters)?;
        self.work.notifications = run.extra.notifications.clone();
        let options = self.options(run.extra)?;
        let session = session(&mut self.session)?;
        let stream = block_in_place(|| session.run_auto_commit(&run.statement, parameters, options))?;
        let pairs = self.running(start, stream.as_ref(), None);
        self.work.open(AUTO_COMMIT, stream);
        Ok(pairs)
    }

    /// RUN inside a transaction.
    pub(crate) fn run_in_transaction(&mut self, run: Run) -> Result<Pairs, Status> {
        let start = Instant::now();
        let parameters = from_wire::map(run.parameters)?;
        let transaction = self.work.transaction.as_mut().ok_or_else(no_transaction)?;
        let stream = block_in_place(|| transaction.run(&run.statement, parameters))?;
        let query_id = self.work.next_query_id;
        self.work.next_query_id += 1;
        let pairs = self.running(start, stream.as_ref(), Some(query_id));
        self.work.open(query_id, stream);
        Ok(pairs)
    }

    /// BEGIN.
    pub(crate) fn begin(&mut self, extra: TransactionExtra) -> Result<Pairs, Status> {
        self.work.notifications = extra.notifications.clone();
        let options = self.options(extra)?;
        let session = session(&mut self.session)?;
        let transaction = block_in_place(|| session.begin(options))?;
        let mut pairs = Pairs::new();
        if self.dialect.version().echoes_database() {
            pairs.push(("db", transaction.database().into()));
        }
        self.work.transaction = Some(transaction);
        self.work.next_query_id = 0;
        Ok(pairs)
    }

    /// COMMIT.
    pub(crate) fn commit(&mut self) -> Result<Pairs, Status> {
        self.work.streams.clear();
        let transaction = self.work.transaction.take().ok_or_else(no_transaction)?;
        let bookmark = block_in_place(|| transaction.commit())?;
        Ok(bookmark
            .into_iter()
            .map(|bookmark| ("bookmark", bookmark.into()))
            .collect())
    }

    /// ROLLBACK.
    pub(crate) fn rollback(&mut self) -> Result<Pairs, Status> {
        self.work.streams.clear();
        let transaction = self.work.transaction.take().ok_or_else(no_transaction)?;
        block_in_place(|| transaction.rollback())?;
        Ok(Pairs::new())
    }

    /// ROUTE.
    pub(crate) fn route(&mut self, route: Route) -> Result<Pairs, Status> {
        let context = WireValue::Map(route.context);
        let request = RoutingRequest {
            client_address: context.field("address").and_then(WireValue::as_str).map(str::to_owned),
            bookmarks: route.bookmarks,
            database: route.database,
            impersonated_user: route.impersonated_user,
        };
        let session = session(&mut self.session)?;
        let table = block_in_place(|| session.routing_table(request))?;
        Ok(vec![("rt", metadata::routing_table(&table))])
    }

    /// Sends (or drops) rows, one batch after the other, each taken by the client before the next but one is produced.
    pub(crate) async fn pull(&mut self, pull: Pull, keep: bool) -> Result<Pulled, Stop> {
        let query_id = pull.query_id.unwrap_or(self.work.last_query_id);
        let Some(mut open) = self.work.streams.remove(&query_id) else {
            return Ok(Pulled::Failed(Status::new(
                Code::InvalidRequest,
                format!("there is no result stream {query_id}"),
            )));
        };
        let mut left = pull.count.unwrap_or(u64::MAX);
        loop {
            match block_in_place(|| self.fill(&mut open, &mut left, keep)) {
                Err(status) => return Ok(Pulled::Failed(status)),
                Ok(Filled::Finished) => return Ok(self.finish(open)),
                Ok(Filled::AllAskedFor) => {
                    self.work.streams.insert(query_id, open);
                    return Ok(Pulled::More);
                }
                Ok(Filled::Batch) => self.send_behind().await?,
            }
        }
    }

    /// Makes rows until they fill a batch or there are no more to make. Blocks all the while: to come and go for each part of a
    /// batch would wake a thread each time, which costs more than the rows.
    fn fill(&mut self, open: &mut OpenStream, left: &mut u64, keep: bool) -> Result<Filled, Status> {
        loop {
            if self.control.is_interrupted() {
                return Err(Status::new(
                    Code::TransactionTerminated,
                    "the statement was interrupted",
                ));
            }
            let rows_max = usize::try_from(*left)
                .unwrap_or(usize::MAX)
                .min(self.config.limits.batch_rows_max);
            let mut sink = Batch {
                output: if keep { Some(&mut self.output) } else { None },
                dialect: self.dialect,
                bytes_max: self.config.limits.batch_bytes_max,
                rows: 0,
            };
            let outcome = open.stream.next_batch(rows_max, &mut sink);
            let rows = sink.rows;
            open.has_rows |= rows > 0;
            *left = left.saturating_sub(rows);
            match outcome? {
                BatchOutcome::Finished => return Ok(Filled::Finished),
                BatchOutcome::More if *left == 0 => return Ok(Filled::AllAskedFor),
                BatchOutcome::More if self.output.len() >= self.config.limits.batch_bytes_max => {
                    return Ok(Filled::Batch);
                }
                BatchOutcome::More => {}
            }
        }
    }

    /// Answers a PULL or DISCARD.
    pub(crate) fn pulled(&mut self, pulled: Pulled, after: AfterPull) -> State {
        match pulled {
            Pulled::More => {
                self.succeed(&[("has_more", true.into())]);
                after.has_more()
            }
            Pulled::Finished(pairs) => {
                self.succeed(&pairs);
                after.finished()
            }
            Pulled::Failed(status) => {
                self.fail(&status);
                after.failed()
            }
        }
    }

    fn finish(&mut self, open: OpenStream) -> Pulled {
        let shape = StreamShape {
            has_columns: !open.stream.columns().is_empty(),
            has_rows: open.has_rows,
        };
        let mut pairs: Pairs = vec![("db", open.stream.database().into())];
        match block_in_place(|| open.stream.finish()) {
            Ok(summary) => {
                let filters = [&self.work.notifications, &self.session_notifications];
                pairs.push(("t_last", milliseconds_since(open.available)));
                metadata::summary(&summary, shape, self.dialect.version(), filters, &mut pairs);
                Pulled::Finished(pairs)
            }
            Err(status) => Pulled::Failed(status),
        }
    }

    fn running(&self, start: Instant, stream: &dyn ResultStream, query_id: Option<i64>) -> Pairs {
        let fields: Vec<WireValue> = stream.columns().iter().map(|column| column.as_str().into()).collect();
        let mut pairs: Pairs = vec![("fields", fields.into()), ("t_first", milliseconds_since(start))];
        if let Some(query_id) = query_id {
            pairs.push(("qid", query_id.into()));
        }
        if self.dialect.version().echoes_database() {
            pairs.push(("db", stream.database().into()));
        }
        pairs
    }

    fn options(&self, extra: TransactionExtra) -> Result<TransactionOptions, Status> {
        Ok(TransactionOptions {
            database: extra.database,
            bookmarks: extra.bookmarks,
            timeout: extra.timeout_ms.map(Duration::from_millis),
            metadata: from_wire::map(extra.metadata)?,
            access_mode: if extra.read_only {
                AccessMode::Read
            } else {
                AccessMode::Write
            },
            impersonated_user: extra.impersonated_user,
            interrupt: self.control.interrupt(),
        })
    }
}

fn session(session: &mut Option<Box<dyn Session>>) -> Result<&mut Box<dyn Session>, Status> {
    session
        .as_mut()
        .ok_or_else(|| Status::new(Code::Unauthorized, "nobody is logged on"))
}

fn no_transaction() -> Status {
    Status::new(Code::TransactionNotFound, "there is no transaction")
}

fn milliseconds_since(start: Instant) -> WireValue {
    WireValue::Integer(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX))
}

/// One batch: rows go straight into the output as whole messages.
struct Batch<'a> {
    output: Option<&'a mut Vec<u8>>,
    dialect: Dialect,
    bytes_max: usize,
    rows: u64,
}

impl RowSink for Batch<'_> {
    fn row(&mut self, values: &[Value], entities: &dyn EntityView) -> Result<SinkOutcome, Status> {
        self.rows += 1;
        let Some(output) = &mut self.output else {
            return Ok(SinkOutcome::Continue);
        };
        let start = output.len();
        let mut result = Ok(());
        write_message(output, self.dialect, |writer| {
            record_header(writer, values.len());
            result = values
                .iter()
                .try_for_each(|value| to_wire::value(writer, value, entities));
        });
        if let Err(status) = result {
            // Half a row must not be sent.
            output.truncate(start);
            return Err(status);
        }
        Ok(if output.len() >= self.bytes_max {
            SinkOutcome::Full
        } else {
            SinkOutcome::Continue
        })
    }
}
