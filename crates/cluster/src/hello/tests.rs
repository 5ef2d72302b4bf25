//! Frames to bytes and back, and bytes that are none.

use proptest::prelude::*;

use super::*;

fn name() -> MemberName {
    MemberName::new("one.cluster.test").unwrap()
}

fn frames() -> Vec<Frame> {
    vec![
        Frame::Greeting {
            nonce: [7; 32],
            name: name(),
        },
        Frame::Answer {
            returned: [7; 32],
            nonce: [9; 32],
            name: name(),
        },
        Frame::Confirmation { returned: [9; 32] },
        Frame::Refusal(RefusalCode::Name),
    ]
}

async fn read(mut bytes: &[u8]) -> Result<(Frame, usize), NotEstablished> {
    let frame = read_frame(&mut bytes).await?;
    Ok((frame, bytes.len()))
}

#[tokio::test]
async fn a_frame_is_read_as_it_was_written_and_nothing_beyond_it_is_taken() {
    for frame in frames() {
        let mut bytes = frame.encode();
        bytes.extend_from_slice(b"next");
        assert_eq!(read(&bytes).await.unwrap(), (frame, 4));
    }
}

#[tokio::test]
async fn every_frame_cut_short_is_a_lost_connection() {
    for frame in frames() {
        let bytes = frame.encode();
        for length in 0..bytes.len() {
            let error = read(&bytes[..length]).await.unwrap_err();
            assert!(matches!(error, NotEstablished::Lost(_)), "{error}");
        }
    }
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_the_body_is_awaited() {
    let mut bytes = Frame::Confirmation { returned: [0; 32] }.encode();
    bytes[7..9].copy_from_slice(&u16::MAX.to_be_bytes());
    let error = read(&bytes[..9]).await.unwrap_err();
    assert!(
        matches!(error, NotEstablished::NotAHello(HelloError::TooLong { bytes: 65_535 })),
        "{error}"
    );
}

#[tokio::test]
async fn the_longest_frame_fits_its_limit() {
    let name = MemberName::new(&["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".")).unwrap();
    let frame = Frame::Answer {
        returned: [1; 32],
        nonce: [2; 32],
        name,
    };
    let bytes = frame.encode();
    assert_eq!(bytes.len(), HEAD_BYTES + HELLO_BYTES_MAX);
    assert_eq!(read(&bytes).await.unwrap().0, frame);
}

#[tokio::test]
async fn another_version_is_named_and_its_refusal_is_understood() {
    let with_version_2 = |frame: Frame| {
        let mut bytes = frame.encode();
        bytes[5] = 2;
        bytes
    };
    let error = read(&with_version_2(Frame::Confirmation { returned: [0; 32] }))
        .await
        .unwrap_err();
    assert!(
        matches!(error, NotEstablished::OtherVersion { theirs: 2, ours: 1 }),
        "{error}"
    );
    let refusal = Frame::Refusal(RefusalCode::Version);
    assert_eq!(read(&with_version_2(refusal.clone())).await.unwrap().0, refusal);
}

#[tokio::test]
async fn names_that_are_none_are_refused() {
    for name in [&b"one two"[..], b"\xff", b"", b"a\0b"] {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([0, 1, GREETING, 0, u8::try_from(32 + name.len()).unwrap()]);
        bytes.extend([0; 32]);
        bytes.extend(name);
        let error = read(&bytes).await.unwrap_err();
        assert!(
            matches!(error, NotEstablished::NotAHello(HelloError::Malformed)),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_frame_that_writes_itself_the_same_or_an_error(
        start in prop_oneof![Just(vec![]), Just(b"BCLU\0\x01".to_vec())],
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = [start, rest].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Ok((frame, left)) = runtime.block_on(read(&bytes))
            && bytes[4..6] == PROTOCOL_VERSION.to_be_bytes()
        {
            let used = bytes[..bytes.len() - left].to_ascii_lowercase();
            prop_assert_eq!(frame.encode().to_ascii_lowercase(), used);
        }
    }
}
