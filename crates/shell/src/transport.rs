//! The socket, bare or in TLS, with waits short enough to notice Ctrl-C.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use crate::address::{Address, Security};
use crate::error::ConnectionError;
use crate::tls::{ClientIdentity, Trust, client_config};

/// How long one address of a host may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a wait for the server looks whether Ctrl-C was pressed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long the server may refuse to take bytes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the TLS handshake may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream of bytes to a server; reading gives up with `WouldBlock` or `TimedOut` after a moment, and may be tried again.
pub trait Transport: Read + Write + Send {}

impl<T: Read + Write + Send> Transport for T {}

/// Opens a connection and, where the address asks for it, TLS.
///
/// # Errors
/// No such host, nobody answers, or a certificate that is not trusted.
pub fn connect(
    address: &Address,
    trust: &Trust,
    identity: Option<&ClientIdentity>,
) -> Result<Box<dyn Transport>, ConnectionError> {
    let config = (address.security != Security::Plain)
        .then(|| client_config(trust, identity))
        .transpose()?;
    let socket = open_socket(address)?;
    let lost = ConnectionError::Lost;
    socket.set_nodelay(true).map_err(lost)?;
    socket.set_write_timeout(Some(WRITE_TIMEOUT)).map_err(lost)?;
    let Some(config) = config else {
        socket.set_read_timeout(Some(POLL_INTERVAL)).map_err(lost)?;
        return Ok(Box::new(socket));
    };
    let failed = |reason: String| ConnectionError::Tls {
        host: address.host.clone(),
        reason,
    };
    let name = ServerName::try_from(address.host.clone()).map_err(|error| failed(error.to_string()))?;
    let mut session = ClientConnection::new(config, name).map_err(|error| failed(error.to_string()))?;
    let mut socket = socket;
    socket.set_read_timeout(Some(TLS_TIMEOUT)).map_err(lost)?;
    while session.is_handshaking() {
        session
            .complete_io(&mut socket)
            .map_err(|error| failed(explain_tls(&error, trust)))?;
    }
    socket.set_read_timeout(Some(POLL_INTERVAL)).map_err(lost)?;
    Ok(Box::new(StreamOwned::new(session, socket)))
}

fn open_socket(address: &Address) -> Result<TcpStream, ConnectionError> {
    let candidates = (address.host.as_str(), address.port)
        .to_socket_addrs()
        .map_err(|source| ConnectionError::UnknownHost {
            host: address.host.clone(),
            source,
        })?;
    let mut last = std::io::Error::from(ErrorKind::NotFound);
    for candidate in candidates {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(ConnectionError::Unreachable {
        host: address.host.clone(),
        port: address.port,
        source: last,
    })
}

/// What failed in words, and what to do about it.
fn explain_tls(error: &std::io::Error, trust: &Trust) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => match trust {
            Trust::File(path) => format!("its certificate is not signed by an authority of `{}`", path.display()),
            _ => "its certificate is signed by an authority that this system does not know; name its file with --ca \
                  (development servers have it at certificates/development-ca.crt in their home)"
                .to_owned(),
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS here; if that is meant to be so, connect to bolt:// instead".to_owned()
        }
        Some(other) => other.to_string(),
        None if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            "it did not answer in time".to_owned()
        }
        None if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            "it closed the connection; perhaps it does not speak TLS here (then connect to bolt:// instead)".to_owned()
        }
        None => error.to_string(),
    }
}
