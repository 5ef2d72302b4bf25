//! What happens before a login: TLS levels, first bytes, WebSocket, limits.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/client.rs"]
mod client;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bastide_bolt::*;
use bastide_bolt_server::{BoltServer, Config, ConnectionLimits, RefusalReason, TlsLevel, Transport};
use client::{Client, proposal, tls_stream};
use futures::{SinkExt, StreamExt};
use rustls::pki_types::CertificateDer;
use support::{FakeBackend, Refusals};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

const NEWEST: Version = Version::new(5, 8);

struct Listening {
    _server: BoltServer,
    address: SocketAddr,
    backend: Arc<FakeBackend>,
    events: Arc<Refusals>,
    certificate: CertificateDer<'static>,
}

async fn listen(tls_level: TlsLevel, limits: ConnectionLimits) -> Listening {
    let (source, certificate) = support::tls();
    let config = Config {
        tls_level,
        limits,
        ..Config::requiring_tls(source, "Neo4j/5")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (backend, events) = (Arc::new(FakeBackend::default()), Arc::new(Refusals::default()));
    let server = BoltServer::start(
        vec![listener],
        config,
        Arc::clone(&backend) as _,
        Arc::clone(&events) as _,
    )
    .unwrap();
    let address = server.local_addresses()[0];
    Listening {
        _server: server,
        address,
        backend,
        events,
        certificate,
    }
}

impl Listening {
    async fn refusal(&self) -> RefusalReason {
        loop {
            if let Some(reason) = self.events.0.lock().unwrap().pop() {
                return reason;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Everything until the end of the connection.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn required_tls_closes_plain_connections_without_an_answer() {
    let listening = listen(TlsLevel::Required, ConnectionLimits::default()).await;
    for bytes in [
        proposal(NEWEST),
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".to_vec(),
        vec![0x60],
    ] {
        let mut socket = TcpStream::connect(listening.address).await.unwrap();
        socket.write_all(&bytes).await.unwrap();
        assert_eq!(rest(&mut socket).await, [0_u8; 0]);
        assert_eq!(listening.refusal().await, RefusalReason::PlainRefused);
    }
    let mut client = Client::over(tls_stream(listening.address, &listening.certificate).await, NEWEST).await;
    client.log_on("neo4j", "secret").await.unwrap();
    assert!(listening.backend.logins.lock().unwrap()[0].encrypted);
}

#[tokio::test(flavor = "multi_thread")]
async fn optional_tls_takes_both_and_disabled_only_plain() {
    let listening = listen(TlsLevel::Optional, ConnectionLimits::default()).await;
    Client::logged_on(listening.address, NEWEST).await;
    let mut client = Client::over(tls_stream(listening.address, &listening.certificate).await, NEWEST).await;
    client.log_on("neo4j", "secret").await.unwrap();
    let encrypted: Vec<_> = listening
        .backend
        .logins
        .lock()
        .unwrap()
        .iter()
        .map(|login| login.encrypted)
        .collect();
    assert_eq!(encrypted, [false, true]);

    let listening = listen(TlsLevel::Disabled, ConnectionLimits::default()).await;
    Client::logged_on(listening.address, NEWEST).await;
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket.write_all(&[0x16, 3, 1, 0, 5]).await.unwrap();
    assert_eq!(rest(&mut socket).await, [0_u8; 0]);
    assert_eq!(listening.refusal().await, RefusalReason::TlsNotConfigured);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_bytes_may_come_slowly_one_by_one() {
    let listening = listen(TlsLevel::Optional, ConnectionLimits::default()).await;
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in proposal(NEWEST) {
        socket.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut answer = [0; 4];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, NEWEST.to_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_bytes_around_a_tls_hello_never_reach_bolt() {
    let listening = listen(TlsLevel::Optional, ConnectionLimits::default()).await;
    // A plain handshake smuggled in behind the first bytes of a TLS record.
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket
        .write_all(&[&[0x16, 3, 1, 0, 1, 1][..], &proposal(NEWEST)].concat())
        .await
        .unwrap();
    let answer = rest(&mut socket).await;
    assert_ne!(answer.get(..4), Some(&NEWEST.to_bytes()[..]), "{answer:?}");
    assert!(matches!(listening.refusal().await, RefusalReason::TlsFailed(_)));
    // TLS behind a plain handshake is read as (broken) Bolt, not as TLS: its first two bytes are the length of a chunk.
    let mut client = Client::plain(listening.address, NEWEST).await;
    client
        .stream
        .write_all(&[&[0x16, 3][..], &[1; 0x1603], &[0, 0]].concat())
        .await
        .unwrap();
    assert!(matches!(client.next().await, Some(Response::Failure(failure)) if failure.gql_status == "08N06"));
    assert!(client.is_closed().await);
    assert!(matches!(listening.refusal().await, RefusalReason::ProtocolError(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_are_refused() {
    let listening = listen(TlsLevel::Optional, ConnectionLimits::default()).await;
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    assert_eq!(rest(&mut socket).await, [0_u8; 0]);
    assert_eq!(listening.refusal().await, RefusalReason::UnknownProtocol);
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket.write_all(&proposal(Version::new(3, 0))).await.unwrap();
    assert_eq!(rest(&mut socket).await, [0; 4], "nothing in common");
    assert!(matches!(listening.refusal().await, RefusalReason::HandshakeFailed(_)));
}

async fn over_web_socket<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let (mut socket, _) = tokio_tungstenite::client_async("ws://localhost/", stream)
        .await
        .unwrap();
    // Where frames are cut means nothing.
    let bytes = proposal(NEWEST);
    socket.send(Message::Binary(bytes[..3].to_vec().into())).await.unwrap();
    socket.send(Message::Binary(bytes[3..].to_vec().into())).await.unwrap();
    let Some(Ok(Message::Binary(answer))) = socket.next().await else {
        panic!()
    };
    assert_eq!(answer.as_ref(), NEWEST.to_bytes());
    let hello = Request::Hello(Hello {
        user_agent: "browser".to_owned(),
        bolt_agent: Some(vec![("product".to_owned(), "x".into())]),
        ..Hello::default()
    });
    let mut output = Vec::new();
    for request in [hello, Request::Logon(client::token("neo4j", "secret"))] {
        write_message(&mut output, Dialect::new(NEWEST), |writer| request.write(writer));
    }
    socket.send(Message::Binary(output.into())).await.unwrap();
    let mut dechunker = Dechunker::new(usize::MAX);
    let mut answers = Vec::new();
    while answers.len() < 2 {
        let Some(Ok(Message::Binary(bytes))) = socket.next().await else {
            panic!()
        };
        let mut input = bytes.as_ref();
        while let Some(message) = dechunker.feed(&mut input).unwrap() {
            answers.push(Response::decode(&message, Dialect::new(NEWEST)).unwrap());
        }
    }
    assert!(answers.iter().all(|answer| matches!(answer, Response::Success(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn web_sockets_carry_bolt_plain_and_inside_tls() {
    let listening = listen(TlsLevel::Optional, ConnectionLimits::default()).await;
    over_web_socket(TcpStream::connect(listening.address).await.unwrap()).await;
    over_web_socket(tls_stream(listening.address, &listening.certificate).await).await;
    let logins = listening.backend.logins.lock().unwrap();
    assert!(logins.iter().all(|login| login.transport == Transport::WebSocket));
    assert_eq!((logins[0].encrypted, logins[1].encrypted), (false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_may_take_8_kib_and_no_more() {
    let listening = listen(TlsLevel::Disabled, ConnectionLimits::default()).await;
    let hello = |length: usize| {
        Request::Hello(Hello {
            user_agent: "x".repeat(length),
            bolt_agent: Some(vec![("product".to_owned(), "x".into())]),
            ..Hello::default()
        })
    };
    let mut client = Client::plain(listening.address, NEWEST).await;
    client.ask(hello(7_000)).await.unwrap();
    client
        .ask(Request::Logon(client::token("neo4j", "secret")))
        .await
        .unwrap();
    client
        .send(&[client::run("RETURN 1", &[("x", "y".repeat(100_000).into())])])
        .await;
    assert!(
        matches!(client.next().await, Some(Response::Success(_))),
        "after the login the limit is another"
    );
    let mut client = Client::plain(listening.address, NEWEST).await;
    client.send(&[hello(8_200)]).await;
    assert!(client.is_closed().await);
    assert_eq!(listening.refusal().await, RefusalReason::TooManyBytesBeforeLogin);
    // NOOPs count as well.
    let mut client = Client::plain(listening.address, NEWEST).await;
    let _ = client.stream.write_all(&[0; 10_000]).await;
    assert!(client.is_closed().await);
    assert_eq!(listening.refusal().await, RefusalReason::TooManyBytesBeforeLogin);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_log_on_in_time_is_disconnected() {
    let limits = ConnectionLimits {
        login_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let listening = listen(TlsLevel::Optional, limits).await;
    for bytes in [vec![], vec![0x16], vec![0x60, 0x60], proposal(NEWEST)] {
        let mut socket = TcpStream::connect(listening.address).await.unwrap();
        socket.write_all(&bytes).await.unwrap();
        rest(&mut socket).await;
        assert_eq!(listening.refusal().await, RefusalReason::LoginTimedOut);
    }
    let mut client = Client::logged_on(listening.address, NEWEST).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    client.ask(client::run("RETURN 1", &[])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_takes_the_place_of_the_oldest_that_has_not_logged_on() {
    let limits = ConnectionLimits {
        unauthenticated_max: 2,
        ..ConnectionLimits::default()
    };
    let listening = listen(TlsLevel::Disabled, limits).await;
    let mut known = Client::logged_on(listening.address, NEWEST).await;
    let mut oldest = TcpStream::connect(listening.address).await.unwrap();
    oldest.write_all(&[0x60]).await.unwrap();
    let mut second = Client::plain(listening.address, NEWEST).await;
    let mut newcomer = Client::plain(listening.address, NEWEST).await;
    assert_eq!(listening.refusal().await, RefusalReason::GaveWay);
    assert_eq!(rest(&mut oldest).await, [0_u8; 0]);
    newcomer.log_on("neo4j", "secret").await.unwrap();
    second.log_on("neo4j", "secret").await.unwrap();
    assert!(known.ask(Request::Logoff).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_in_all_and_per_address_before_login() {
    let limits = ConnectionLimits {
        connections_max: 4,
        unauthenticated_per_address_max: 2,
        ..ConnectionLimits::default()
    };
    let listening = listen(TlsLevel::Disabled, limits).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(Client::plain(listening.address, NEWEST).await);
    }
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    assert_eq!(rest(&mut socket).await, [0_u8; 0]);
    assert_eq!(
        listening.refusal().await,
        RefusalReason::TooManyUnauthenticatedOfAddress
    );
    for client in &mut clients {
        client.log_on("neo4j", "secret").await.unwrap();
    }
    for _ in 0..2 {
        clients.push(Client::logged_on(listening.address, NEWEST).await);
    }
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    assert_eq!(rest(&mut socket).await, [0_u8; 0]);
    assert_eq!(listening.refusal().await, RefusalReason::TooManyConnections);
}
