//! Why the store below does not take what is written.
//!
//! Owns the memory of the last failed write: the engine above tries again for ever and says nothing of it. INVARIANT: a table
//! that was written ends it. Must not know what is in the objects.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::path::Path;
use object_store::{Error, Result};

use super::TABLE_FOLDER;

/// The last failed write, as long as no table was written since.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal(Arc<Mutex<Option<Refused>>>);

#[derive(Clone, Debug)]
struct Refused {
    reason: String,
    /// Since when there is no room; `None` if something else is wrong.
    full_since: Option<Instant>,
}

impl Refusal {
    /// Takes note of how a write ended, and hands that on.
    pub(super) fn note<T>(&self, location: &Path, result: Result<T>) -> Result<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Ok(_) if location.parts().any(|part| part.as_ref() == TABLE_FOLDER) => *state = None,
            Err(error @ Error::Generic { .. }) => {
                let before = state.as_ref().and_then(|refused| refused.full_since);
                *state = Some(Refused {
                    reason: last_cause(error),
                    full_since: is_full(error).then(|| before.unwrap_or_else(Instant::now)),
                });
            }
            _ => {}
        }
        result
    }

    /// In words.
    pub(super) fn reason(&self) -> Option<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().map(|refused| refused.reason.clone())
    }

    /// Whether there was no room for so long.
    pub(super) fn is_full_for(&self, time: Duration) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state.as_ref().and_then(|refused| refused.full_since);
        since.is_some_and(|since| since.elapsed() >= time)
    }
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn last_cause(error: &Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn is_full(error: &Error) -> bool {
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_remembered_until_a_table_is_written_again() {
        let (table, manifest) = (Path::from("chunks/compacted/1.sst"), Path::from("chunks/manifest/1"));
        let failed = |kind: io::ErrorKind| {
            Err::<(), _>(Error::Generic {
                store: "test",
                source: Box::new(io::Error::from(kind)),
            })
        };
        let refusal = Refusal::default();
        assert!(!refusal.is_full_for(Duration::ZERO) && refusal.reason().is_none());
        refusal.note(&table, failed(io::ErrorKind::StorageFull)).unwrap_err();
        refusal.note(&manifest, Ok(())).unwrap();
        assert!(refusal.is_full_for(Duration::ZERO) && !refusal.is_full_for(Duration::from_secs(60)));
        assert_eq!(refusal.reason().as_deref(), Some("no storage space"));
        refusal
            .note(&table, failed(io::ErrorKind::PermissionDenied))
            .unwrap_err();
        assert!(!refusal.is_full_for(Duration::ZERO) && refusal.reason().is_some());
        refusal.note(&table, Ok(())).unwrap();
        assert!(refusal.reason().is_none());
    }
}
