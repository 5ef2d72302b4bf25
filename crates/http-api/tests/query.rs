//! The Query API under limits too short for a whole server, and with clients that misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test")]

mod support;

use std::time::Duration;

use bastide_http_api::{HttpLimits, QueryLimits};
use support::{BASIC, post, read_to_end, start, transaction_id};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Runs for as long as it is let.
const ENDLESS: &str = r#"{"statement": "UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x"}"#;
/// More rows than anybody waits for.
const LONG: &str = r#"{"statement": "UNWIND range(1, 1000000000000) AS x RETURN x, 'some text that takes room'"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_transaction_expires_and_is_rolled_back() {
    let limits = QueryLimits {
        transaction_idle_timeout: Duration::from_millis(300),
        ..QueryLimits::default()
    };
    let running = start(HttpLimits::default(), limits).await;
    let opened = running.post("/tx", r#"{"statement": "CREATE (:Lost)"}"#).await;
    assert!(opened.starts_with("HTTP/1.1 202"), "{opened}");
    let id = transaction_id(&opened);
    assert_eq!(running.dbms.running_transactions(), 1);
    running.is_quiet().await;
    let late = running.post(&format!("/tx/{id}/commit"), "").await;
    assert!(
        late.starts_with("HTTP/1.1 404") && late.contains("Neo.ClientError.Transaction.TransactionNotFound"),
        "{late}"
    );
    let count = running
        .post("", r#"{"statement": "MATCH (n:Lost) RETURN count(n)"}"#)
        .await;
    assert!(count.contains("\"values\":[[0]]"), "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_a_transaction_from_expiring() {
    let limits = QueryLimits {
        transaction_idle_timeout: Duration::from_millis(1500),
        ..QueryLimits::default()
    };
    let running = start(HttpLimits::default(), limits).await;
    let id = transaction_id(&running.post("/tx", "").await);
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let kept = running.post(&format!("/tx/{id}"), "").await;
        assert!(kept.starts_with("HTTP/1.1 202"), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_open_transactions_is_limited() {
    let limits = QueryLimits {
        transactions_max: 2,
        ..QueryLimits::default()
    };
    let running = start(HttpLimits::default(), limits).await;
    let first = transaction_id(&running.post("/tx", "").await);
    transaction_id(&running.post("/tx", "").await);
    let third = running.post("/tx", "").await;
    assert!(third.starts_with("HTTP/1.1 503"), "{third}");
    // One that does not begin leaves its place.
    running.post(&format!("/tx/{first}/commit"), "").await;
    for _ in 0..3 {
        let failed = running.post("/tx", r#"{"statement": "RETRUN"}"#).await;
        assert!(failed.starts_with("HTTP/1.1 400"), "{failed}");
    }
    transaction_id(&running.post("/tx", "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_running_statements_is_limited() {
    let limits = QueryLimits {
        statements_max: 1,
        ..QueryLimits::default()
    };
    let running = start(HttpLimits::default(), limits).await;
    let mut busy = running.connect().await;
    busy.write_all(post("", ENDLESS, "*/*").as_bytes()).await.unwrap();
    while running.dbms.running_transactions() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = running.post("", r#"{"statement": "RETURN 1"}"#).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    drop(busy);
    running.is_quiet().await;
    for _ in 0..100 {
        let served = running.post("", r#"{"statement": "RETURN 1"}"#).await;
        if served.starts_with("HTTP/1.1 202") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place was not given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_stops_its_statement() {
    let running = start(HttpLimits::default(), QueryLimits::default()).await;
    for (body, accept) in [(ENDLESS, "*/*"), (LONG, "*/*"), (LONG, "application/jsonl")] {
        let mut client = running.connect().await;
        client.write_all(post("", body, accept).as_bytes()).await.unwrap();
        while running.dbms.running_transactions() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(client);
        running.is_quiet().await;
    }
    let opened = running.post("/tx", r#"{"statement": "CREATE (:Lost)"}"#).await;
    let path = format!("/tx/{}", transaction_id(&opened));
    let mut client = running.connect().await;
    client
        .write_all(post(&path, LONG, "application/jsonl").as_bytes())
        .await
        .unwrap();
    client.read_exact(&mut [0; 4096]).await.unwrap();
    drop(client);
    running.is_quiet().await;
    let gone = running.post(&format!("{path}/commit"), "").await;
    assert!(gone.starts_with("HTTP/1.1 404"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_given_up() {
    let limits = QueryLimits {
        write_timeout: Duration::from_millis(300),
        ..QueryLimits::default()
    };
    let running = start(HttpLimits::default(), limits).await;
    let mut client = running.connect().await;
    client
        .write_all(post("", LONG, "application/jsonl").as_bytes())
        .await
        .unwrap();
    client.readable().await.unwrap();
    running.is_quiet().await;
    let answer = read_to_end(client).await;
    assert!(answer.starts_with("HTTP/1.1 202") && !answer.contains("\"Summary\""));
    assert!(
        !answer.ends_with("0\r\n\r\n"),
        "an answer that is cut must not look complete"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_read_only_after_the_login_and_only_so_long_and_so_much() {
    let limits = QueryLimits {
        body_bytes_max: 1000,
        body_timeout: Duration::from_millis(300),
        ..QueryLimits::default()
    };
    let running = start(HttpLimits::default(), limits).await;
    let head = |authorization: &str, rest: &str| {
        format!(
            "POST /db/neo4j/query/v2 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{authorization}{rest}\r\n"
        )
    };
    let known = format!("Authorization: {BASIC}\r\n");
    // Nothing of the body is sent, and the answer comes all the same.
    let mut stranger = running.connect().await;
    stranger
        .write_all(head("", "Content-Length: 500\r\n").as_bytes())
        .await
        .unwrap();
    let mut status = [0; 12];
    stranger.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 401");
    let announced = running.ask(&head(&known, "Content-Length: 4001\r\n")).await;
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    // A little too much is taken, so that the client gets to the answer.
    let sent = running
        .ask(&(head(&known, "Connection: close\r\nContent-Length: 1001\r\n") + &" ".repeat(1001)))
        .await;
    assert!(sent.starts_with("HTTP/1.1 413"), "{sent}");
    let chunk = format!("1f4\r\n{}\r\n", " ".repeat(500)).repeat(9);
    let chunked = running
        .ask(&(head(&known, "Transfer-Encoding: chunked\r\n") + &chunk))
        .await;
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    let slow = running.ask(&(head(&known, "Content-Length: 500\r\n") + "{")).await;
    assert!(
        slow.starts_with("HTTP/1.1 408") && slow.contains("did not arrive in time"),
        "{slow}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_outlive_the_idle_timeout() {
    let limits = HttpLimits {
        idle_timeout: Duration::from_millis(200),
        request_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let running = start(limits, QueryLimits::default()).await;
    let mut client = running.connect().await;
    client
        .write_all(post("", LONG, "application/jsonl").as_bytes())
        .await
        .unwrap();
    let mut piece = vec![0; 64 * 1024];
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.read_exact(&mut piece).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_rolls_transactions_back_and_ends_what_runs() {
    let running = start(HttpLimits::default(), QueryLimits::default()).await;
    transaction_id(&running.post("/tx", r#"{"statement": "CREATE (:Lost)"}"#).await);
    let mut client = running.connect().await;
    client.write_all(post("", ENDLESS, "*/*").as_bytes()).await.unwrap();
    while running.dbms.running_transactions() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.server.stop(Duration::from_millis(200)).await;
    assert_eq!(running.dbms.running_transactions(), 0);
    drop(client);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_first_rows_is_told_at_the_end() {
    let running = start(HttpLimits::default(), QueryLimits::default()).await;
    let failing = r#"{"statement": "UNWIND range(-300000, 0) AS x RETURN 1 / x"}"#;
    let document = running.post("", failing).await;
    assert!(document.starts_with("HTTP/1.1 202"));
    assert!(
        document.contains("]},\"errors\":[{\"code\":\"Neo.ClientError.Statement.ArithmeticError\""),
        "{}",
        document.chars().rev().take(300).collect::<String>()
    );
    let lines = running.ask(&post("", failing, "application/jsonl")).await;
    assert!(lines.contains("{\"$event\":\"Error\",\"_body\":[{\"code\":\"Neo.ClientError"));
    assert!(!lines.contains("\"Summary\""));
    let short = running
        .post("", r#"{"statement": "UNWIND range(-3, 0) AS x RETURN 1 / x"}"#)
        .await;
    assert!(
        short.starts_with("HTTP/1.1 400") && !short.contains("\"data\""),
        "{short}"
    );
}
