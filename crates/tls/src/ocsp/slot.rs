//! What is known of one channel's staple: the certificate, the last good answer, and when to ask again.
//!
//! INVARIANT: what the policy presents is the good answer of this slot, as long as it is in time, and nothing otherwise.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use super::answer::{Answer, AnswerFault, CertificateStatus};
use super::fetch::FetchError;
use super::inquiry::{Inquiry, is_must_staple};
use super::schedule::{INTERVAL_MAX, INTERVAL_MIN, after_answer, after_failure};
use super::{StapleState, StapleStatus};
use crate::policy::Policy;
use crate::presented::Presented;

/// Why nothing came of asking.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshFault {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Answer(#[from] AnswerFault),
    #[error("the request cannot be encoded")]
    Request(#[from] der::Error),
}

/// One channel's staple.
#[derive(Debug)]
pub(crate) struct Slot {
    scope: &'static str,
    leaf: CertificateDer<'static>,
    must_staple: bool,
    /// `None` if there is nobody to ask.
    inquiry: Option<Arc<Inquiry>>,
    presented: Arc<Presented>,
    good: Option<Good>,
    state: StapleState,
    /// Of when the newest answer was that said "revoked", in seconds since 1970.
    revoked_at: Option<i64>,
    /// Seconds since 1970 when to ask next.
    due: i64,
    /// In a row.
    failures: u32,
}

#[derive(Clone, Debug)]
struct Good {
    answer: Answer,
    fetched_at: i64,
}

impl Slot {
    /// The slot of a policy, which takes over what `before` has if the certificate is the same.
    pub(crate) fn of(policy: &Policy, before: Option<&Self>, now: i64) -> Self {
        let leaf = policy.identity.chain().first().cloned();
        let leaf = leaf.unwrap_or_else(|| CertificateDer::from(Vec::new()));
        let mut slot = Self {
            scope: policy.config().scope,
            must_staple: is_must_staple(&leaf),
            leaf,
            inquiry: Inquiry::of(policy).ok().map(Arc::new),
            presented: Arc::clone(&policy.presented),
            good: None,
            state: StapleState::None,
            revoked_at: None,
            due: now,
            failures: 0,
        };
        if let Some(before) = before.filter(|before| slot.continues(before)) {
            slot.good.clone_from(&before.good);
            slot.state = before.state.clone();
            slot.revoked_at = before.revoked_at;
            slot.failures = before.failures;
            // With nothing to show, a reload is a good moment to ask.
            slot.due = if before.good.is_some() { before.due } else { now };
        }
        slot.expire(now);
        slot.present();
        slot
    }

    /// Whether this is about the same certificate of the same issuer.
    fn continues(&self, before: &Self) -> bool {
        let issuer_key = |slot: &Self| {
            let inquiry = slot.inquiry.as_ref()?;
            Some(inquiry.issuer.subject_public_key_info.clone())
        };
        self.leaf == before.leaf && issuer_key(self).is_some() && issuer_key(self) == issuer_key(before)
    }

    /// Whether there is somebody to ask and no answer to show.
    pub(crate) fn is_bare(&self) -> bool {
        self.inquiry.is_some() && self.good.is_none()
    }

