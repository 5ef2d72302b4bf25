//! `CALL { … } IN TRANSACTIONS`: groups of rows, each committed on its own.

use bastide_model::{Map, Value};
use bastide_plan::expression::Slot;
use bastide_plan::operator::OnError;
use bastide_status::{Code, Status};

use super::rows::Count;
use super::{Operate, Run, Shared, Stream, drain};
use crate::batch::{BATCH_ROWS, Batch};
use crate::evaluate::RowView;
use crate::statistics::Statistics;

/// Rows of a group unless the query says otherwise.
const ROWS_PER_TRANSACTION: usize = 1000;
/// How often a group that lost against another transaction is tried again.
const ATTEMPTS_MAX: u32 = 5;

/// An inner plan in transactions of its own.
pub(super) struct CallInTransactions {
    pub(super) input: Stream,
    pub(super) inner: Stream,
    pub(super) rows_per_transaction: Option<Count>,
    pub(super) on_error: OnError,
    pub(super) report: Option<Slot>,
    pub(super) returns: bool,
    /// Live slots that come from the input.
    pub(super) carried: Vec<Slot>,
    /// Live slots that the inner plan writes.
    pub(super) produced: Vec<Slot>,
    pub(super) state: GroupState,
}

/// Where the operator is.
#[derive(Default)]
pub(super) struct GroupState {
    group: usize,
    taken: Batch,
    ready: Batch,
    place: usize,
    stopped: bool,
    scratch: Batch,
}

/// How a group ended.
struct Outcome {
    started: bool,
    committed: bool,
    error: Option<String>,
}

impl CallInTransactions {
    /// Takes the next group of rows in.
    fn take_group(&mut self, run: &mut Run<'_>) -> Result<(), Status> {
        let state = &mut self.state;
        state.taken.clear();
        while state.taken.rows() < state.group {
            run.check()?;
            state.scratch.clear();
            let wanted = (state.group - state.taken.rows()).min(BATCH_ROWS);
            self.input.next(run, wanted, &mut state.scratch)?;
            if state.scratch.is_empty() {
                break;
            }
            run.shared.memory.take(state.scratch.memory_size())?;
            let slots: Vec<Slot> = state.scratch.present().collect();
            let places: Vec<u32> = (0..u32::try_from(state.scratch.rows()).unwrap_or(u32::MAX)).collect();
            // Which slots are present may differ from batch to batch.
            state.taken.gather(&state.scratch, &slots, &places);
            state.taken.add_rows(state.scratch.rows());
        }
        Ok(())
    }

    fn run_rows(&mut self, run: &mut Run<'_>) -> Result<(), Status> {
        let state = &mut self.state;
        for place in 0..state.taken.rows() {
            run.check()?;
            self.inner.reset(run.shared, &state.taken.row(place));
            if !self.returns {
                drain(&mut self.inner, run, &mut state.scratch)?;
                state.ready.append(&state.taken, &self.carried, place..place + 1);
                state.ready.add_rows(1);
                continue;
            }
            loop {
                state.scratch.clear();
                self.inner.next(run, BATCH_ROWS, &mut state.scratch)?;
                if state.scratch.is_empty() {
                    break;
                }
                run.check()?;
                for _ in 0..state.scratch.rows() {
                    state.ready.append(&state.taken, &self.carried, place..place + 1);
                }
                state
                    .ready
                    .append(&state.scratch, &self.produced, 0..state.scratch.rows());
                state.ready.add_rows(state.scratch.rows());
            }
        }
        let control = run.access.transaction_control().ok_or_else(not_here)?;
        control.commit_and_renew()
    }

    /// Runs the group until it is committed or has failed for good.
    fn run_group(&mut self, run: &mut Run<'_>) -> Result<(), Status> {
        let before: Statistics = *run.shared.statistics.borrow();
        let mut attempt = 1;
        loop {
            self.state.ready.clear();
            let Err(status) = self.run_rows(run) else {
                run.count(|statistics| statistics.transactions_committed += 1);
                return Ok(());
            };
            *run.shared.statistics.borrow_mut() = before;
            run.access
                .transaction_control()
                .ok_or_else(not_here)?
                .roll_back_and_renew()?;
            if status.code() != Code::TransactionConflict || attempt >= ATTEMPTS_MAX {
                return Err(status);
            }
            attempt += 1;
        }
    }

    /// The rows of a group that failed or was not begun: what they had, and null for what is missing.
    fn rows_without_result(&mut self) {
        let state = &mut self.state;
        state.ready.clear();
        let rows = state.taken.rows();
        state.ready.append(&state.taken, &self.carried, 0..rows);
        for slot in &self.produced {
            (0..rows).for_each(|_| state.ready.push(*slot, Value::Null));
        }
        state.ready.add_rows(rows);
    }

    fn write_report(&mut self, outcome: Outcome) {
        let Some(slot) = self.report else { return };
        let report: Map = [
            ("started", Value::Boolean(outcome.started)),
            ("committed", Value::Boolean(outcome.committed)),
            ("transactionId", Value::Null),
            ("errorMessage", outcome.error.map_or(Value::Null, Value::from)),
        ]
        .into_iter()
        .collect();
        let report = Value::map(report);
        self.state.ready.start(slot);
        for _ in 0..self.state.ready.rows() {
            self.state.ready.push(slot, report.clone());
        }
    }

    fn next_group(&mut self, run: &mut Run<'_>) -> Result<(), Status> {
        if self.state.group == 0 {
            self.state.group = match &self.rows_per_transaction {
                Some(count) => count.evaluate(run)?.max(1),
                None => ROWS_PER_TRANSACTION,
            };
            if run.access.transaction_control().is_none() {
                return Err(not_here());
            }
        }
        self.take_group(run)?;
        let held = self.state.taken.memory_size();
        let outcome = self.run_taken(run);
        run.shared.memory.release(held);
        self.write_report(outcome?);
        Ok(())
    }

    fn run_taken(&mut self, run: &mut Run<'_>) -> Result<Outcome, Status> {
        if self.state.taken.is_empty() || self.state.stopped {
            self.rows_without_result();
            return Ok(Outcome {
                started: false,
                committed: false,
                error: None,
            });
        }
        match self.run_group(run) {
            Ok(()) => Ok(Outcome {
                started: true,
                committed: true,
                error: None,
            }),
            Err(status) => {
                // Whoever stopped the query meant all of it.
                run.check()?;
                if self.on_error == OnError::Fail {
                    return Err(status);
                }
                self.state.stopped = self.on_error == OnError::Break;
                self.rows_without_result();
                Ok(Outcome {
                    started: true,
                    committed: false,
                    error: Some(status.client_message()),
                })
            }
        }
    }
}

fn not_here() -> Status {
    Status::new(
        Code::SemanticError,
        "a query with `CALL { … } IN TRANSACTIONS` can only be run in an implicit transaction",
    )
    .with_advice("send it outside of an explicit transaction, with `:auto` in clients that have it")
}

impl Operate for CallInTransactions {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.state = GroupState::default();
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        while self.state.place >= self.state.ready.rows() {
            self.state.place = 0;
            self.next_group(run)?;
            if self.state.taken.is_empty() {
                return Ok(());
            }
        }
        let end = self.state.place.saturating_add(wanted).min(self.state.ready.rows());
        let slots = self.carried.iter().chain(&self.produced).chain(&self.report);
        for slot in slots {
            out.append(&self.state.ready, std::slice::from_ref(slot), self.state.place..end);
        }
        out.add_rows(end - self.state.place);
        self.state.place = end;
        Ok(())
    }
}
