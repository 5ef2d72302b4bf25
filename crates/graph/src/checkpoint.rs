//! Checkpoints (filled below).
use crate::root::Root;
use std::sync::Arc;

/// What the last checkpoint stands for.
#[derive(Debug, Default)]
pub(crate) struct CheckpointState {
    pub(crate) last: Arc<Root>,
}
