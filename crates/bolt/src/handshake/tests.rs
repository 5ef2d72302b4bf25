//! The handshake against byte vectors worked out from the specification.

use super::*;

fn opening(proposals: [[u8; 4]; 4]) -> Vec<u8> {
    MAGIC.into_iter().chain(proposals.into_iter().flatten()).collect()
}

fn answer(proposals: [[u8; 4]; 4]) -> HandshakeProgress {
    let bytes = opening(proposals);
    let mut input = bytes.as_slice();
    let progress = Handshake::new().feed(&mut input).unwrap();
    assert!(input.is_empty());
    progress
}

fn agreed(major: u8, minor: u8) -> HandshakeProgress {
    HandshakeProgress::Agreed {
        version: Version::new(major, minor),
        reply: vec![0, 0, minor, major],
    }
}

#[test]
fn chooses_the_highest_common_version() {
    assert_eq!(answer([[0, 0, 4, 5], [0, 0, 4, 4], [0; 4], [0; 4]]), agreed(5, 4));
    assert_eq!(answer([[0, 0, 4, 4], [0, 4, 4, 5], [0; 4], [0; 4]]), agreed(5, 4));
    assert_eq!(answer([[0, 8, 8, 5], [0, 2, 4, 4], [0, 0, 0, 3], [0; 4]]), agreed(5, 8));
    assert_eq!(
        answer([[0, 0, 0, 6], [0, 2, 4, 4], [0, 0, 1, 4], [0, 0, 0, 3]]),
        agreed(4, 4)
    );
}

#[test]
fn never_agrees_on_5_5_nor_on_versions_out_of_range() {
    let nothing = HandshakeProgress::NothingInCommon { reply: vec![0; 4] };
    assert_eq!(answer([[0, 0, 5, 5], [0; 4], [0; 4], [0; 4]]), nothing);
    assert_eq!(answer([[0, 1, 5, 5], [0; 4], [0; 4], [0; 4]]), agreed(5, 4));
    assert_eq!(
        answer([[0, 0, 3, 4], [0, 0, 0, 6], [0, 0, 0, 3], [0, 255, 255, 7]]),
        nothing
    );
    assert_eq!(answer([[0; 4]; 4]), nothing);
}

#[test]
fn manifest_lists_the_ranges_and_takes_the_clients_choice() {
    let mut handshake = Handshake::new();
    let bytes = client_proposals();
    let mut input = bytes.as_slice();
    let manifest = vec![0, 0, 1, 0xFF, 3, 0, 2, 8, 5, 0, 4, 4, 5, 0, 0, 4, 4, 0];
    assert_eq!(handshake.feed(&mut input), Ok(HandshakeProgress::Send(manifest)));
    let choice = client_manifest_choice(Version::new(5, 7));
    let mut input: &[u8] = &[&choice[..], &[0xAA]].concat();
    let expected = HandshakeProgress::Agreed {
        version: Version::new(5, 7),
        reply: vec![],
    };
    assert_eq!(handshake.feed(&mut input), Ok(expected));
    assert_eq!(input, [0xAA], "bytes of the first message stay");
    assert_eq!(handshake.feed(&mut input), Err(HandshakeError::Over));
}

#[test]
fn manifest_choice_arrives_byte_by_byte_with_a_long_zero_varint() {
    let mut handshake = Handshake::new();
    let bytes = client_proposals();
    for byte in &bytes[..19] {
        assert_eq!(handshake.feed(&mut [*byte].as_slice()), Ok(HandshakeProgress::NeedMore));
    }
    assert!(matches!(
        handshake.feed(&mut &bytes[19..]),
        Ok(HandshakeProgress::Send(_))
    ));
    for byte in [0, 0, 8, 5, 0x80, 0x80] {
        assert_eq!(handshake.feed(&mut [byte].as_slice()), Ok(HandshakeProgress::NeedMore));
    }
    assert!(matches!(
        handshake.feed(&mut [0].as_slice()),
        Ok(HandshakeProgress::Agreed { .. })
    ));
}

fn choose(choice: &[u8]) -> Result<HandshakeProgress, HandshakeError> {
    let mut handshake = Handshake::new();
    handshake.feed(&mut client_proposals().as_slice())?;
    handshake.feed(&mut { choice })
}

#[test]
fn manifest_choice_outside_the_offer_is_refused() {
    assert_eq!(
        choose(&[0, 0, 5, 5, 0]),
        Err(HandshakeError::NotOffered(Version::new(5, 5)))
    );
    assert_eq!(choose(&[0, 0, 8, 5, 1]), Err(HandshakeError::CapabilitiesNotOffered));
    assert_eq!(
        choose(&[&[0, 0, 8, 5][..], &[0x80; 40]].concat()),
        Err(HandshakeError::CapabilitiesNotOffered)
    );
    assert_eq!(
        choose(&[0, 0, 0, 0, 0]),
        Ok(HandshakeProgress::NothingInCommon { reply: vec![] })
    );
}

#[test]
fn other_protocols_are_refused_at_their_first_wrong_byte() {
    assert_eq!(
        Handshake::new().feed(&mut b"GET / HTTP/1.1".as_slice()),
        Err(HandshakeError::NotBolt)
    );
    assert_eq!(
        Handshake::new().feed(&mut [0x60, 0x61].as_slice()),
        Err(HandshakeError::NotBolt)
    );
}
