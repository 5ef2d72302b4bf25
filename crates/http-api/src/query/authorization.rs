//! Who asks: the header `Authorization`, or without it the client's certificate.
//!
//! INVARIANT: nothing of a request but its head is looked at before this has answered a session.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bastide_database::{Credentials, Dbms, Origin, Session};
use bastide_secret::SecretString;
use bastide_security::CertificateIdentity;
use bastide_status::Code;
use bastide_tls::PeerCertificate;
use zeroize::Zeroizing;

use super::failure::Failure;
use crate::config::QueryConfig;
use crate::peer::{Peer, Shown};

/// What 401 tells a client to send.
pub(crate) const CHALLENGE: &str = "Basic realm=\"Bastide\", charset=\"UTF-8\"";

/// Lets the senders of requests in.
pub(crate) struct Doorkeeper {
    dbms: Arc<Dbms>,
    authentication_enabled: bool,
    certificate_identity: Option<fn(&PeerCertificate) -> CertificateIdentity>,
}

impl Doorkeeper {
    pub(crate) fn new(config: &QueryConfig) -> Self {
        Self {
            dbms: Arc::clone(&config.dbms),
            authentication_enabled: config.authentication_enabled,
            certificate_identity: config.certificate_identity,
        }
    }

    /// Logs the sender of a request in. A header counts before a certificate; and a certificate that a browser shows unasked
    /// does not count for the page of another site, whose requests tell their origin.
    ///
    /// # Errors
    /// 401 for whatever is wrong with the header, the credentials or the certificate, 429 after too many failures.
    pub(crate) async fn log_in(&self, headers: &HeaderMap, peer: &Peer) -> Result<Session, Failure> {
        if let (true, false, Some(identity), Some(shown)) = (
            self.authentication_enabled,
            headers.contains_key(AUTHORIZATION) || headers.contains_key(ORIGIN),
            self.certificate_identity,
            peer.shown.as_deref(),
        ) {
            return self.log_in_with_certificate(identity, shown, peer).await;
        }
        let credentials = if self.authentication_enabled {
            credentials(headers)?
        } else {
            Credentials {
                user: String::new(),
                password: SecretString::new(String::new()),
            }
        };
        let outcome = self.dbms.log_in(credentials, origin(peer)).await;
        entered(outcome, peer, "Invalid username or password.")
    }

    async fn log_in_with_certificate(
        &self,
        identity: fn(&PeerCertificate) -> CertificateIdentity,
        shown: &Shown,
        peer: &Peer,
    ) -> Result<Session, Failure> {
        // Connections outlive certificates and revocations, and every request is a login of its own.
        let still_good = shown.channel.judge_client(&shown.certificate, seconds_now());
        let still_good = still_good.map_err(|failure| failure.to_string());
        let identity = identity(&shown.certificate);
        let outcome = self
            .dbms
            .log_in_with_certificate(&identity, still_good, origin(peer))
            .await;
        entered(
            outcome,
            peer,
            "The client certificate is no login; use Basic authentication.",
        )
    }
}

fn origin(peer: &Peer) -> Origin {
    Origin {
        address: peer.address,
        connection_id: Arc::clone(&peer.connection_id),
    }
}

fn entered(outcome: bastide_status::Result<Session>, peer: &Peer, refusal: &str) -> Result<Session, Failure> {
    outcome
        .inspect(|_| peer.logged_in())
        .map_err(|status| match status.code() {
            Code::Unauthorized => unauthorized(refusal),
            _ => status.into(),
        })
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn credentials(headers: &HeaderMap) -> Result<Credentials, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next(), values.next()) else {
        return Err(invalid());
    };
    let value = value.ok_or_else(|| unauthorized("No authentication header supplied."))?;
    let (scheme, rest) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or_else(invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthorized(
            "Bearer authentication is not available; use Basic authentication.",
        ));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(invalid());
    }
    let bytes = Zeroizing::new(STANDARD.decode(rest.trim()).map_err(|_| invalid())?);
    let (user, password) = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.split_once(':'))
        .ok_or_else(invalid)?;
    Ok(Credentials {
        user: user.to_owned(),
        password: SecretString::new(password.to_owned()),
    })
}

fn unauthorized(message: &str) -> Failure {
    Failure {
        http: StatusCode::UNAUTHORIZED,
        code: Code::Unauthorized.neo4j_code(),
        message: message.to_owned(),
    }
}

fn invalid() -> Failure {
    Failure::format(StatusCode::UNAUTHORIZED, "Invalid authentication header.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(header: &str) -> Result<Credentials, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        credentials(&headers)
    }

    #[test]
    fn a_password_may_hold_colons() {
        let encoded = STANDARD.encode("ada:a:b");
        for scheme in ["Basic", "basic", "BASIC"] {
            let credentials = read(&format!("{scheme} {encoded}")).unwrap();
            assert_eq!(
                (credentials.user.as_str(), credentials.password.expose().as_str()),
                ("ada", "a:b")
            );
        }
    }

    #[test]
    fn the_texts_are_those_of_the_manual() {
        assert_eq!(
            credentials(&HeaderMap::new()).unwrap_err().message,
            "No authentication header supplied."
        );
        for header in [
            "Basic not-proper-base64",
            "Basic",
            "",
            "Basic YWRh",
            "Basic /w==",
            "Digest x",
            "bmVvNGo6eA==",
        ] {
            let failure = read(header).unwrap_err();
            assert_eq!(failure.message, "Invalid authentication header.", "{header}");
            assert_eq!(failure.code, "Neo.ClientError.Request.InvalidFormat");
            assert_eq!(failure.http, StatusCode::UNAUTHORIZED);
        }
        assert!(read("Bearer abc").unwrap_err().message.starts_with("Bearer"));
    }

    #[test]
    fn two_headers_are_refused() {
        let mut headers = HeaderMap::new();
        for user in ["a:b", "c:d"] {
            let value = format!("Basic {}", STANDARD.encode(user));
            headers.append(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        }
        assert_eq!(
            credentials(&headers).unwrap_err().message,
            "Invalid authentication header."
        );
    }
}
