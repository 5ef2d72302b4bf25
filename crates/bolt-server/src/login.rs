//! HELLO, LOGON and LOGOFF.

use bastide_bolt::{AuthenticationToken, Hello, Version, WireValue};
use bastide_status::{Code, Status};
use tokio::time::{Instant, timeout_at};

use crate::backend::AuthenticationRequest;
use crate::metadata::{self, Pairs};
use crate::worker::Worker;

impl Worker {
    /// Greets, and before 5.1 logs on.
    pub(crate) async fn hello(&mut self, hello: Hello) -> Result<Pairs, Status> {
        let version = self.dialect.version();
        self.details.user_agent = hello.user_agent;
        self.details.driver = hello.bolt_agent.as_ref().and_then(|agent| {
            agent
                .iter()
                .find(|(key, _)| key == "product")
                .and_then(|(_, value)| Some(value.as_str()?.to_owned()))
        });
        self.session_notifications = hello.notifications;
        let mut pairs: Pairs = vec![
            ("server", self.config.server_agent.as_str().into()),
            ("connection_id", self.details.connection_id.as_ref().into()),
            ("hints", self.hints(version)),
        ];
        if version.has_gql_failures() {
            pairs.push(("protocol_version", version.to_string().into()));
        }
        if version == Version::new(4, 4) && hello.patch_bolt.iter().any(|patch| patch == "utc") {
            self.dialect = self.dialect.with_utc_patch();
            pairs.push(("patch_bolt", vec![WireValue::from("utc")].into()));
        }
        if let Some(token) = hello.authentication {
            pairs.extend(self.log_on(token).await?);
        }
        Ok(pairs)
    }

    /// Logs on.
    pub(crate) async fn logon(&mut self, token: AuthenticationToken) -> Result<Pairs, Status> {
        let mut pairs = self.log_on(token).await?;
        if self.dialect.version().echoes_database()
            && let Some(address) = &self.config.advertised_address
        {
            pairs.push(("advertised_address", address.as_str().into()));
        }
        Ok(pairs)
    }

    async fn log_on(&mut self, token: AuthenticationToken) -> Result<Pairs, Status> {
        let request = AuthenticationRequest {
            scheme: token.scheme,
            principal: token.principal,
            credentials: token.credentials,
            realm: token.realm,
        };
        let login = self.backend.authenticate(request, &self.details);
        let authenticated = timeout_at(self.login_deadline, login)
            .await
            .map_err(|_| Status::new(Code::AuthenticationRateLimit, "the login took too long"))??;
        let ended = authenticated.session.ended();
        if ended.borrow().is_some() {
            return Err(Status::new(Code::AuthorizationExpired, "the user may no longer log on"));
        }
        self.session = Some(authenticated.session);
        self.registration.logged_on();
        Ok(if authenticated.credentials_expired {
            vec![("credentials_expired", true.into())]
        } else {
            Vec::new()
        })
    }

    /// Forgets the user; the next one has as long to log on as a new connection.
    pub(crate) fn log_off(&mut self) {
        self.watchers.end_of_session = None;
        self.session = None;
        self.login_deadline = Instant::now() + self.config.limits.login_timeout;
    }

    fn hints(&self, version: Version) -> WireValue {
        let mut hints = Vec::new();
        if let (Some(seconds), Some(_)) = (self.config.receive_timeout_hint_seconds, self.config.keep_alive) {
            hints.push((
                "connection.recv_timeout_seconds".to_owned(),
                metadata::number(u64::from(seconds)),
            ));
        }
        if version.has_telemetry() {
            hints.push(("telemetry.enabled".to_owned(), false.into()));
        }
        hints.into()
    }
}
