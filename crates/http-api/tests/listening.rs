//! The listeners as clients see them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bastide_http_api::{Config, Discovery, HttpLimits, HttpServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn config(ready: &Arc<AtomicBool>, limits: HttpLimits) -> Arc<Config> {
    let ready = Arc::clone(ready);
    Arc::new(Config {
        discovery: Discovery {
            bolt_routing: Some("neo4j+s://localhost:7687".to_owned()),
            bolt_direct: Some("bolt+s://localhost:7687".to_owned()),
            neo4j_version: "5.26.0".to_owned(),
            neo4j_edition: "community".to_owned(),
        },
        ready: Arc::new(move || ready.load(Ordering::Relaxed)),
        security_contact: Some("mailto:security@example.com".to_owned()),
        https_address: Some("localhost:7473".to_owned()),
        strict_transport_security: Some("max-age=1".to_owned()),
        limits,
    })
}

async fn server(limits: HttpLimits) -> (HttpServer, Arc<AtomicBool>) {
    let ready = Arc::new(AtomicBool::new(true));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (
        HttpServer::start(vec![(listener, None)], &config(&ready, limits)).unwrap(),
        ready,
    )
}

async fn connect(server: &HttpServer) -> TcpStream {
    TcpStream::connect(server.local_addresses().first().unwrap())
        .await
        .unwrap()
}

async fn ask(server: &HttpServer, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Some refusals reset the connection after their answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn get(server: &HttpServer, path: &str) -> String {
    ask(
        server,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_discovery_health_and_security_text_with_security_headers() {
    let (server, ready) = server(HttpLimits::default()).await;
    let discovery = get(&server, "/").await;
    assert!(
        discovery.starts_with("HTTP/1.1 200") && discovery.contains("content-type: application/json"),
        "{discovery}"
    );
    assert!(
        discovery.contains("\"bolt_routing\":\"neo4j+s://localhost:7687\""),
        "{discovery}"
    );
    for header in [
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "cache-control: no-store",
        "default-src 'none'",
    ] {
        assert!(discovery.contains(header), "{header} is missing in {discovery}");
    }
    assert!(
        !discovery.contains("strict-transport-security"),
        "plain HTTP must not send it: {discovery}"
    );
    assert!(get(&server, "/health/live").await.starts_with("HTTP/1.1 200"));
    assert!(get(&server, "/health/ready").await.starts_with("HTTP/1.1 200"));
    ready.store(false, Ordering::Relaxed);
    assert!(get(&server, "/health/ready").await.starts_with("HTTP/1.1 503"));
    let security = get(&server, "/.well-known/security.txt").await;
    assert!(
        security.contains("Contact: mailto:security@example.com\n") && security.contains("\nExpires: 2"),
        "{security}"
    );
    let missing = get(&server, "/db/neo4j/tx").await;
    assert!(
        missing.starts_with("HTTP/1.1 404") && missing.contains("nosniff"),
        "{missing}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_bodies_large_heads_and_other_methods() {
    let (server, _) = server(HttpLimits::default()).await;
    let body = ask(
        &server,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\nConnection: close\r\n\r\nx",
    )
    .await;
    assert!(body.starts_with("HTTP/1.1 413"), "{body}");
    let method = ask(&server, "DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(method.starts_with("HTTP/1.1 405"), "{method}");
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    let large = ask(&server, &head).await;
    assert!(!large.starts_with("HTTP/1.1 200"), "{large}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_idle_clients_are_disconnected_and_the_number_is_limited() {
    let limits = HttpLimits {
        connections_max: 1,
        request_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let (server, _) = server(limits).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"GET / HT").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut second = connect(&server).await;
    let mut answer = Vec::new();
    // Closed or reset without an answer.
    let _ = second.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    let _ = slow.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    // The place is free again.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(get(&server, "/health/live").await.starts_with("HTTP/1.1 200"));
    server.stop(Duration::from_secs(1)).await;
}
