//! The database as Bolt connections see it: logins.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bastide_bolt_server::{Authenticated, AuthenticationRequest, Backend, ConnectionDetails};
use bastide_database::{Credentials, Dbms, Origin};
use bastide_secret::SecretString;
use bastide_security::CertificateIdentity;
use bastide_status::{Code, Status};
use bastide_tls::PeerCertificate;

use crate::bolt_session::BoltSession;

/// What routing tables say.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    /// `host:port` that clients are told to connect to.
    pub(crate) address: String,
    /// Whether that was set; if not, a client is told the address it used itself.
    pub(crate) is_address_set: bool,
    /// How long a table holds.
    pub(crate) time_to_live: Duration,
}

/// Opens sessions of the database for Bolt connections.
pub(crate) struct BoltBackend {
    pub(crate) dbms: Arc<Dbms>,
    pub(crate) authentication_enabled: bool,
    /// Whether there are rules that say what users certificates stand for; `trust_all` is then refused.
    pub(crate) certificates_log_in: bool,
    pub(crate) routing: Arc<Routing>,
}

#[async_trait]
impl Backend for BoltBackend {
    async fn authenticate(
        &self,
        request: AuthenticationRequest,
        connection: &ConnectionDetails,
    ) -> Result<Authenticated, Status> {
        let origin = Origin {
            address: connection.peer,
            connection_id: Arc::clone(&connection.connection_id),
        };
        if let (true, "none", true, Some(certificate)) = (
            self.authentication_enabled,
            request.scheme.as_str(),
            self.certificates_log_in,
            connection.certificate.as_deref(),
        ) {
            let identity = certificate_identity(certificate);
            let session = self.dbms.log_in_with_certificate(&identity, origin).await?;
            return Ok(self.authenticated(session));
        }
        let credentials = match request.scheme.as_str() {
            "basic" => Credentials {
                user: request.principal.unwrap_or_default(),
                password: request.credentials.unwrap_or_else(nothing),
            },
            _ if !self.authentication_enabled => Credentials {
                user: String::new(),
                password: nothing(),
            },
            scheme => return Err(unsupported(scheme)),
        };
        let session = self.dbms.log_in(credentials, origin).await?;
        Ok(self.authenticated(session))
    }
}

impl BoltBackend {
    fn authenticated(&self, session: bastide_database::Session) -> Authenticated {
        let credentials_expired = session.password_change_required();
        let session = Box::new(BoltSession {
            session,
            routing: Arc::clone(&self.routing),
        });
        Authenticated {
            session,
            credentials_expired,
        }
    }
}

/// What rules are asked about a verified certificate.
fn certificate_identity(certificate: &PeerCertificate) -> CertificateIdentity {
    let summary = &certificate.summary;
    let is_address = |name: &&String| name.parse::<std::net::IpAddr>().is_ok();
    CertificateIdentity {
        subject: summary.subject.clone(),
        common_names: summary.common_names.clone(),
        dns_names: summary.names.iter().filter(|name| !is_address(name)).cloned().collect(),
        email_names: summary.email_names.clone(),
        uri_names: summary.uri_names.clone(),
        fingerprint: summary.fingerprint.clone(),
    }
}

fn nothing() -> SecretString {
    SecretString::new(String::new())
}

fn unsupported(scheme: &str) -> Status {
    let message = if scheme == "none" {
        "this server wants a user name and a password".to_owned()
    } else {
        let shown: String = scheme.chars().take(64).collect();
        format!("the authentication scheme `{shown}` is not supported")
    };
    Status::new(Code::Unauthorized, message).with_advice("use basic authentication")
}
