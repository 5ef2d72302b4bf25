//! Remote sources over HTTP and HTTPS.
//!
//! INVARIANT: a connection is made only to an address that was checked, to the very address, also after a redirect: the guard sits
//! in name resolution, which the client runs for each hop. No proxy of the environment is used.

use std::io::Read;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use bastide_security::RemoteAllowList;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

/// Until a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Until the answer begins.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// For the whole source.
const BODY_TIMEOUT: Duration = Duration::from_secs(3600);
/// How many redirects are followed.
const REDIRECTS_MAX: u32 = 5;
/// The most addresses of one host that are tried.
const ADDRESSES_MAX: usize = 8;

/// Reads remote sources.
#[derive(Debug)]
pub(super) struct RemoteReader {
    agent: Agent,
    bytes_max: u64,
}

impl RemoteReader {
    pub(super) fn new(allowed: RemoteAllowList, bytes_max: u64) -> Self {
        let roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let config = Agent::config_builder()
            .proxy(None)
            .tls_config(tls)
            .max_redirects(REDIRECTS_MAX)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_recv_body(Some(BODY_TIMEOUT))
            .user_agent("Bastide")
            .build();
        Self {
            agent: Agent::with_parts(config, DefaultConnector::default(), GuardedResolver { allowed }),
            bytes_max,
        }
    }

    /// Opens a URL; `None` for whatever reason.
    pub(super) fn open(&self, url: &str) -> Option<Box<dyn Read + Send>> {
        let response = self.agent.get(url).call().ok()?;
        let body = response.into_body().into_with_config().limit(self.bytes_max).reader();
        Some(Box::new(body))
    }
}

/// Resolves names to addresses that may be connected to.
#[derive(Debug)]
struct GuardedResolver {
    allowed: RemoteAllowList,
}

impl Resolver for GuardedResolver {
    fn resolve(&self, uri: &Uri, _config: &Config, _timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = (bare, port).to_socket_addrs().map_err(|_| Error::HostNotFound)?;
        let mut permitted = self.empty();
        for address in found.take(ADDRESSES_MAX) {
            if self.allowed.check(bare, address.ip()).is_ok() {
                permitted.push(address);
            }
        }
        // The same answer for a name that is not there and for one that is not allowed.
        if permitted.is_empty() {
            Err(Error::HostNotFound)
        } else {
            Ok(permitted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn serve(answers: Vec<String>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut request = [0; 2048];
                let _read = stream.read(&mut request);
                let _written = stream.write_all(answer.as_bytes());
            }
        });
        port
    }

    fn answer(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    #[test]
    fn loopback_is_refused_unless_listed() {
        let port = serve(vec![answer("a,b")]);
        let closed = RemoteReader::new(RemoteAllowList::default(), 1024);
        assert!(closed.open(&format!("http://127.0.0.1:{port}/x")).is_none());
        assert!(closed.open(&format!("http://localhost:{port}/x")).is_none());
        assert!(closed.open(&format!("http://[::ffff:127.0.0.1]:{port}/x")).is_none());
        let open = RemoteReader::new(RemoteAllowList::parse(["127.0.0.1"]).unwrap(), 1024);
        let mut text = String::new();
        open.open(&format!("http://127.0.0.1:{port}/x"))
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "a,b");
    }

    #[test]
    fn a_redirect_to_an_address_that_is_not_allowed_is_not_followed() {
        let inner = serve(vec![answer("secret")]);
        let redirect = format!(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:{inner}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let port = serve(vec![redirect]);
        let reader = RemoteReader::new(RemoteAllowList::parse(["127.0.0.1"]).unwrap(), 1024);
        assert!(reader.open(&format!("http://127.0.0.1:{port}/")).is_none());
    }

    #[test]
    fn a_source_that_is_too_large_ends_in_an_error() {
        let port = serve(vec![answer(&"x".repeat(100))]);
        let reader = RemoteReader::new(RemoteAllowList::parse(["127.0.0.1"]).unwrap(), 10);
        let mut text = String::new();
        let read = reader
            .open(&format!("http://127.0.0.1:{port}/"))
            .unwrap()
            .read_to_string(&mut text);
        assert!(read.is_err());
    }
}
