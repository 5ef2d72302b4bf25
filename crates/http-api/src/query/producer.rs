//! Runs one statement and writes its answer, on a thread that may block.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bastide_database::{Completion, ResultStream, RowVisitor, Session, VisitOutcome};
use bastide_execute::Statistics;
use bastide_model::{GraphRead, Value};
use bastide_plan::operator::Access;
use bastide_status::{Result, Status};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use super::answer::AnswerWriter;
use super::failure::Failure;
use super::media::Format;
use super::notifications::{self, Filter};
use super::transactions::CheckedOut;
use super::write_value::{ElementIds, Entities};
use super::{json, plan_description};

/// Rows that are asked for at once.
const BATCH_ROWS_MAX: usize = 1_024;

/// What happens to the transaction at the end of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It ends with the statement.
    Implicit,
    /// It waits for the next request.
    Keep,
    /// It is committed.
    Commit,
}

/// What the answer tells beside the rows.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Of whose places notifications speak.
    pub(crate) statement: String,
    /// Which of them are wanted.
    pub(crate) notifications: Filter,
    /// Whether changes are counted.
    pub(crate) include_counters: bool,
}

/// A statement whose answer is being written.
pub(crate) struct Producer {
    answer: AnswerWriter,
    stream: Option<ResultStream>,
    ids: ElementIds,
    transaction: Option<CheckedOut>,
    ending: Ending,
    told: Told,
    opened: Instant,
    available_ms: u64,
    _session: Session,
    _place: OwnedSemaphorePermit,
}

/// Whether there is more to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There may be.
    More,
    /// The answer is complete.
    Done,
}

/// What a producer is made of.
pub(crate) struct Parts {
    pub(crate) format: Format,
    pub(crate) session: Session,
    pub(crate) place: OwnedSemaphorePermit,
    pub(crate) transaction: Option<CheckedOut>,
    pub(crate) ending: Ending,
    pub(crate) told: Told,
    /// When the request was ready to run.
    pub(crate) asked: Instant,
}

impl Producer {
    /// Begins the answer of `stream`; without one there are no rows.
    pub(crate) fn new(parts: Parts, stream: Option<ResultStream>, out: &mut Vec<u8>) -> Self {
        let mut answer = AnswerWriter::new(parts.format);
        if let Some(stream) = &stream {
            answer.header(out, stream.columns());
        }
        let prefix = stream.as_ref().map(ResultStream::element_id_prefix).unwrap_or_default();
        Self {
            answer,
            ids: ElementIds::new(prefix),
            stream,
            transaction: parts.transaction,
            ending: parts.ending,
            told: parts.told,
            opened: Instant::now(),
            available_ms: milliseconds(parts.asked.elapsed()),
            _session: parts.session,
            _place: parts.place,
        }
    }

    /// Writes until there are `bytes_max`, or so much time went by, or all is written.
    ///
    /// # Errors
    /// What the client is told. The transaction is rolled back then, and nothing more can be written but the error.
    pub(crate) fn fill(
        &mut self,
        out: &mut Vec<u8>,
        bytes_max: usize,
        time_max: Option<Duration>,
    ) -> std::result::Result<Progress, Failure> {
        let result = self.try_fill(out, bytes_max, time_max);
        if result.is_err() {
            self.stream = None;
            self.transaction = None;
        }
        result.map_err(Failure::from)
    }

    fn try_fill(&mut self, out: &mut Vec<u8>, bytes_max: usize, time_max: Option<Duration>) -> Result<Progress> {
        let began = Instant::now();
        while let Some(stream) = &mut self.stream {
            let mut rows = Rows {
                answer: &mut self.answer,
                ids: &self.ids,
                out,
                bytes_max,
                ends: time_max.map(|time_max| began + time_max),
                taken: 0,
            };
            if !stream.next_batch(BATCH_ROWS_MAX, &mut rows)? {
                break;
            }
            if out.len() >= bytes_max || time_max.is_some_and(|time_max| began.elapsed() >= time_max) {
                return Ok(Progress::More);
            }
        }
        self.end(out)?;
        Ok(Progress::Done)
    }

