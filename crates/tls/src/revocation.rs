//! Which certificates are revoked: lists of their issuers, and certificates that were put into `revoked_dir` themselves.
//!
//! INVARIANT: doubt refuses. As soon as there is one list, a certificate whose issuer has no current list is refused. Without any
//! list only the certificates in the folder count.
//!
//! A list that has expired is no fault of the configuration: the server starts, says loudly whom it will refuse, and refuses them.
//! A server that was restarted after the list expired would otherwise be down for everybody, where the running one is not.
//!
//! A leaf in the folder is revoked by its issuer and number; an authority by its name and key, with all that it ever signed,
//! because who revokes an authority has lost its key: to revoke one certificate of an authority and keep another of the same
//! key, its issuer's list is the way.
//!
//! Of several lists of one issuer for the same certificates, the one issued last among those that have begun and not
//! expired counts; what a later but expired one revokes is revoked as well. The time of issue decides before the number,
//! because issuers that lose their count begin again at 1. Authorities may share a name and differ in keys, so a list
//! belongs to the key that signed it, not to the name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::fault::{PolicyError, PolicyWarning};
use crate::trust::Trusted;
use crate::trust::folder::{Kind, read_folder};
use crate::verify::facts::{Facts, is_signed_by};
use list::List;

pub(crate) mod list;

/// Signatures of lists that are checked for one certificate at most, so that a full folder does not slow handshakes.
const UNKNOWN_SIGNATURES_MAX: usize = 16;

/// What is known of a certificate.
#[derive(Debug)]
pub(crate) enum Standing<'a> {
    /// Not revoked.
    Good,
    /// By a list.
    Revoked(&'a List),
    /// No list of its issuer is there.
    Unknown,
    /// The newest list of its issuer has expired.
    Expired(&'a List),
    /// The only list of its issuer is of the future.
    NotBegun(&'a List),
}

/// A revoked certificate that was put into the folder itself.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) file: PathBuf,
    pub(crate) facts: Facts,
}

/// All that `revoked_dir` says.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    /// Newest first.
    pub(crate) lists: Vec<List>,
    pub(crate) dropped: Vec<Dropped>,
    /// Places in `dropped`, by the issuer's name and the number.
    by_number: HashMap<(Vec<u8>, Vec<u8>), usize>,
}

impl Revocations {
    /// Reads the folder.
    pub(crate) fn load(folder: &Path, faults: &mut Vec<PolicyError>) -> Self {
        let mut revocations = Self::default();
        let other = |path, _hint| PolicyError::NotARevocationList { path };
        for found in read_folder(folder, other, faults) {
            match found.kind {
                Kind::List => match List::read(found.file, found.der) {
                    Ok(list) => revocations.lists.push(list),
                    Err(fault) => faults.push(fault),
                },
                Kind::Certificate => match Facts::read(&found.der) {
                    Some(facts) => revocations.drop_in(found.file, facts),
                    None => faults.push(PolicyError::NotARevocationList { path: found.file }),
                },
            }
        }
        revocations.lists.sort_by(|one, two| {
            let age = |list: &List| (list.this_update, list.number.len());
            age(two).cmp(&age(one)).then_with(|| two.number.cmp(&one.number))
        });
        revocations
    }

    fn drop_in(&mut self, file: PathBuf, facts: Facts) {
        let key = (facts.issuer_der.clone(), facts.serial.clone());
        self.by_number.insert(key, self.dropped.len());
        self.dropped.push(Dropped { file, facts });
    }

    /// Finds out which lists the trusted authorities signed, lets go of superseded ones, and warns of what will refuse.
    pub(crate) fn settle(&mut self, authorities: &[&Trusted], now: i64, warnings: &mut Vec<PolicyWarning>) {
        for list in &mut self.lists {
            let issuer = list.issuer_der.clone();
            let named = || {
                authorities
                    .iter()
                    .filter(|authority| authority.facts.subject_der == issuer)
            };
            for authority in named().filter(|authority| authority.facts.may_sign_lists) {
                list.try_signer(&authority.facts.public_key);
            }
            if list.signer().is_none() {
                let is_known = named().next().is_some();
                let (path, issuer) = (list.file.clone(), list.issuer.clone());
                warnings.push(if is_known {
                    PolicyWarning::ListNotSigned { path, issuer }
                } else {
                    PolicyWarning::ListOfUnknownIssuer { path, issuer }
                });
            }
        }
        let superseded: Vec<bool> = self.lists.iter().map(|list| self.is_superseded(list, now)).collect();
        let mut superseded = superseded.into_iter();
        self.lists.retain(|_| !superseded.next().unwrap_or(false));
        for list in &self.lists {
            if list.next_update <= now && !self.has_current(list, now) {
                warnings.push(PolicyWarning::ListExpired {
                    path: list.file.clone(),
                    issuer: list.issuer.clone(),
                    since: crate::fault::time_text(list.next_update),
                });
            }
        }
        for authority in authorities.iter().filter(|_| !self.lists.is_empty()) {
            let public_key = authority.facts.public_key.as_slice();
            if !self.lists.iter().any(|list| list.signer() == Some(public_key)) {
                warnings.push(PolicyWarning::NoList {
                    path: authority.file.clone(),
                    authority: authority.facts.subject.clone(),
                });
            }
        }
    }

