//! A certificate chain, checked as clients will check it: each certificate for itself, the leaf for its purpose, and each link.
//!
//! INVARIANT: everything that is wrong is told, not only the first fault.

use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::certificate::{CertificateSummary, summarise_certificate};
use crate::fault::{PolicyError, PolicyWarning};
use crate::key_algorithm::RSA_BITS_MIN;
use crate::ocsp::signature::{PublicKey, Signed};
use crate::signature_algorithm::broken_hash;

/// Certificates that end within so many days are warned of.
pub(crate) const WARNING_DAYS: i64 = 30;

/// What a chain is for.
pub(crate) struct Purpose<'a> {
    pub(crate) path: &'a Path,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// Whether the leaf is shown by clients as well.
    pub(crate) serves_both_ends: bool,
    /// The public key that belongs to the private key, if that could be read.
    pub(crate) public_key: Option<&'a [u8]>,
}

struct Link<'a> {
    place: usize,
    der: &'a [u8],
    parsed: X509Certificate<'a>,
    summary: CertificateSummary,
}

/// Checks a chain. Returns whether the first certificate may be taken for the server's own.
pub(crate) fn check_chain(
    chain: &[CertificateDer<'_>],
    purpose: &Purpose<'_>,
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) -> bool {
    let before = faults.len();
    let links: Vec<_> = chain
        .iter()
        .enumerate()
        .filter_map(|(place, der)| read(place, der, purpose, faults))
        .collect();
    if faults.len() > before {
        return true;
    }
    let links = without_copies(links, purpose, faults);
    let (links, is_leaf_first) = in_order(links, purpose, faults);
    for link in &links {
        check_time(link, purpose, faults, warnings);
        check_strength(link, purpose, faults);
        check_usages(link, purpose, faults);
    }
    if let Some((leaf, issuers)) = links.split_first() {
        check_leaf(leaf, purpose, faults, warnings);
        check_issuers(issuers, purpose, faults);
    }
    check_signatures(&links, purpose, faults);
    is_leaf_first
}

fn read<'a>(
    place: usize,
    der: &'a CertificateDer<'_>,
    purpose: &Purpose<'_>,
    faults: &mut Vec<PolicyError>,
) -> Option<Link<'a>> {
    let parsed = X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty());
    let (Some((_, parsed)), Some(summary)) = (parsed, summarise_certificate(der)) else {
        faults.push(PolicyError::BadPem {
            path: purpose.path.to_owned(),
            reason: format!("block {} is no X.509 certificate", place + 1),
        });
        return None;
    };
    Some(Link {
        place,
        der,
        parsed,
        summary,
    })
}

fn without_copies<'a>(links: Vec<Link<'a>>, purpose: &Purpose<'_>, faults: &mut Vec<PolicyError>) -> Vec<Link<'a>> {
    let mut kept: Vec<Link<'a>> = Vec::new();
    for link in links {
        if kept.iter().any(|other| other.der == link.der) {
            faults.push(PolicyError::DuplicateCertificate {
                path: purpose.path.to_owned(),
                subject: link.summary.subject,
            });
        } else {
            kept.push(link);
        }
    }
    kept
}

impl Link<'_> {
    fn is_issued_by(&self, other: &Link<'_>) -> bool {
        self.der != other.der && self.parsed.issuer().as_raw() == other.parsed.subject().as_raw()
    }

    fn has_signature_of(&self, other: &Link<'_>) -> bool {
        let signed = Signed::from_der(self.der);
        let key = PublicKey::from_der(other.parsed.public_key().raw);
        matches!((signed, key), (Ok(signed), Ok(key)) if signed.verify(&key).is_ok())
    }
}

/// The links from the leaf upwards, whatever the order of the file, with faults for what is out of order or does not belong
/// there; and whether the leaf was the first.
fn in_order<'a>(links: Vec<Link<'a>>, purpose: &Purpose<'_>, faults: &mut Vec<PolicyError>) -> (Vec<Link<'a>>, bool) {
    let Some(first) = leaf_of(&links, purpose) else {
        return (links, true);
    };
    let total = links.len();
    let mut rest = links;
    let mut ordered = vec![rest.remove(first)];
    while let Some(last) = ordered.last()
        && let Some(next) = issuer_of(last, &rest)
    {
        ordered.push(rest.remove(next));
    }
    for stray in &rest {
        faults.push(PolicyError::UnrelatedCertificate {
            path: purpose.path.to_owned(),
            subject: stray.summary.subject.clone(),
            place: stray.place + 1,
        });
    }
    if !ordered.is_sorted_by_key(|link| link.place) {
        let mut as_found: Vec<_> = ordered.iter().collect();
        as_found.sort_by_key(|link| link.place);
        faults.push(PolicyError::WrongOrder {
            path: purpose.path.to_owned(),
            found: numbered(as_found.into_iter()),
            wanted: numbered(ordered.iter()),
        });
    }
    let is_leaf_first = first == 0 || total < 2;
    (ordered, is_leaf_first)
}

/// The certificate of the private key; without one, the first that issued none of the others.
fn leaf_of(links: &[Link<'_>], purpose: &Purpose<'_>) -> Option<usize> {
    let of_key = purpose
        .public_key
        .and_then(|key| links.iter().position(|link| link.parsed.public_key().raw == key));
    let of_none = || {
        links
            .iter()
            .position(|link| !links.iter().any(|other| other.is_issued_by(link)))
    };
    of_key.or_else(of_none).or((!links.is_empty()).then_some(0))
}

/// The issuer of a certificate: of several with the name, the one whose key signed it.
fn issuer_of(link: &Link<'_>, others: &[Link<'_>]) -> Option<usize> {
    if link.summary.is_self_signed {
        return None;
    }
    let signer = others
        .iter()
        .position(|other| link.is_issued_by(other) && link.has_signature_of(other));
    signer.or_else(|| others.iter().position(|other| link.is_issued_by(other)))
}

