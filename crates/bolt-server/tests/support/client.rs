//! A client that speaks Bolt message by message over any byte stream.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "test support, each user needs a part of it"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use bastide_bolt::*;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub struct Client<S> {
    pub stream: S,
    pub dialect: Dialect,
    dechunker: Dechunker,
    received: Vec<u8>,
    pub noops: usize,
}

pub async fn tls_stream(address: SocketAddr, certificate: &CertificateDer<'static>) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .unwrap()
}

impl Client<TcpStream> {
    pub async fn plain(address: SocketAddr, version: Version) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), version).await
    }

    pub async fn logged_on(address: SocketAddr, version: Version) -> Self {
        let mut client = Self::plain(address, version).await;
        client.log_on("neo4j", "secret").await.unwrap();
        client
    }
}

pub fn proposal(version: Version) -> Vec<u8> {
    [&MAGIC[..], &version.to_bytes(), &[0; 12]].concat()
}

pub fn token(user: &str, password: &str) -> AuthenticationToken {
    AuthenticationToken {
        scheme: "basic".to_owned(),
        principal: Some(user.to_owned()),
        credentials: Some(password.to_owned().into()),
        ..AuthenticationToken::default()
    }
}

pub fn run(statement: &str, parameters: &[(&str, WireValue)]) -> Request {
    let parameters = parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    Request::Run(Run {
        statement: statement.to_owned(),
        parameters,
        ..Run::default()
    })
}

pub fn pull(count: Option<u64>) -> Request {
    Request::Pull(Pull { count, query_id: None })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub async fn over(mut stream: S, version: Version) -> Self {
        stream.write_all(&proposal(version)).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, version.to_bytes());
        let dialect = Dialect::new(version);
        Self {
            stream,
            dialect,
            dechunker: Dechunker::new(usize::MAX),
            received: Vec::new(),
            noops: 0,
        }
    }

    pub async fn log_on(&mut self, user: &str, password: &str) -> Result<WireMap, Failure> {
        let hello = Hello {
            user_agent: "test/1".to_owned(),
            bolt_agent: Some(vec![("product".to_owned(), "test-driver/1".into())]),
            authentication: Some(token(user, password)),
            ..Hello::default()
        };
        let mut pairs = self.ask(Request::Hello(hello)).await?;
        if self.dialect.version().has_logon() {
            pairs.extend(self.ask(Request::Logon(token(user, password))).await?);
        }
        Ok(pairs)
    }

    pub async fn send(&mut self, requests: &[Request]) {
        let mut output = Vec::new();
        for request in requests {
            write_message(&mut output, self.dialect, |writer| request.write(writer));
        }
        self.stream.write_all(&output).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next response; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Response> {
        loop {
            let mut input = self.received.as_slice();
            let message = self.dechunker.feed(&mut input).unwrap();
            self.received = input.to_vec();
            if let Some(message) = message {
                return Some(Response::decode(&message, self.dialect).unwrap());
            }
            let mut buffer = [0; 8192];
            match self.stream.read(&mut buffer).await {
                Ok(count @ 1..) => {
                    if buffer[..count] == NOOP {
                        self.noops += 1;
                    }
                    self.received.extend_from_slice(&buffer[..count]);
                }
                _ => return None,
            }
        }
    }

    /// The answer to one request that has no rows.
    pub async fn ask(&mut self, request: Request) -> Result<WireMap, Failure> {
        self.send(&[request]).await;
        match self.next().await.unwrap() {
            Response::Success(pairs) => Ok(pairs),
            Response::Failure(failure) => Err(*failure),
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Rows up to the next answer that is none, and that answer.
    pub async fn rows(&mut self) -> (Vec<Vec<WireValue>>, Response) {
        let mut rows = Vec::new();
        loop {
            match self.next().await.unwrap() {
                Response::Record(row) => rows.push(row),
                other => return (rows, other),
            }
        }
    }

    pub async fn is_closed(&mut self) -> bool {
        self.next().await.is_none()
    }
}
