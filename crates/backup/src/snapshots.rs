//! The states that are held for backups.
//!
//! INVARIANT: there are never more than the limit; a state nobody asked for in the time a client has to come back is let go,
//! and the audit log says so; of two connections that want the same state only the later one goes on. Must not know what is
//! sent over them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bastide_database::{BackupEnd, BackupTaker, DatabaseBackup};

/// How much longer a state is held that is being sent, counted from the last that was taken of it. Whoever sends one gives up
/// long before; so nobody does any more, and did not say so.
const SENDING_TIME: Duration = Duration::from_secs(10 * 60);

/// The id of a held state.
pub(crate) type SnapshotId = [u8; 16];

/// The states held.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    held: Mutex<HashMap<SnapshotId, Held>>,
}

#[derive(Debug)]
struct Held {
    backup: Arc<DatabaseBackup>,
    taker: BackupTaker,
    last_contact: Instant,
    /// Grows with every connection that takes it up.
    turn: u64,
    in_use: bool,
}

/// The right to send a state, until another connection takes it up.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) id: SnapshotId,
    pub(crate) backup: Arc<DatabaseBackup>,
    turn: u64,
}

impl Snapshots {
    fn locked(&self) -> MutexGuard<'_, HashMap<SnapshotId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one more: lets go of those whose time is over and then, if need be, of the one that was cut longest
    /// ago. Says whether there is room.
    pub(crate) fn make_room(&self, limit: usize, time: Duration) -> bool {
        self.let_go_of_old(time);
        let given_up = {
            let mut held = self.locked();
            if held.len() < limit {
                return true;
            }
            let idle = held.iter().filter(|(_, held)| !held.in_use);
            let oldest = idle.min_by_key(|(_, held)| held.last_contact).map(|(id, _)| *id);
            oldest.and_then(|id| held.remove(&id).map(|held| (id, held)))
        };
        let found = given_up.is_some();
        given_up.into_iter().for_each(|(id, held)| give_up(id, &held));
        found
    }

    /// Holds a state and gives the caller the turn; `None` if others were quicker to take the last room.
    pub(crate) fn insert(
        &self,
        id: SnapshotId,
        backup: DatabaseBackup,
        taker: BackupTaker,
        limit: usize,
    ) -> Option<Turn> {
        let mut held = self.locked();
        if held.len() >= limit {
            return None;
        }
        let backup = Arc::new(backup);
        let entry = Held {
            backup: Arc::clone(&backup),
            taker,
            last_contact: Instant::now(),
            turn: 1,
            in_use: true,
        };
        held.insert(id, entry);
        Some(Turn { id, backup, turn: 1 })
    }

    /// Takes up a state again; `None` if it is not held, or was begun by another client.
    pub(crate) fn resume(&self, id: SnapshotId, taker: &BackupTaker) -> Option<Turn> {
        let mut all = self.locked();
        let held = all.get_mut(&id).filter(|held| held.taker.name == taker.name)?;
        held.turn += 1;
        held.in_use = true;
        held.last_contact = Instant::now();
        let backup = Arc::clone(&held.backup);
        Some(Turn {
            id,
            backup,
            turn: held.turn,
        })
    }

    /// Notes that the client took something; says whether the turn is still the caller's.
    pub(crate) fn touch(&self, turn: &Turn) -> bool {
        let mut all = self.locked();
        let Some(held) = all.get_mut(&turn.id).filter(|held| held.turn == turn.turn) else {
            return false;
        };
        held.last_contact = Instant::now();
        true
    }

    /// Ends a turn; the state stays held for a while.
    pub(crate) fn end_turn(&self, turn: &Turn) {
        if let Some(held) = self.locked().get_mut(&turn.id).filter(|held| held.turn == turn.turn) {
            held.in_use = false;
            held.last_contact = Instant::now();
        }
    }

    /// Lets go of a state that the client has whole.
    pub(crate) fn finish(&self, id: SnapshotId, taker: &BackupTaker) -> Option<Arc<DatabaseBackup>> {
        let mut all = self.locked();
        all.get(&id).filter(|held| held.taker.name == taker.name)?;
        all.remove(&id).map(|held| held.backup)
    }

    /// Lets go of the states that nobody has asked for in `time`.
    pub(crate) fn let_go_of_old(&self, time: Duration) {
        let now = Instant::now();
        let is_over = |held: &Held| {
            let more = if held.in_use { SENDING_TIME } else { Duration::ZERO };
            now.saturating_duration_since(held.last_contact) >= time.saturating_add(more)
        };
        let old: Vec<_> = self.locked().extract_if(|_, held| is_over(held)).collect();
        old.iter().for_each(|(id, held)| give_up(*id, held));
    }

    /// Lets go of everything, when the server stops.
    pub(crate) fn let_go_of_all(&self) {
        let all: Vec<_> = self.locked().drain().collect();
        all.iter().for_each(|(id, held)| give_up(*id, held));
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.locked().len()
    }

    /// As if nobody had asked for anything in `time`.
    #[cfg(test)]
    pub(crate) fn age_by(&self, time: Duration) {
        let earlier = |then: Instant| then.checked_sub(time).unwrap_or(then);
        self.locked()
            .values_mut()
            .for_each(|held| held.last_contact = earlier(held.last_contact));
    }
}

fn give_up(id: SnapshotId, held: &Held) {
    let id = hex::encode(id);
    tracing::warn!(backup = id, database = %held.backup.database, "a backup was given up: its client did not come back");
    if let Err(error) = held.backup.record_end(BackupEnd::GivenUp, &held.taker, &id, 0) {
        tracing::error!(%error, "the end of a backup could not be audited");
    }
}
