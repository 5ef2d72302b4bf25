//! Results of many batches: a batch is under way while the next one is made, and whatever comes in between finds whole rows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/client.rs"]
mod client;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bastide_bolt::*;
use bastide_bolt_server::{BoltServer, Config, ConnectionLimits, TlsLevel};
use client::{Client, pull, run, tls_stream};
use rustls::pki_types::CertificateDer;
use support::{FakeBackend, Refusals};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const NEWEST: Version = Version::new(5, 8);
/// More than the buffers of all sockets hold.
const ENDLESS: i64 = 50_000_000;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

struct Listening {
    server: BoltServer,
    address: SocketAddr,
    backend: Arc<FakeBackend>,
    certificate: CertificateDer<'static>,
}

async fn listen(keep_alive: Option<Duration>, write_timeout: Duration) -> Listening {
    let (source, certificate) = support::tls();
    let config = Config {
        tls_level: TlsLevel::Optional,
        keep_alive,
        limits: ConnectionLimits {
            write_timeout,
            ..ConnectionLimits::default()
        },
        ..Config::requiring_tls(source, "Neo4j/5")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = Arc::new(FakeBackend::default());
    let events = Arc::new(Refusals::default());
    let server = BoltServer::start(vec![listener], config, Arc::clone(&backend) as _, events).unwrap();
    Listening {
        address: server.local_addresses()[0],
        server,
        backend,
        certificate,
    }
}

impl Listening {
    /// Logged on, without TLS and with it.
    async fn clients(&self) -> [Client<Box<dyn Stream>>; 2] {
        let plain: Box<dyn Stream> = Box::new(tokio::net::TcpStream::connect(self.address).await.unwrap());
        let encrypted: Box<dyn Stream> = Box::new(tls_stream(self.address, &self.certificate).await);
        let mut clients = [Client::over(plain, NEWEST).await, Client::over(encrypted, NEWEST).await];
        for client in &mut clients {
            client.log_on("neo4j", "secret").await.unwrap();
        }
        clients
    }

    async fn await_connections(&self, wanted: usize) {
        while self.server.connections() != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until no batch is made any more, since nobody takes them.
    async fn await_standstill(&self) {
        let batches = || self.backend.batches.load(Ordering::SeqCst);
        let mut before = 0;
        while batches() == 0 || batches() != before {
            before = batches();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn begin() -> Request {
    Request::Begin(TransactionExtra::default())
}

/// Reads rows, which must be numbered from `first` on, up to an answer that is none: that answer, and how many rows there were.
async fn numbered_rows(client: &mut Client<Box<dyn Stream>>, first: i64) -> (i64, Response) {
    let mut expected = first;
    loop {
        match client.next().await.unwrap() {
            Response::Record(row) => assert_eq!(row, [WireValue::Integer(expected)]),
            other => return (expected - first, other),
        }
        expected += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_many_batches_come_whole_and_in_order_among_noops() {
    let listening = listen(Some(Duration::from_millis(1)), Duration::from_secs(60)).await;
    for mut client in listening.clients().await {
        for count in [100_000, 30_000] {
            client.send(&[run("rows", &[("n", count.into())]), pull(None)]).await;
            client.next().await.unwrap();
            let (rows, end) = numbered_rows(&mut client, 1).await;
            assert_eq!(rows, count);
            assert!(matches!(end, Response::Success(_)), "{end:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_the_middle_of_a_pull_ends_it_between_two_rows() {
    let listening = listen(None, Duration::from_secs(60)).await;
    for mut client in listening.clients().await {
        client.ask(begin()).await.unwrap();
        client.ask(run("rows", &[("n", ENDLESS.into())])).await.unwrap();
        client.send(&[pull(None)]).await;
        client.next().await.unwrap();
        listening.await_standstill().await;
        client.send(&[run("RETURN 1", &[]), Request::Reset]).await;
        let (rows, end) = numbered_rows(&mut client, 2).await;
        assert!(rows < ENDLESS - 1);
        assert!(matches!(end, Response::Failure(_)), "{end:?}");
        assert_eq!(client.next().await, Some(Response::Ignored));
        assert_eq!(client.next().await, Some(Response::Success(vec![])));
        assert_eq!(listening.backend.open_transactions.load(Ordering::SeqCst), 0);
        client.send(&[run("RETURN 1", &[]), pull(None)]).await;
        client.next().await.unwrap();
        assert_eq!(numbered_rows(&mut client, 1).await.0, 1, "the interruption is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_up_in_the_middle_of_a_pull_rolls_back() {
    let listening = listen(None, Duration::from_secs(60)).await;
    for (mut client, left) in listening.clients().await.into_iter().zip([1, 0]) {
        client
            .send(&[begin(), run("rows", &[("n", ENDLESS.into())]), pull(None)])
            .await;
        for _ in 0..3 {
            client.next().await.unwrap();
        }
        drop(client);
        listening.await_connections(left).await;
        assert_eq!(listening.backend.open_transactions.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_for_too_long_is_disconnected_and_rolled_back() {
    let listening = listen(None, Duration::from_millis(300)).await;
    let mut clients = listening.clients().await;
    for client in &mut clients {
        client
            .send(&[begin(), run("rows", &[("n", ENDLESS.into())]), pull(None)])
            .await;
    }
    listening.await_connections(0).await;
    assert_eq!(listening.backend.open_transactions.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_waits_for_nobody_who_takes_nothing() {
    let listening = listen(None, Duration::from_secs(3600)).await;
    let mut clients = listening.clients().await;
    for client in &mut clients {
        client.send(&[run("rows", &[("n", ENDLESS.into())]), pull(None)]).await;
    }
    listening.await_standstill().await;
    let connections = listening.server.connection_count();
    listening.server.stop(Duration::from_millis(10)).await;
    assert_eq!(connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_tls_is_told_the_end_of_it_and_who_just_goes_is_forgotten() {
    let listening = listen(None, Duration::from_secs(60)).await;
    let [_, mut polite] = listening.clients().await;
    polite.stream.shutdown().await.unwrap();
    // The library calls an end that was not announced an error.
    assert_eq!(polite.stream.read(&mut [0; 16]).await.unwrap(), 0);
    let mut stream = tls_stream(listening.address, &listening.certificate).await;
    stream.write_all(&client::proposal(NEWEST)).await.unwrap();
    stream.read_exact(&mut [0; 4]).await.unwrap();
    let (socket, _) = stream.into_inner();
    drop(socket);
    drop(polite);
    listening.await_connections(0).await;
}
