//! Entry functions of the fuzz targets: any bytes in, no panic, no more memory than a small multiple of the input.

use crate::{
    Dechunker, Dialect, Handshake, HandshakeProgress, Reader, Request, Response, Version, WireValue, write_message,
};

const MESSAGE_BYTES_MAX: usize = 4096;

/// The handshake must give the same result fed whole and byte by byte.
pub fn fuzz_handshake(data: &[u8]) {
    let outcome = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut handshake = Handshake::new();
        let mut last = Ok(HandshakeProgress::NeedMore);
        'pieces: for mut piece in pieces {
            while !piece.is_empty() {
                last = handshake.feed(&mut piece);
                if !matches!(last, Ok(HandshakeProgress::NeedMore | HandshakeProgress::Send(_))) {
                    break 'pieces;
                }
            }
        }
        last.map(|progress| match progress {
            HandshakeProgress::Send(_) => HandshakeProgress::NeedMore,
            other => other,
        })
    };
    assert_eq!(outcome(&mut std::iter::once(data)), outcome(&mut data.chunks(1)));
}

/// Dechunking must give the same messages fed whole and byte by byte, none over the limit.
pub fn fuzz_chunking(data: &[u8]) {
    let collect = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut dechunker = Dechunker::new(MESSAGE_BYTES_MAX);
        let mut messages = Vec::new();
        for mut piece in pieces {
            loop {
                match dechunker.feed(&mut piece) {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Some(error)),
                }
            }
        }
        (messages, None)
    };
    let whole = collect(&mut std::iter::once(data));
    assert!(whole.0.iter().all(|message| message.len() <= MESSAGE_BYTES_MAX));
    assert_eq!(whole, collect(&mut data.chunks(1)));
}

/// What reads as a value must read as the same value after writing it.
pub fn fuzz_packstream(data: &[u8]) {
    for version in [Version::new(4, 4), Version::new(5, 8)] {
        let dialect = Dialect::new(version);
        let Ok(value) = WireValue::read(&mut Reader::new(data), dialect) else {
            continue;
        };
        let mut output = Vec::new();
        value.write(&mut crate::Writer::new(&mut output, dialect));
        let again = WireValue::read(&mut Reader::new(&output), dialect);
        // NaN differs from itself, so the comparison is of the text.
        assert_eq!(
            format!("{:?}", Ok::<_, crate::PackStreamError>(value)),
            format!("{again:?}")
        );
    }
}

/// Requests and responses decode or are refused; what decodes as a request encodes to one that decodes again.
pub fn fuzz_requests(data: &[u8]) {
    for version in Version::SUPPORTED {
        let dialect = Dialect::new(version);
        let _ = Response::decode(data, dialect);
        let Ok(request) = Request::decode(data, dialect) else {
            continue;
        };
        let mut output = Vec::new();
        write_message(&mut output, dialect, |writer| request.write(writer));
        let mut dechunker = Dechunker::new(usize::MAX);
        let Ok(Some(message)) = dechunker.feed(&mut output.as_slice()) else {
            continue;
        };
        let again = Request::decode(&message, dialect);
        assert!(again.is_ok(), "{request:?} does not decode again: {again:?}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn random_bytes_pass_every_target(data in prop::collection::vec(any::<u8>(), 0..400)) {
            fuzz_handshake(&data);
            fuzz_handshake(&[&crate::MAGIC[..], &data].concat());
            fuzz_handshake(&[&crate::client_proposals()[..], &data].concat());
            fuzz_chunking(&data);
            fuzz_packstream(&data);
            fuzz_requests(&data);
        }
    }
}