    /// Whether the certificate was there before, in the same policy or an earlier one.
    pub(crate) fn is_new_to(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| !self.continues(before))
    }

    /// What to ask now, if it is time. Whoever gets it must [`settle`](Self::settle) it; until then nobody else gets it for a while.
    pub(crate) fn take_due(&mut self, now: i64) -> Option<Arc<Inquiry>> {
        // A time further ahead than any interval is left from before the clock was set back.
        if self.due > now && self.due <= now.saturating_add(INTERVAL_MAX) {
            return None;
        }
        self.due = now.saturating_add(INTERVAL_MIN);
        self.inquiry.clone()
    }

    /// Makes it time to ask.
    pub(crate) fn hurry(&mut self, now: i64) {
        self.due = self.due.min(now);
    }

    /// When there is something to do, in seconds since 1970.
    pub(crate) fn next(&self) -> i64 {
        let due = if self.inquiry.is_some() { self.due } else { i64::MAX };
        let end = self.good.as_ref().map_or(i64::MAX, |good| good.answer.until());
        due.min(end)
    }

    /// Takes an answer to `inquiry` in, and says in the log what deserves it.
    pub(crate) fn settle(
        &mut self,
        inquiry: &Arc<Inquiry>,
        answered: Result<Answer, RefreshFault>,
        now: i64,
        jitter: u16,
    ) {
        if !self.inquiry.as_ref().is_some_and(|own| Arc::ptr_eq(own, inquiry)) {
            return;
        }
        let (scope, subject, responder) = (self.scope, &inquiry.subject, &inquiry.responder);
        match answered {
            // Responders are asked over HTTP, so whoever stands in between can repeat what they said before.
            Ok(answer) if answer.status == CertificateStatus::Good && self.revoked_at > Some(answer.this_update) => {
                self.due = after_answer(now, answer.this_update, answer.next_update, jitter);
                tracing::error!(
                    scope, %subject, %responder,
                    "the OCSP response is good and of before the certificate was revoked: it is not stapled"
                );
            }
            Ok(answer) => {
                self.failures = 0;
                self.due = after_answer(now, answer.this_update, answer.next_update, jitter);
                self.take(inquiry, answer, now);
            }
            Err(fault) => {
                self.failures = self.failures.saturating_add(1);
                self.due = after_failure(now, self.failures, jitter);
                let again_in_s = self.due.saturating_sub(now);
                if self.must_staple && self.good.is_none() {
                    tracing::error!(
                        scope, %subject, %responder, reason = %fault, failures = self.failures, again_in_s,
                        "no OCSP response to staple to a must-staple certificate: clients that know must-staple refuse it"
                    );
                } else {
                    tracing::warn!(
                        scope, %subject, %responder, reason = %fault, failures = self.failures, again_in_s,
                        stapled = self.good.is_some(), "no OCSP response"
                    );
                }
                let reason = fault.to_string();
                self.state = StapleState::Failed { reason };
            }
        }
        self.present();
    }

    fn take(&mut self, inquiry: &Inquiry, answer: Answer, now: i64) {
        let (scope, subject, responder) = (self.scope, &inquiry.subject, &inquiry.responder);
        match answer.status {
            CertificateStatus::Good => {
                tracing::debug!(
                    scope, %subject, until = answer.until(), unchecked_responder = answer.unchecked_responder,
                    "OCSP: the certificate is good"
                );
                self.state = StapleState::Good;
                self.good = Some(Good {
                    answer,
                    fetched_at: now,
                });
            }
            CertificateStatus::Revoked { since, reason } => {
                let since_text = time::OffsetDateTime::from_unix_timestamp(since)
                    .map_or_else(|_| since.to_string(), |time| time.to_string());
                tracing::error!(
                    scope, %subject, %responder, since = %since_text, reason,
                    "THE CERTIFICATE OF THIS CHANNEL WAS REVOKED by its authority: nothing is stapled any more, and clients that check will refuse it; replace key and certificate"
                );
                self.state = StapleState::Revoked { since, reason };
                self.revoked_at = self.revoked_at.max(Some(answer.this_update));
                self.good = None;
            }
            CertificateStatus::Unknown => {
                tracing::warn!(
                    scope, %subject, %responder, stapled = self.good.is_some(),
                    "the OCSP responder does not know the certificate of this channel"
                );
                self.state = StapleState::Unknown;
            }
        }
    }

    /// Drops the answer if its time is over.
    pub(crate) fn expire(&mut self, now: i64) {
        if self.good.as_ref().is_some_and(|good| good.answer.until() <= now) {
            self.good = None;
            tracing::warn!(
                scope = self.scope,
                must_staple = self.must_staple,
                "the stapled OCSP response has expired: nothing is stapled until there is a new one"
            );
            self.present();
        }
    }

    /// Staples nothing any more.
    pub(crate) fn end(&mut self) {
        self.inquiry = None;
        self.good = None;
        self.presented.staple(None);
        self.presented.tell(StapleStatus::default());
    }

    fn present(&self) {
        let staple = self
            .good
            .as_ref()
            .map(|good| (good.answer.der.clone(), good.answer.until()));
        self.presented.staple(staple);
        let answer = self.good.as_ref().map(|good| &good.answer);
        self.presented.tell(StapleStatus {
            state: self.state.clone(),
            stapled: self.good.is_some(),
            must_staple: self.must_staple,
            produced_at: answer.map(|answer| answer.produced_at),
            this_update: answer.map(|answer| answer.this_update),
            next_update: answer.and_then(|answer| answer.next_update),
            fetched_at: self.good.as_ref().map(|good| good.fetched_at),
            responder: self.inquiry.as_ref().map(|inquiry| inquiry.responder.clone()),
        });
    }
}
