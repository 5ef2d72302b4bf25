//! Compressing, sealing and writing on a thread of its own, so that the network does not wait for it.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::format::{BackupWriter, FormatError};

/// Frames that may wait for the disk.
const WAITING_MAX: usize = 4;

pub(super) struct Writing {
    data: mpsc::Sender<Vec<u8>>,
    file_bytes: Arc<AtomicU64>,
    task: JoinHandle<Result<BackupWriter<File>, FormatError>>,
}

impl Writing {
    pub(super) fn start(mut writer: BackupWriter<File>) -> Self {
        let (data, mut waiting) = mpsc::channel::<Vec<u8>>(WAITING_MAX);
        let file_bytes = Arc::new(AtomicU64::new(writer.bytes()));
        let told = Arc::clone(&file_bytes);
        let task = tokio::task::spawn_blocking(move || {
            while let Some(data) = waiting.blocking_recv() {
                writer.write(&data)?;
                told.store(writer.bytes(), Ordering::Relaxed);
            }
            Ok(writer)
        });
        Self { data, file_bytes, task }
    }

    /// Queues data; says whether they will be written. If not, [`Writing::end`] knows why.
    pub(super) async fn write(&mut self, data: Vec<u8>) -> bool {
        self.data.send(data).await.is_ok()
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    /// Writes what is queued.
    pub(super) async fn end(self) -> Result<BackupWriter<File>, FormatError> {
        drop(self.data);
        self.task.await.unwrap_or_else(|error| {
            Err(FormatError::Io {
                action: "written",
                source: std::io::Error::other(error),
            })
        })
    }
}
