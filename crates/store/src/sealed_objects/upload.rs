//! A sealed object that is uploaded in parts.
//!
//! Owns the bytes between parts, since frames do not end where parts do. INVARIANT: parts are sealed in the order in
//! which they are handed over, and the object exists only with its last frame. Must not know how parts travel.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use slatedb_common::retry::NonRetryable;

use super::Damage;
use super::format::{Fault, Sealer};
use super::refusal::Refusal;

/// Seals the parts of an upload.
pub(super) struct SealedUpload {
    inner: Box<dyn MultipartUpload>,
    sealer: Sealer,
    location: Path,
    owner_only: Option<PathBuf>,
    refusal: Refusal,
}

impl SealedUpload {
    pub(super) fn new(
        inner: Box<dyn MultipartUpload>,
        sealer: Sealer,
        location: Path,
        owner_only: Option<PathBuf>,
        refusal: Refusal,
    ) -> Self {
        Self {
            inner,
            sealer,
            location,
            owner_only,
            refusal,
        }
    }

    fn failed(&self, fault: Fault) -> object_store::Error {
        let damage = Damage {
            object: self.location.to_string(),
            fault: fault.to_owned(),
        };
        object_store::Error::Generic {
            store: "sealed objects",
            source: Box::new(NonRetryable(Box::new(damage))),
        }
    }
}

#[async_trait]
impl MultipartUpload for SealedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let mut sealed = Vec::with_capacity(data.content_length().saturating_mul(129) / 128 + 8192);
        for part in &data {
            if let Err(fault) = self.sealer.push(part, &mut sealed) {
                let error = self.failed(fault);
                return async move { Err(error) }.boxed();
            }
        }
        if sealed.is_empty() {
            async { Ok(()) }.boxed()
        } else {
            let part = self.inner.put_part(sealed.into());
            let (refusal, location) = (self.refusal.clone(), self.location.clone());
            // Only the whole object is one that was written.
            async move { part.await.or_else(|error| refusal.note(&location, Err(error))) }.boxed()
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut sealed = Vec::new();
        self.sealer.finish(&mut sealed).map_err(|fault| self.failed(fault))?;
        let last = self.inner.put_part(sealed.into());
        let completed = match last.await {
            Ok(()) => self.inner.complete().await,
            Err(error) => Err(error),
        };
        let result = self.refusal.note(&self.location, completed)?;
        super::take_from_others(self.owner_only.as_deref(), &self.location);
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

impl fmt::Debug for SealedUpload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SealedUpload")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}
