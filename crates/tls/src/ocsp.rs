//! OCSP stapling: asking the responder that a channel's certificate names, verifying what it says, and showing that in
//! handshakes (RFC 6066 §8, RFC 6960).
//!
//! INVARIANT: nothing is stapled that was not verified (signer, certificate, times) and that does not say `good`.
//! Decisions: a `revoked` answer is not stapled and takes away an earlier good one, and is said as an error in the log every
//! time; `unknown`, refusals and silence leave the last good answer in place for as long as it is valid; no nonce is asked for,
//! because responders answer from caches; only `http://` responders are asked, because the answer is signed and a TLS
//! connection to the responder would need a revocation check of its own.
//!
//! Use: after [`Channels::load`](crate::Channels::load) and before accepting,
//!
//! ```text
//! let stapler = Stapler::start(channels.clone(), vec!["bolt", "https"], Arc::new(HttpFetch)).await; // keep it
//! for (scope, warning) in staple_warnings(&channels, &["bolt", "https"]) { tracing::warn!(scope, "{warning}"); }
//! channels.channel("bolt").map(|channel| channel.staple_status());
//! ```
//!
//! `start` waits for first answers for at most [`START_WAIT`]. [`Channels::reload`](crate::Channels::reload) carries the staple over when
//! the leaf stays the same, and otherwise asks for one before the new policies are in force, for at most [`RELOAD_WAIT`]: it blocks
//! its thread for that long, so call it on a blocking thread. Stapling ends when the `Stapler` is dropped. With stapling switched off,
//! call only `staple_warnings(&channels, &[])`, which finds must-staple certificates.

mod answer;
mod fetch;
pub(crate) mod inquiry;
mod schedule;
pub(crate) mod signature;
mod slot;
mod stapler;

pub use fetch::{Fetch, FetchError, FetchFuture, HttpFetch};
pub use stapler::Stapler;

use std::time::Duration;

use crate::channel::Channels;
use crate::fault::PolicyWarning;

/// For how long [`Stapler::start`] waits for first answers.
pub const START_WAIT: Duration = Duration::from_secs(5);
/// For how long a reload waits for an answer about a new certificate.
pub const RELOAD_WAIT: Duration = Duration::from_secs(5);

/// What the last answer about a channel's certificate was.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StapleState {
    /// Stapling is off for this channel.
    #[default]
    Off,
    /// Nothing was answered yet, or there is nobody to ask ([`staple_warnings`] says why).
    None,
    /// The certificate is good.
    Good,
    /// The certificate was revoked; nothing is stapled.
    Revoked {
        /// Since when, in seconds since 1970.
        since: i64,
        /// RFC 5280's word for why, such as `keyCompromise`; `unspecified` if the responder does not say.
        reason: &'static str,
    },
    /// The responder does not know the certificate.
    Unknown,
    /// There was no answer that could be used.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What is stapled to a channel's certificate. Times are in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StapleStatus {
    /// The last answer.
    #[serde(flatten)]
    pub state: StapleState,
    /// Whether a good response is stapled, which may be an earlier one than the last answer.
    pub stapled: bool,
    /// Whether the certificate says that clients must refuse it without a staple.
    pub must_staple: bool,
    /// When the response in use was signed.
    pub produced_at: Option<i64>,
    /// The time that it speaks of.
    pub this_update: Option<i64>,
    /// Until when there will be a newer one; it is not shown beyond that.
    pub next_update: Option<i64>,
    /// When it was fetched.
    pub fetched_at: Option<i64>,
    /// The address that is asked.
    pub responder: Option<String>,
}

/// What stands in the way of stapling: for `scopes` that are to be stapled, a missing responder or issuer; for all others, a
/// certificate that must be. For the log, at the start and after a reload.
pub fn staple_warnings(channels: &Channels, scopes: &[&str]) -> Vec<(&'static str, PolicyWarning)> {
    channels
        .iter()
        .filter_map(|channel| {
            let policy = channel.policy()?;
            let warning = if scopes.contains(&channel.scope()) {
                inquiry::Inquiry::of(&policy).err()
            } else {
                inquiry::must_staple_off(&policy)
            };
            Some((channel.scope(), warning?))
        })
        .collect()
}

#[cfg(test)]
mod tests;
