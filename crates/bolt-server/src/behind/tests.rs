//! What becomes of bytes under way: taken, not taken, given up.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::sync::Mutex;

use super::Behind;
use crate::transport::ByteStream;
use crate::worker::Output;

const LONG: Duration = Duration::from_secs(3600);
/// What the other side's buffer holds.
const ROOM: usize = 16;

fn connection() -> (Output, DuplexStream) {
    let (near, far) = tokio::io::duplex(ROOM);
    let stream: Box<dyn ByteStream> = Box::new(near);
    let (_reading, sending) = tokio::io::split(stream);
    (Arc::new(Mutex::new(sending)), far)
}

async fn read(far: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    far.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn what_was_sent_comes_whole_and_its_buffer_comes_back_empty() {
    let (sending, mut far) = connection();
    let behind = Behind::start(&sending, vec![7; 100], LONG);
    assert_eq!(read(&mut far, 100).await, [7; 100]);
    let buffer = behind.finish().await.unwrap();
    assert!(buffer.is_empty() && buffer.capacity() >= 100);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_nothing_has_until_the_limit() {
    let (sending, _far) = connection();
    let behind = Behind::start(&sending, vec![7; 100], Duration::from_secs(5));
    let error = behind.finish().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn whoever_is_gone_ends_it() {
    let (sending, far) = connection();
    let behind = Behind::start(&sending, vec![7; 100], LONG);
    drop(far);
    assert_eq!(behind.finish().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_sends_nothing_more_and_holds_nothing() {
    let (sending, mut far) = connection();
    let behind = Behind::start(&sending, vec![7; 100], LONG);
    tokio::task::yield_now().await;
    drop(behind);
    // Free at once, not when the limit is over.
    drop(tokio::time::timeout(LONG / 2, sending.lock()).await.unwrap());
    assert_eq!(read(&mut far, ROOM).await, [7; ROOM], "what was written already");
    tokio::time::timeout(LONG * 2, read(&mut far, 1)).await.unwrap_err();
}