    /// Ends the answer with an error.
    pub(crate) fn write_error(&self, out: &mut Vec<u8>, failure: &Failure) {
        self.answer.error(out, failure);
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let database = self.stream.as_ref().map(|stream| stream.database().to_owned());
        let completion = self.stream.take().map(ResultStream::finish).transpose()?;
        let consumed_ms = milliseconds(self.opened.elapsed());
        let mut bookmark = completion.as_ref().and_then(|completion| completion.bookmark.clone());
        let mut open = None;
        match (self.ending, self.transaction.take()) {
            (Ending::Keep, Some(transaction)) => {
                open = Some((transaction.id(), transaction.idle_timeout()));
                transaction.keep()?;
            }
            (Ending::Commit, Some(transaction)) => bookmark = Some(transaction.commit()?),
            _ => {}
        }
        self.answer.summary(out, |out| {
            if let Some(completion) = &completion {
                self.write_completion(out, completion, database.as_deref().unwrap_or_default(), consumed_ms);
            }
            if self.ending != Ending::Keep {
                json::key(out, "bookmarks");
                json::list(out, &bookmark, |out, bookmark| json::write(out, bookmark.as_str()));
            }
            if let Some((id, idle_timeout)) = &open {
                write_open(out, id, *idle_timeout);
            }
        });
        Ok(())
    }

    fn write_completion(&self, out: &mut Vec<u8>, completion: &Completion, database: &str, consumed_ms: u64) {
        if self.told.include_counters {
            write_counters(out, &completion.statistics);
        }
        if let Some(plan) = &completion.plan {
            notifications::write(out, plan, &self.told.statement, &self.told.notifications);
            plan_description::write(out, plan, completion.profile.as_deref(), database);
        }
        json::key(out, "queryType");
        json::write(
            out,
            match completion.access {
                Access::Read => "r",
                Access::ReadWrite => "rw",
                Access::Write => "w",
                Access::Schema => "s",
            },
        );
        json::key(out, "resultAvailableAfter");
        json::write(out, &self.available_ms);
        json::key(out, "resultConsumedAfter");
        json::write(out, &consumed_ms);
    }
}

/// Writes the id of an open transaction, and when it is rolled back unless a request comes.
fn write_open(out: &mut Vec<u8>, id: &Arc<str>, idle_timeout: Duration) {
    let idle_timeout = SignedDuration::try_from(idle_timeout).unwrap_or(SignedDuration::MAX);
    let expires = Timestamp::now().saturating_add(idle_timeout).unwrap_or(Timestamp::MAX);
    json::key(out, "transaction");
    out.push(b'{');
    json::key(out, "id");
    json::write(out, id.as_ref());
    json::key(out, "expires");
    json::write(out, &format!("{expires:.0}"));
    out.push(b'}');
}

fn write_counters(out: &mut Vec<u8>, statistics: &Statistics) {
    json::key(out, "counters");
    out.push(b'{');
    json::key(out, "containsUpdates");
    json::write(out, &statistics.contains_updates());
    for (name, count) in [
        ("nodesCreated", statistics.nodes_created),
        ("nodesDeleted", statistics.nodes_deleted),
        ("propertiesSet", statistics.properties_set),
        ("relationshipsCreated", statistics.relationships_created),
        ("relationshipsDeleted", statistics.relationships_deleted),
        ("labelsAdded", statistics.labels_added),
        ("labelsRemoved", statistics.labels_removed),
        ("indexesAdded", statistics.indexes_added),
        ("indexesRemoved", statistics.indexes_removed),
        ("constraintsAdded", statistics.constraints_added),
        ("constraintsRemoved", statistics.constraints_removed),
        ("systemUpdates", statistics.system_updates),
    ] {
        json::key(out, name);
        json::write(out, &count);
    }
    json::key(out, "containsSystemUpdates");
    json::write(out, &(statistics.system_updates > 0));
    out.push(b'}');
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Rows<'a> {
    answer: &'a mut AnswerWriter,
    ids: &'a ElementIds,
    out: &'a mut Vec<u8>,
    bytes_max: usize,
    /// When what there is should be sent.
    ends: Option<Instant>,
    taken: usize,
}

/// How many rows are taken between two looks at the clock. Rows that come slowly come in small batches.
const ROWS_PER_LOOK: usize = 16;

impl RowVisitor for Rows<'_> {
    fn visit(&mut self, row: &[Value], graph: &dyn GraphRead) -> std::result::Result<VisitOutcome, Status> {
        self.answer.row(self.out, row, &Entities { graph, ids: self.ids })?;
        let is_time = self.taken.is_multiple_of(ROWS_PER_LOOK) && self.ends.is_some_and(|ends| Instant::now() >= ends);
        self.taken += 1;
        Ok(if is_time || self.out.len() >= self.bytes_max {
            VisitOutcome::Full
        } else {
            VisitOutcome::Continue
        })
    }
}

/// The status of an answer without an error. Neo4j's, which counted on rows that come after it.
pub(crate) const SUCCESS: StatusCode = StatusCode::ACCEPTED;
