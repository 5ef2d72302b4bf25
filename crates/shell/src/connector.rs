//! From arguments to a session: address, trust, credentials, and a password that must be changed first.

use std::io::IsTerminal;

use bastide_secret::SecretString;

use crate::address::{Address, Security};
use crate::arguments::{AccessMode, ShellArguments};
use crate::connection::Connection;
use crate::error::{ConnectionError, ShellError};
use crate::home::Home;
use crate::interrupt::Interrupt;
use crate::password;
use crate::session::{Credentials, Session};
use crate::tls::{ClientIdentity, Trust};
use crate::transport;

const ADDRESS_DEFAULT: &str = "localhost:7687";

/// All that is needed to connect, again if need be.
pub struct Connector {
    address: Address,
    trust: Trust,
    identity: Option<ClientIdentity>,
    credentials: Credentials,
    database: Option<String>,
    read_only: bool,
    can_ask: bool,
    interrupt: Interrupt,
}

impl Connector {
    /// Takes what the arguments say, and asks for the password if they do not.
    ///
    /// # Errors
    /// An address that makes no sense, or no password and nobody to ask.
    pub fn new(arguments: &ShellArguments, interrupt: Interrupt) -> Result<Self, ShellError> {
        let (address, trust) = target(arguments)?;
        let can_ask = !arguments.non_interactive && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let given = arguments
            .password
            .as_ref()
            .filter(|password| !password.expose().is_empty());
        let password = match given {
            _ if arguments.certificate_login => SecretString::new(String::new()),
            Some(password) => password.clone(),
            None if can_ask => password::ask(&format!("password of {}: ", arguments.username))?,
            None => {
                return Err(ShellError::usage(
                    "there is no password; set NEO4J_PASSWORD, or give it with --password",
                ));
            }
        };
        Ok(Self {
            address,
            trust,
            identity: identity(arguments),
            credentials: Credentials {
                username: arguments.username.clone(),
                password,
                is_certificate: arguments.certificate_login,
            },
            database: arguments.database.clone().filter(|database| !database.is_empty()),
            read_only: arguments.access_mode == AccessMode::Read,
            can_ask,
            interrupt,
        })
    }

    /// What a person should know before the password travels.
    pub fn warnings(&self) -> Vec<String> {
        let host = &self.address.host;
        match self.address.security {
            Security::Plain if !self.address.is_loopback() => vec![format!(
                "warning: the connection to {host} is not encrypted; anybody on the way can read the password (use bolt+s://)"
            )],
            Security::AnyCertificate => vec![format!(
                "warning: the certificate of {host} is not checked; it could be anybody (use bolt+s:// and --ca)"
            )],
            Security::Plain | Security::Verified => Vec::new(),
        }
    }

    /// Where it connects to, as `host:port`.
    pub fn target(&self) -> String {
        let host = &self.address.host;
        if host.contains(':') {
            format!("[{host}]:{}", self.address.port)
        } else {
            format!("{host}:{}", self.address.port)
        }
    }

    /// Connects and logs in; a password that has expired is changed, if there is somebody to ask for a new one.
    ///
    /// # Errors
    /// No connection, a refused login, or an expired password and nobody to ask.
    pub fn connect(&mut self) -> Result<Session, ShellError> {
        let mut session = self.log_in()?;
        if session.credentials_expired() {
            if !self.can_ask {
                return Err(ShellError::usage(format!(
                    "the password of `{user}` has expired and must be changed first: bastide shell -u {user} --change-password \
                     (on a terminal), or ALTER CURRENT USER SET PASSWORD FROM '…' TO '…' against the database system",
                    user = self.credentials.username
                )));
            }
            eprintln!("the password has expired; choose a new one");
            session = self.change_password_of(session)?;
        }
        session.choose_database(self.database.clone());
        session.allow_only_reads(self.read_only);
        Ok(session)
    }

    /// Asks for a new password, sets it and ends.
    ///
    /// # Errors
    /// Nobody to ask, no connection, or the server's refusal.
    pub fn change_password(&mut self) -> Result<(), ShellError> {
        if !self.can_ask {
            return Err(ShellError::usage("a new password can only be asked for on a terminal"));
        }
        let session = self.log_in()?;
        self.change_password_of(session)?.close();
        Ok(())
    }

    /// Sessions outlive the password they were opened with in some servers and not in others, so a new one is opened.
    fn change_password_of(&mut self, mut session: Session) -> Result<Session, ShellError> {
        let new: SecretString = password::ask_new()?;
        session.change_password(&self.credentials.password, &new)?;
        session.close();
        self.credentials.password = new;
        self.log_in()
    }

    fn log_in(&self) -> Result<Session, ShellError> {
        let transport = transport::connect(&self.address, &self.trust, self.identity.as_ref())?;
        let connection = Connection::open(transport, self.interrupt.clone())?;
        Session::log_in(connection, &self.credentials)
    }
}

fn identity(arguments: &ShellArguments) -> Option<ClientIdentity> {
    Some(ClientIdentity {
        certificate: arguments.certificate.clone()?,
        private_key: arguments.private_key.clone()?,
    })
}

/// Where to connect and whom to believe: what was said, else the server of the home, else the default.
fn target(arguments: &ShellArguments) -> Result<(Address, Trust), ConnectionError> {
    let home = Home::find(arguments.home.as_deref());
    let found = home.as_ref().and_then(Home::bolt_address);
    let text = arguments
        .address
        .clone()
        .or(found)
        .unwrap_or_else(|| ADDRESS_DEFAULT.to_owned());
    let address = Address::parse(&text)?;
    // The development authority vouches for this machine alone.
    let development = || {
        let home = home.as_ref().filter(|_| address.is_loopback())?;
        home.development_authority()
    };
    let trust = match (address.security, &arguments.ca) {
        (Security::AnyCertificate, _) => Trust::Anybody,
        (_, Some(file)) => Trust::File(file.clone()),
        (_, None) => development().map_or(Trust::System, Trust::File),
    };
    Ok((address, trust))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        arguments: ShellArguments,
    }

    fn target_of(arguments: &[&str]) -> (Address, Trust) {
        let line = std::iter::once(&"shell").chain(arguments);
        target(&CommandLine::try_parse_from(line).unwrap().arguments).unwrap()
    }

    #[test]
    fn takes_address_and_authority_from_the_home() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        std::fs::create_dir_all(folder.path().join("certificates")).unwrap();
        std::fs::write(folder.path().join("run/bastide.json"), r#"{"bolt":"127.0.0.1:4711"}"#).unwrap();
        let authority = folder.path().join("certificates/development-ca.crt");
        std::fs::write(&authority, "").unwrap();

        let (address, trust) = target_of(&["--home", home]);
        assert_eq!((address.host.as_str(), address.port), ("127.0.0.1", 4711));
        assert_eq!(address.security, Security::Verified);
        assert_eq!(trust, Trust::File(authority));

        assert_eq!(target_of(&["--home", home, "-a", "db.example"]).1, Trust::System);
        assert_eq!(
            target_of(&["--home", home, "-a", "bolt+ssc://localhost"]).1,
            Trust::Anybody
        );
        assert_eq!(
            target_of(&["--home", home, "--ca", "x.pem"]).1,
            Trust::File("x.pem".into())
        );
    }

    #[test]
    fn without_a_home_it_is_this_machine_with_tls() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        let (address, trust) = target_of(&["--home", absent.to_str().unwrap()]);
        assert_eq!((address.host.as_str(), address.port), ("localhost", 7687));
        assert_eq!((address.security, trust), (Security::Verified, Trust::System));
    }
}
