//! An object store whose objects are sealed.
//!
//! Owns the translation between plain objects, as the engine above sees them, and sealed ones, as the store below keeps
//! them. INVARIANT: what is read is what was written to this very path, or an error that names it; lengths and ranges
//! are those of the plain object on this side. Must not know what the objects are for.

mod format;
mod refusal;
mod upload;

use std::fmt;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use slatedb_common::retry::NonRetryable;
use thiserror::Error;

use crate::DatabaseKeys;
use format::{Fault, HEADER_BYTES, Opener, Sealer, frame_count, frames_of, plain_bytes, sealed_range};
use refusal::Refusal;

/// The folder of the tables that hold data. Elsewhere an engine asks for objects to learn whether they are there.
const TABLE_FOLDER: &str = "compacted";

/// An object that does not hold what was written to it.
#[derive(Clone, Debug, Error)]
#[error("`{object}` is damaged: {fault}")]
pub(crate) struct Damage {
    /// The object's path.
    pub object: String,
    /// What is wrong with it.
    pub fault: String,
}

/// Seals what is put into another store, and opens what is got from it.
pub(crate) struct SealedObjects {
    inner: Arc<dyn ObjectStore>,
    keys: DatabaseKeys,
    /// The first damage that was met: engines above do not always hand on the cause of an error.
    damage: Mutex<Option<Damage>>,
    /// The last table that was asked for and not there.
    missing_table: Mutex<Option<String>>,
    /// Why what is written is not taken.
    refusal: Refusal,
    /// The directory whose files must be the owner's alone.
    owner_only: Option<PathBuf>,
}

impl SealedObjects {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, keys: DatabaseKeys) -> Self {
        Self {
            inner,
            keys,
            damage: Mutex::default(),
            missing_table: Mutex::default(),
            refusal: Refusal::default(),
            owner_only: None,
        }
    }

    /// Takes access to what is put below `directory`, where the inner store keeps its files, from group and others.
    pub(crate) fn for_owner_only(self, directory: &std::path::Path) -> Self {
        Self {
            owner_only: Some(directory.to_owned()),
            ..self
        }
    }

    /// The last table that was asked for and not there. An engine may ask for what it knows to be gone, so this explains
    /// an error but is none.
    pub(crate) fn missing_table(&self) -> Option<String> {
        self.missing_table
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The first damage that was met, if any.
    pub(crate) fn damage(&self) -> Option<Damage> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the last write failed, if no table was written since.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.reason()
    }

    /// Whether there has been no room for so long.
    pub(crate) fn is_full_for(&self, time: Duration) -> bool {
        self.refusal.is_full_for(time)
    }

    fn damaged(&self, location: &Path, fault: Fault) -> object_store::Error {
        self.note(Damage {
            object: location.to_string(),
            fault: fault.to_owned(),
        })
    }

    fn note(&self, damage: Damage) -> object_store::Error {
        self.damage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| damage.clone());
        // Reading again does not mend it.
        object_store::Error::Generic {
            store: "sealed objects",
            source: Box::new(NonRetryable(Box::new(damage))),
        }
    }

    fn seal(&self, location: &Path, payload: &PutPayload) -> Result<PutPayload> {
        let seal = || {
            let mut sealer = Sealer::new(&self.keys, location.as_ref())?;
            let mut sealed = Vec::with_capacity(payload.content_length().saturating_mul(129) / 128 + 128);
            for part in payload {
                sealer.push(part, &mut sealed)?;
            }
            sealer.finish(&mut sealed)?;
            Ok(sealed)
        };
        Ok(seal().map_err(|fault| self.damaged(location, fault))?.into())
    }

    /// Reads and opens the frames that hold a range of plain bytes.
    async fn open_range(
        &self,
        location: &Path,
        header: &[u8],
        sealed_size: u64,
        range: &Range<u64>,
        e_tag: Option<String>,
    ) -> Result<Bytes> {
        let plain_size = plain_bytes(sealed_size).map_err(|fault| self.damaged(location, fault))?;
        let opener =
            Opener::new(&self.keys, location.as_ref(), header).map_err(|fault| self.damaged(location, fault))?;
        let frames = frames_of(range);
        let sealed_range = sealed_range(&frames, sealed_size);
        let expected = sealed_range.end.saturating_sub(sealed_range.start);
        let options = GetOptions {
            range: Some(sealed_range.into()),
            if_match: e_tag,
            ..GetOptions::default()
        };
        let sealed = self.inner.get_opts(location, options).await?.bytes().await?;
        if sealed.len() as u64 != expected {
            return Err(self.damaged(location, "it is shorter than it was"));
        }
        let mut plain = Vec::with_capacity(sealed.len());
        opener
            .open(frames.start, frame_count(plain_size), &sealed, &mut plain)
            .map_err(|fault| self.damaged(location, fault))?;
        let first = frames.start.saturating_mul(format::FRAME_BYTES);
        let within = |position: u64| usize::try_from(position.saturating_sub(first)).unwrap_or(usize::MAX);
        let (start, end) = (within(range.start), within(range.end));
        if start > end || end > plain.len() {
            return Err(self.damaged(location, "it is shorter than it was"));
        }
        Ok(Bytes::from(plain).slice(start..end))
    }
}

