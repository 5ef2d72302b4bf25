//! What a channel believes and does not, as tables.

use std::path::PathBuf;

use serde::Serialize;

use super::{Trust, Trusted};
use crate::revocation::Dropped;
use crate::revocation::list::List;
use crate::verify::facts::serial_text;

/// Whom a policy believes and whom not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustSummary {
    /// `trust_all`: everybody is believed, and `authorities` and `leaves` are empty.
    pub everybody: bool,
    /// Those whose word counts for others.
    pub authorities: Vec<TrustedSummary>,
    /// Those who are trusted for themselves only.
    pub leaves: Vec<TrustedSummary>,
    /// Revocation lists, newest first.
    pub lists: Vec<RevocationListSummary>,
    /// Certificates that were put into the folder of the revoked.
    pub revoked: Vec<RevokedSummary>,
}

/// A trusted certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustedSummary {
    /// Where it is.
    pub file: PathBuf,
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its number, in hexadecimal digits.
    pub serial: String,
    /// Seconds since 1970 from which on it is valid.
    pub not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: i64,
    /// Why it counts for nothing, if it was revoked.
    pub revoked: Option<String>,
}

/// A revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevocationListSummary {
    /// Where it is.
    pub file: PathBuf,
    /// Its issuer.
    pub issuer: String,
    /// Its number, in hexadecimal digits; empty if it has none.
    pub number: String,
    /// When it was issued, in seconds since 1970.
    pub this_update: i64,
    /// When it expires, in seconds since 1970.
    pub next_update: i64,
    /// How many certificates it revokes.
    pub entries: usize,
    /// Whether its signature was verified: by a trusted authority, or one below it that was shown.
    pub signature_verified: bool,
    /// Whether it had expired when the files were read.
    pub expired: bool,
}

/// A certificate that was put into the folder of the revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokedSummary {
    /// Where it is.
    pub file: PathBuf,
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its number, in hexadecimal digits.
    pub serial: String,
    /// Whether it is an authority, so that all below it are revoked with it.
    pub authority: bool,
}

impl Trust {
    /// Both folders as tables.
    pub(crate) fn summary(&self) -> TrustSummary {
        let some = |authorities: bool| {
            let wanted = self
                .trusted
                .iter()
                .filter(move |trusted| trusted.facts.is_authority == authorities);
            wanted.map(trusted_summary).collect()
        };
        TrustSummary {
            everybody: self.everybody,
            authorities: some(true),
            leaves: some(false),
            lists: self
                .revocations
                .lists
                .iter()
                .map(|list| list_summary(list, self.loaded_at))
                .collect(),
            revoked: self.revocations.dropped.iter().map(revoked_summary).collect(),
        }
    }
}

fn trusted_summary(trusted: &Trusted) -> TrustedSummary {
    TrustedSummary {
        file: trusted.file.clone(),
        subject: trusted.facts.subject.clone(),
        issuer: trusted.facts.issuer.clone(),
        serial: serial_text(&trusted.facts.serial),
        not_before: trusted.facts.not_before,
        not_after: trusted.facts.not_after,
        revoked: trusted.revoked.clone(),
    }
}

fn list_summary(list: &List, now: i64) -> RevocationListSummary {
    RevocationListSummary {
        file: list.file.clone(),
        issuer: list.issuer.clone(),
        number: list.number_text(),
        this_update: list.this_update,
        next_update: list.next_update,
        entries: list.entries(),
        signature_verified: list.signer().is_some(),
        expired: list.next_update <= now,
    }
}

fn revoked_summary(dropped: &Dropped) -> RevokedSummary {
    RevokedSummary {
        file: dropped.file.clone(),
        subject: dropped.facts.subject.clone(),
        issuer: dropped.facts.issuer.clone(),
        serial: serial_text(&dropped.facts.serial),
        authority: dropped.facts.is_authority,
    }
}
