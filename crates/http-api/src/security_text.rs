//! `/.well-known/security.txt` (RFC 9116), with an `Expires` that rolls on.

use jiff::{SignedDuration, Timestamp};

use crate::config::Config;

/// How far ahead `Expires` lies. RFC 9116 asks for less than a year.
const EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Where the page is that the file names if there is no contact.
pub(crate) const POLICY_PATH: &str = "/security-policy";

/// What that page says.
pub(crate) const POLICY: &str = "\
This is a Bastide graph database server. Whoever runs it decides who may test it and where to report what was found:
ask them. Weaknesses of the software itself are reported as the file SECURITY.md of the Bastide project says.
The operator of this server can name a contact of their own.
";

/// The file at the instant `now`.
pub(crate) fn text(config: &Config, now: Timestamp) -> String {
    let expires = now.saturating_add(EXPIRES_AFTER).unwrap_or(Timestamp::MAX);
    let host = config.https_address.as_deref().unwrap_or("localhost");
    let policy = format!("https://{host}{POLICY_PATH}");
    let contact = config.security_contact.as_deref().unwrap_or(&policy);
    format!("Contact: {contact}\nExpires: {expires:.0}\nPreferred-Languages: en\nPolicy: {policy}\n")
}