/// The files of the local store begin with what the process's mask allows; then they are the owner's alone. The
/// database's directory keeps others out in between, and failing to narrow a mode is no reason to fail a write.
fn take_from_others(directory: Option<&std::path::Path>, location: &Path) {
    let Some(directory) = directory else { return };
    let mut path = directory.to_owned();
    for part in location.parts() {
        path.push(part.as_ref());
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        if let Err(error) = fs::set_permissions(&path, fs::Permissions::from_mode(mode)) {
            tracing::debug!(path = %path.display(), %error, "the mode could not be narrowed");
        }
    }
}

/// The object as the side above sees it. What is no sealed object is listed as empty; reading it gives the error.
fn plain_meta(mut meta: ObjectMeta) -> ObjectMeta {
    meta.size = plain_bytes(meta.size).unwrap_or_default();
    meta
}

#[async_trait]
impl ObjectStore for SealedObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let sealed = self.seal(location, &payload)?;
        let result = self.inner.put_opts(location, sealed, opts).await;
        let result = self.refusal.note(location, result)?;
        take_from_others(self.owner_only.as_deref(), location);
        Ok(result)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let sealer = Sealer::new(&self.keys, location.as_ref()).map_err(|fault| self.damaged(location, fault))?;
        let begun = self.inner.put_multipart_opts(location, opts).await;
        let inner = begun.or_else(|error| self.refusal.note(location, Err(error)))?;
        Ok(Box::new(upload::SealedUpload::new(
            inner,
            sealer,
            location.clone(),
            self.owner_only.clone(),
            self.refusal.clone(),
        )))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (head, range) = (options.head, options.range.clone());
        // The first request checks the conditions and brings the header and the length.
        let first = GetOptions {
            range: (!head).then_some((0..HEADER_BYTES).into()),
            ..options
        };
        let mut result = match self.inner.get_opts(location, first).await {
            // An empty file has no first byte.
            Err(error) if !head && is_invalid_range(&error) => {
                return Err(self.damaged(location, "it is empty"));
            }
            Err(error @ object_store::Error::NotFound { .. }) => {
                if location.parts().any(|part| part.as_ref() == TABLE_FOLDER) {
                    let missing = Some(location.to_string());
                    *self.missing_table.lock().unwrap_or_else(PoisonError::into_inner) = missing;
                }
                return Err(error);
            }
            result => result?,
        };
        let sealed_size = result.meta.size;
        let plain_size = plain_bytes(sealed_size).map_err(|fault| self.damaged(location, fault))?;
        result.meta.size = plain_size;
        if head {
            result.range = 0..plain_size;
            result.payload = GetResultPayload::Stream(stream::empty().boxed());
            return Ok(result);
        }
        let range = match range {
            None => 0..plain_size,
            Some(range) => range
                .as_range(plain_size)
                .map_err(|source| object_store::Error::Generic {
                    store: "sealed objects",
                    source: Box::new(NonRetryable(Box::new(source))),
                })?,
        };
        let (meta, attributes, extensions) = (
            result.meta.clone(),
            result.attributes.clone(),
            result.extensions.clone(),
        );
        let header = result.bytes().await?;
        let plain = self
            .open_range(location, &header, sealed_size, &range, meta.e_tag.clone())
            .await?;
        let payload = GetResultPayload::Stream(stream::once(async move { Ok(plain) }).boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes,
            extensions,
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).map(|meta| meta.map(plain_meta)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut result = self.inner.list_with_delimiter(prefix).await?;
        result.objects = result.objects.into_iter().map(plain_meta).collect();
        Ok(result)
    }

    /// Opens the object and seals it again for its new path, since the path is part of the key.
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        let plain = self.get(from).await?.bytes().await?;
        let options = PutOptions {
            mode,
            extensions: options.extensions,
            ..PutOptions::default()
        };
        self.put_opts(to, plain.into(), options).await.map(drop)
    }
}

/// Whether the store said that a range is beyond the end.
fn is_invalid_range(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { source, .. } if source.to_string().to_lowercase().contains("range"))
}

impl fmt::Display for SealedObjects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sealed objects in {}", self.inner)
    }
}

impl fmt::Debug for SealedObjects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SealedObjects")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
