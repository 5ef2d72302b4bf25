//! Logins: lock-out, cache, Argon2 on its own threads, audit.
//!
//! INVARIANT: an unknown user, a wrong password and a suspended user take the same path and get the same answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bastide_audit::{Action, Event, Outcome};
use bastide_secret::SecretString;
use bastide_security::{AttemptDecision, AuthenticationFailure, CertificateIdentity, Principal, User};
use bastide_status::{Code, Result, Status};

use crate::dbms::Dbms;
use crate::session::Session;

/// The longest user name that is looked at, in characters; longer ones are wrong anyway.
const NAME_CHARACTERS_MAX: usize = 512;

/// What a client shows to log in.
#[derive(Debug)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// Where a client is.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its address.
    pub address: SocketAddr,
    /// The connection, such as `bolt-17`.
    pub connection_id: Arc<str>,
}

impl Dbms {
    /// Logs a user in.
    ///
    /// # Errors
    /// `Unauthorized` for whatever is wrong with the credentials, `AuthenticationRateLimit` after too many failures.
    pub async fn log_in(self: &Arc<Self>, credentials: Credentials, origin: Origin) -> Result<Session> {
        if !self.configuration.authentication_enabled {
            return Ok(Session::new(
                Arc::clone(self),
                Principal::with_authentication_disabled(),
                Some(origin),
            ));
        }
        let address = origin.address.ip().to_canonical();
        let shown: String = credentials.user.chars().take(NAME_CHARACTERS_MAX).collect();
        if let AttemptDecision::Wait { until } = self.lockout.check(&shown, address, Instant::now()) {
            self.audit_failure(&shown, &origin, "too many failed attempts").await?;
            let seconds = until.saturating_duration_since(Instant::now()).as_secs() + 1;
            return Err(Status::new(Code::AuthenticationRateLimit, "too many failed logins")
                .with_advice(format!("wait {seconds} s and try again")));
        }
        match self.prove(&shown, credentials.password).await? {
            Ok(principal) => {
                self.lockout.succeeded(&shown, address);
                if self.configuration.log_successful_logins {
                    let event = Event::new(Action::Login, Outcome::Success)
                        .with_user(&shown)
                        .with_address(origin.address)
                        .with_detail("connection", &origin.connection_id)
                        .with_detail("method", "password");
                    self.audit_deferred(event).await?;
                }
                Ok(Session::new(Arc::clone(self), principal, Some(origin)))
            }
            Err(failure) => {
                self.lockout.failed(&shown, address, Instant::now());
                // The reason is for the administrator; the client hears the same for each.
                self.audit_failure(&shown, &origin, &failure.to_string()).await?;
                Err(Status::new(
                    Code::Unauthorized,
                    "the client is unauthorized due to authentication failure",
                ))
            }
        }
    }

    /// Logs in the user that a client certificate stands for. Only names of a certificate that was verified may be handed in;
    /// `still_good` says why it is not good any more, if so, since it may have been revoked after its handshake.
    ///
    /// A wrong certificate never got this far, so nothing is to be guessed and the lock-out does not apply.
    ///
    /// # Errors
    /// `Unauthorized` if certificates are no logins here, no rule fits, or the user does not exist or is suspended.
    pub async fn log_in_with_certificate(
        self: &Arc<Self>,
        identity: &CertificateIdentity,
        still_good: std::result::Result<(), String>,
        origin: Origin,
    ) -> Result<Session> {
        let configuration = &self.configuration;
        let refused = || {
            Status::new(
                Code::Unauthorized,
                "the client is unauthorized due to authentication failure",
            )
        };
        let user = configuration
            .certificate_rules
            .as_ref()
            .and_then(|rules| rules.user_of(identity));
        let Some(user) = user else {
            let reason = "no rule fits the certificate";
            self.audit_certificate_failure("", identity, &origin, reason).await?;
            return Err(refused());
        };
        if let Err(reason) = still_good {
            self.audit_certificate_failure(user.as_str(), identity, &origin, &reason)
                .await?;
            return Err(refused());
        }
        let outcome = self
            .authority
            .vouched_for(self.users.find(user.as_str()).as_ref())
            .and_then(|unconfirmed| unconfirmed.confirm(self.users.find(user.as_str()).as_ref()));
        match outcome {
            Ok(principal) => {
                if configuration.log_successful_logins {
                    let event = of_certificate(
                        Event::new(Action::Login, Outcome::Success),
                        user.as_str(),
                        identity,
                        &origin,
                    );
                    self.audit_deferred(event).await?;
                }
                Ok(Session::new(Arc::clone(self), principal, Some(origin)))
            }
            Err(failure) => {
                let reason = failure.to_string();
                self.audit_certificate_failure(user.as_str(), identity, &origin, &reason)
                    .await?;
                Err(refused())
            }
        }
    }

    async fn audit_certificate_failure(
        self: &Arc<Self>,
        user: &str,
        identity: &CertificateIdentity,
        origin: &Origin,
        reason: &str,
    ) -> Result<()> {
        let event = of_certificate(Event::new(Action::Login, Outcome::Failure), user, identity, origin)
            .with_detail("reason", reason);
        let auditor = Arc::clone(&self.auditor);
        run_blocking(move || auditor.record(event)).await
    }

    async fn prove(
        self: &Arc<Self>,
        name: &str,
        password: SecretString,
    ) -> Result<std::result::Result<Principal, AuthenticationFailure>> {
        let user = self.users.find(name);
        let cached = user
            .as_ref()
            .and_then(|user| self.authority.authenticate_from_cache(user, &password, Instant::now()));
        let outcome = match cached {
            Some(unconfirmed) => Ok(unconfirmed),
            None => self.hash(user, password).await?,
        };
        // The user may have been changed while the hash was computed.
        Ok(outcome.and_then(|unconfirmed| unconfirmed.confirm(self.users.find(name).as_ref())))
    }

    async fn hash(
        self: &Arc<Self>,
        user: Option<User>,
        password: SecretString,
    ) -> Result<std::result::Result<bastide_security::Unconfirmed, AuthenticationFailure>> {
        let busy = || Status::new(Code::TooManyRequests, "too many logins are under way").with_advice("try again");
        let _place = self.logins.try_acquire().map_err(|_| busy())?;
        let dbms = Arc::clone(self);
        tokio::task::spawn_blocking(move || dbms.authority.authenticate(user.as_ref(), &password, Instant::now()))
            .await
            .map_err(|_| Status::new(Code::UnknownError, "the login could not be checked"))
    }

    async fn audit_failure(self: &Arc<Self>, user: &str, origin: &Origin, reason: &str) -> Result<()> {
        let event = Event::new(Action::Login, Outcome::Failure)
            .with_user(user)
            .with_address(origin.address)
            .with_detail("connection", &origin.connection_id)
            .with_detail("method", "password")
            .with_detail("reason", reason);
        let auditor = Arc::clone(&self.auditor);
        run_blocking(move || auditor.record(event)).await
    }

    async fn audit_deferred(self: &Arc<Self>, event: Event) -> Result<()> {
        // Waits only while the audit queue is full, so it is worth no thread of its own.
        self.auditor.record_deferred(event)
    }
}

fn of_certificate(event: Event, user: &str, identity: &CertificateIdentity, origin: &Origin) -> Event {
    event
        .with_user(user)
        .with_address(origin.address)
        .with_detail("connection", &origin.connection_id)
        .with_detail("method", "certificate")
        .with_detail("certificate", &identity.subject)
        .with_detail("fingerprint", &identity.fingerprint)
}

async fn run_blocking(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Status::new(Code::UnknownError, "the audit log did not answer"))?
}