fn numbered<'a, 'b: 'a>(links: impl Iterator<Item = &'a Link<'b>>) -> String {
    let lines: Vec<_> = links
        .map(|link| format!("{}: {}", link.place + 1, link.summary.subject))
        .collect();
    lines.join("; ")
}

fn check_time(
    link: &Link<'_>,
    purpose: &Purpose<'_>,
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) {
    let (path, subject) = (PathBuf::from(purpose.path), link.summary.subject.clone());
    let days = link.summary.days_left(purpose.now);
    if link.summary.not_after < purpose.now {
        faults.push(PolicyError::Expired { path, subject });
    } else if link.summary.not_before > purpose.now {
        faults.push(PolicyError::NotYetValid { path, subject });
    } else if days <= WARNING_DAYS {
        warnings.push(PolicyWarning::ExpiresSoon { path, subject, days });
    }
}

fn check_strength(link: &Link<'_>, purpose: &Purpose<'_>, faults: &mut Vec<PolicyError>) {
    let (path, subject) = (PathBuf::from(purpose.path), link.summary.subject.clone());
    let (algorithm, bits) = (link.summary.key_algorithm.as_str(), link.summary.key_bits);
    let reason = match algorithm {
        "RSA" | "RSA-PSS" if bits < RSA_BITS_MIN => {
            Some(format!("RSA of {bits} bits; at least {RSA_BITS_MIN} are needed"))
        }
        "RSA" | "RSA-PSS" | "EC P-256" | "EC P-384" | "EC P-521" | "Ed25519" => None,
        other => Some(format!("{other}, which TLS clients do not accept")),
    };
    if let Some(reason) = reason {
        let (path, subject) = (path.clone(), subject.clone());
        faults.push(PolicyError::WeakCertificateKey { path, subject, reason });
    }
    // Nobody checks the signature of a root on itself.
    if !(link.summary.is_self_signed && link.summary.is_ca)
        && let Some(hash) = broken_hash(&link.parsed.signature_algorithm)
    {
        faults.push(PolicyError::WeakSignature { path, subject, hash });
    }
}

/// Extended key usages bind all certificates of a chain, not the leaf alone.
fn check_usages(link: &Link<'_>, purpose: &Purpose<'_>, faults: &mut Vec<PolicyError>) {
    let needed = [("serverAuth", true), ("clientAuth", purpose.serves_both_ends)];
    for (usage, _) in needed.into_iter().filter(|(_, is_needed)| *is_needed) {
        if !link.summary.allows(usage) {
            faults.push(PolicyError::MissingUsage {
                path: purpose.path.to_owned(),
                subject: link.summary.subject.clone(),
                usage,
            });
        }
    }
}

fn check_leaf(
    leaf: &Link<'_>,
    purpose: &Purpose<'_>,
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) {
    let (path, summary) = (|| purpose.path.to_owned(), &leaf.summary);
    let subject = || summary.subject.clone();
    if summary.names.is_empty() {
        faults.push(PolicyError::NoNames {
            path: path(),
            subject: subject(),
        });
    }
    match (summary.is_ca, summary.is_self_signed) {
        (true, true) => warnings.push(PolicyWarning::LeafIsItsOwnAuthority {
            path: path(),
            subject: subject(),
        }),
        (true, false) => faults.push(PolicyError::LeafIsAuthority {
            path: path(),
            subject: subject(),
        }),
        (false, _) => {}
    }
    let usages = &summary.key_usages;
    if !usages.is_empty() && !usages.iter().any(|usage| usage == "digitalSignature") {
        warnings.push(PolicyWarning::LeafMayNotSign {
            path: path(),
            subject: subject(),
        });
    }
}

fn check_issuers(issuers: &[Link<'_>], purpose: &Purpose<'_>, faults: &mut Vec<PolicyError>) {
    for (below, link) in issuers.iter().enumerate() {
        let usages = &link.summary.key_usages;
        let may_sign = usages.is_empty() || usages.iter().any(|usage| usage == "keyCertSign");
        let length = link
            .parsed
            .basic_constraints()
            .ok()
            .flatten()
            .and_then(|found| found.value.path_len_constraint);
        let reason = if !link.summary.is_ca {
            "it is not marked as an authority (basic constraints)"
        } else if !may_sign {
            "its key usage does not include keyCertSign"
        } else if length.is_some_and(|length| (length as usize) < below) {
            "more authorities stand below it than it allows (path length)"
        } else {
            continue;
        };
        faults.push(PolicyError::NotAnAuthority {
            path: purpose.path.to_owned(),
            subject: link.summary.subject.clone(),
            reason,
        });
    }
}

fn check_signatures(links: &[Link<'_>], purpose: &Purpose<'_>, faults: &mut Vec<PolicyError>) {
    for pair in links.windows(2) {
        let [link, issuer] = pair else { continue };
        // A broken hash was told, and is not verified.
        if broken_hash(&link.parsed.signature_algorithm).is_none() && !link.has_signature_of(issuer) {
            faults.push(PolicyError::NotSignedByIssuer {
                path: purpose.path.to_owned(),
                subject: link.summary.subject.clone(),
                issuer: issuer.summary.subject.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