    /// Whether another list of the same key and scope was issued later, is valid now, and stays so for as long.
    fn is_superseded(&self, old: &List, now: i64) -> bool {
        let newer = |list: &&List| {
            list.this_update > old.this_update && list.this_update <= now && list.next_update >= old.next_update
        };
        self.siblings(old).filter(newer).any(|list| list.next_update > now)
    }

    fn has_current(&self, of: &List, now: i64) -> bool {
        self.siblings(of)
            .any(|list| list.this_update <= now && now < list.next_update)
    }

    fn siblings<'a>(&'a self, of: &'a List) -> impl Iterator<Item = &'a List> {
        self.lists
            .iter()
            .filter(|list| of.signer().is_some() && list.has_scope_of(of))
    }

    /// The entry of the folder that is this very certificate: same issuer, same number.
    pub(crate) fn dropped_in(&self, certificate: &Facts) -> Option<&Dropped> {
        let key = (certificate.issuer_der.clone(), certificate.serial.clone());
        self.dropped.get(*self.by_number.get(&key)?)
    }

    /// The entry of the folder that is an authority with the key of this one: a revoked key vouches for nothing, whatever
    /// certificate it comes with.
    pub(crate) fn dropped_authority(&self, authority: &Facts) -> Option<&Dropped> {
        self.dropped_authorities()
            .find(|dropped| {
                dropped.facts.subject_der == authority.subject_der && dropped.facts.public_key == authority.public_key
            })
            .or_else(|| self.dropped_in(authority))
    }

    /// The entry of the folder that issued a certificate (`der`).
    pub(crate) fn dropped_issuer(&self, certificate: &Facts, der: &[u8]) -> Option<&Dropped> {
        self.dropped_authorities()
            .filter(|dropped| dropped.facts.subject_der == certificate.issuer_der)
            .take(UNKNOWN_SIGNATURES_MAX)
            .find(|dropped| is_signed_by(der, &dropped.facts.public_key))
    }

    fn dropped_authorities(&self) -> impl Iterator<Item = &Dropped> {
        self.dropped.iter().filter(|dropped| dropped.facts.is_authority)
    }

    /// What the lists signed by `issuer` say of a certificate that it issued. Without any list there is nothing to say.
    pub(crate) fn standing(&self, certificate: &Facts, as_authority: bool, issuer: &Facts, now: i64) -> Standing<'_> {
        if self.lists.is_empty() {
            return Standing::Good;
        }
        let mut unknown_signatures = 0;
        let of_issuer = self.lists.iter().filter(|list| {
            if !issuer.may_sign_lists || !list.covers(certificate, as_authority) {
                return false;
            }
            unknown_signatures += usize::from(list.signer().is_none());
            unknown_signatures <= UNKNOWN_SIGNATURES_MAX && list.is_signed_by(&issuer.public_key)
        });
        judge(of_issuer, certificate, now)
    }

    /// What lists say of a certificate whose issuer is not at hand: those signed by `issuer_key` if the trusted folder has
    /// it, else all that bear the issuer's name, whoever signed them.
    pub(crate) fn standing_by_name(&self, certificate: &Facts, issuer_key: Option<&[u8]>, now: i64) -> Standing<'_> {
        let named = self.lists.iter().filter(|list| {
            let as_authority = certificate.is_authority;
            let covers = list.covers(certificate, false) || (as_authority && list.covers(certificate, true));
            covers && issuer_key.is_none_or(|key| list.signer() == Some(key))
        });
        judge(named, certificate, now)
    }
}

/// What lists say of a certificate, given newest first.
fn judge<'a>(lists: impl Iterator<Item = &'a List>, certificate: &Facts, now: i64) -> Standing<'a> {
    let (mut expired, mut not_begun): (Option<&List>, Option<&List>) = (None, None);
    let mut current: Vec<&List> = Vec::new();
    for list in lists {
        if list.this_update > now {
            not_begun = Some(list);
            continue;
        }
        if current.iter().any(|newer| newer.has_scope_of(list)) {
            continue;
        }
        if list.revokes(&certificate.serial) {
            return Standing::Revoked(list);
        }
        if now < list.next_update {
            current.push(list);
        } else {
            expired = expired.or(Some(list));
        }
    }
    match (current.is_empty(), expired, not_begun) {
        (false, _, _) => Standing::Good,
        (true, Some(list), _) => Standing::Expired(list),
        (true, None, Some(list)) => Standing::NotBegun(list),
        (true, None, None) => Standing::Unknown,
    }
}
