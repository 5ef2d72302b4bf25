//! Responders that answer, redirect, talk too much, or do not answer at all.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::ocsp::fetch::ask_within;
use crate::ocsp::{Fetch, FetchError, HttpFetch};

/// Serves one prepared reply for each connection, and returns what the last request was.
async fn serve(replies: Vec<Vec<u8>>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/ocsp", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for reply in replies {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"question") {
                if stream.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            requests.push(String::from_utf8(request).unwrap());
            // The client hangs up on long replies.
            let _ = stream.write_all(&reply).await;
        }
        requests
    });
    (address, serving)
}

async fn ask(address: &str) -> Result<Vec<u8>, FetchError> {
    HttpFetch.fetch(address, b"question".to_vec()).await
}

fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

#[tokio::test]
async fn posts_the_request_and_returns_the_body_however_it_is_framed() {
    let (address, serving) = serve(vec![
        reply("200 OK\r\nContent-Length: 6", b"answer"),
        reply(
            "200 OK\r\nTransfer-Encoding: chunked",
            b"3\r\nans\r\n3\r\nwer\r\n0\r\n\r\n",
        ),
        reply("200 OK\r\nConnection: close", b"answer"),
    ])
    .await;
    for _ in 0..3 {
        assert_eq!(ask(&address).await.unwrap(), b"answer");
    }
    let requests = serving.await.unwrap();
    let request = requests[0].to_ascii_lowercase();
    assert!(request.starts_with("post /ocsp http/1.1\r\n"), "{request}");
    assert!(
        request.contains("content-type: application/ocsp-request\r\n"),
        "{request}"
    );
    assert!(request.contains("content-length: 8\r\n"), "{request}");
}

#[tokio::test]
async fn follows_one_redirect_within_the_host_only() {
    let moved = |to: &str| reply(&format!("307 Moved\r\nLocation: {to}\r\nContent-Length: 0"), b"");
    let (address, serving) = serve(vec![moved("/new"), reply("200 OK\r\nContent-Length: 6", b"answer")]).await;
    assert_eq!(ask(&address).await.unwrap(), b"answer");
    assert!(serving.await.unwrap()[1].starts_with("POST /new "));
    for elsewhere in [
        "https://127.0.0.1/",
        "http://localhost/",
        "file:///etc/passwd",
        "http://[::1]/",
    ] {
        let (address, _serving) = serve(vec![moved(elsewhere)]).await;
        assert!(
            matches!(ask(&address).await, Err(FetchError::Redirect { .. })),
            "{elsewhere}"
        );
    }
    let (address, _serving) = serve(vec![moved("/new"), moved("/newer")]).await;
    assert!(matches!(ask(&address).await, Err(FetchError::Redirect { .. })));
}

#[tokio::test]
async fn refuses_what_is_too_long_or_no_success() {
    let long = vec![0; 65_537];
    for head in ["200 OK\r\nContent-Length: 65537", "200 OK\r\nConnection: close"] {
        let (address, _serving) = serve(vec![reply(head, &long)]).await;
        assert!(matches!(ask(&address).await, Err(FetchError::TooLong)), "{head}");
    }
    let (address, _serving) = serve(vec![reply(&format!("200 OK\r\nX: {}", "x".repeat(20_000)), b"")]).await;
    assert!(matches!(ask(&address).await, Err(FetchError::Exchange { .. })));
    let (address, _serving) = serve(vec![reply("404 Not Found\r\nContent-Length: 0", b"")]).await;
    assert!(matches!(ask(&address).await, Err(FetchError::Status { status: 404 })));
    let (address, _serving) = serve(vec![b"SSH-2.0-OpenSSH\r\n".to_vec()]).await;
    assert!(matches!(ask(&address).await, Err(FetchError::Exchange { .. })));
    let (address, _serving) = serve(vec![reply("200 OK\r\nContent-Length: 6", b"ans")]).await;
    assert!(matches!(ask(&address).await, Err(FetchError::Exchange { .. })), "cut");
}

#[tokio::test]
async fn says_when_nobody_listens_and_asks_only_over_http() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(ask(&address).await, Err(FetchError::Connect { .. })));
    assert!(matches!(
        ask("https://localhost/").await,
        Err(FetchError::BadAddress { .. })
    ));
}

#[tokio::test]
async fn gives_up_on_a_responder_that_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let asked = ask_within(Duration::from_millis(50), &address, b"question".to_vec()).await;
    assert!(matches!(asked, Err(FetchError::TimedOut { .. })), "{asked:?}");
}
