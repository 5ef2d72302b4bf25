//! The listeners as clients see them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test")]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bastide_http_api::{HttpLimits, QueryLimits};
use support::start;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test(flavor = "multi_thread")]
async fn serves_discovery_health_and_security_text_with_security_headers() {
    let server = start(HttpLimits::default(), QueryLimits::default()).await;
    let discovery = server.get("/").await;
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
    assert!(server.get("/health/live").await.starts_with("HTTP/1.1 200"));
    assert!(server.get("/health/ready").await.starts_with("HTTP/1.1 200"));
    server.ready.store(false, Ordering::Relaxed);
    assert!(server.get("/health/ready").await.starts_with("HTTP/1.1 503"));
    let security = server.get("/.well-known/security.txt").await;
    assert!(
        security.contains("Contact: mailto:security@example.com\n") && security.contains("\nExpires: 2"),
        "{security}"
    );
    let missing = server.get("/db/neo4j/tx").await;
    assert!(
        missing.starts_with("HTTP/1.1 404") && missing.contains("nosniff"),
        "{missing}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_bodies_large_heads_and_other_methods() {
    let server = start(HttpLimits::default(), QueryLimits::default()).await;
    let body = server
        .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\nConnection: close\r\n\r\nx")
        .await;
    assert!(body.starts_with("HTTP/1.1 413"), "{body}");
    let method = server
        .ask("DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(method.starts_with("HTTP/1.1 405"), "{method}");
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    let large = server.ask(&head).await;
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
    let server = start(limits, QueryLimits::default()).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HT").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut second = server.connect().await;
    let mut answer = Vec::new();
    // Closed or reset without an answer.
    let _ = second.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    let _ = slow.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    // The place is free again.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.get("/health/live").await.starts_with("HTTP/1.1 200"));
    server.server.stop(Duration::from_secs(1)).await;
}
