//! The database as Bolt connections see it: logins.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bastide_bolt_server::{Authenticated, AuthenticationRequest, Backend, ConnectionDetails};
use bastide_database::{Credentials, Dbms, Origin};
use bastide_secret::SecretString;
use bastide_status::{Code, Status};
use bastide_tls::{Channel, PeerCertificate};

use crate::bolt_session::BoltSession;
use crate::certificate_identity::certificate_identity;
use crate::check::seconds_now;

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
    /// Where certificates were shown, if there are rules that say what users they stand for.
    pub(crate) certificates: Option<Arc<Channel>>,
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
        if let (true, "none", Some(channel), Some(certificate)) = (
            self.authentication_enabled,
            request.scheme.as_str(),
            &self.certificates,
            connection.certificate.as_deref(),
        ) {
            return self.log_in_with_certificate(channel, certificate, origin).await;
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
    /// A connection may log in again long after its handshake, so the certificate is judged again.
    async fn log_in_with_certificate(
        &self,
        channel: &Channel,
        certificate: &PeerCertificate,
        origin: Origin,
    ) -> Result<Authenticated, Status> {
        let still_good = channel.judge_client(certificate, seconds_now());
        let still_good = still_good.map_err(|failure| failure.to_string());
        let identity = certificate_identity(certificate);
        let session = self.dbms.log_in_with_certificate(&identity, still_good, origin).await?;
        Ok(self.authenticated(session))
    }

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
