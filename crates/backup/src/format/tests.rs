//! Damage of every kind, found and named.

use std::path::Path;

use bastide_store::{KeyRing, LocalFileSystem};

use super::*;
use crate::wire::encode_chunks;

fn key_ring(folder: &Path, name: &str) -> KeyRing {
    KeyRing::create(&LocalFileSystem, &folder.join(name)).unwrap()
}

fn header() -> Header {
    Header {
        backup_id: [7; 16],
        database: "neo4j".to_owned(),
        database_id: [0x11; 16],
        time_ms: 1_750_000_000_123,
        created_ms: 1_700_000_000_000,
        commit: 42,
        source: "localhost:6362".to_owned(),
    }
}

fn data(number: u8) -> Vec<u8> {
    let key = |part: u8| vec![b'n', number, part];
    encode_chunks(&[(key(0), vec![number; 40]), (key(1), vec![])]).unwrap()
}

/// A file of `blocks` blocks and its end, and where each of them begins.
fn artifact(key_ring: &KeyRing, blocks: u8) -> (Vec<u8>, Vec<usize>) {
    let mut writer = BackupWriter::create(Vec::new(), header(), key_ring).unwrap();
    let mut starts = Vec::new();
    for number in 0..blocks {
        starts.push(usize::try_from(writer.bytes()).unwrap());
        writer.write(&data(number)).unwrap();
    }
    starts.push(usize::try_from(writer.bytes()).unwrap());
    (writer.finish().unwrap(), starts)
}

fn read_all(bytes: &[u8], key_ring: &KeyRing) -> Result<(Vec<Vec<u8>>, Totals), FormatError> {
    let mut reader = BackupReader::open(bytes, key_ring)?;
    let mut all = Vec::new();
    while let Some(data) = reader.next_data()? {
        all.push(data);
    }
    assert!(reader.is_complete());
    assert_eq!(reader.bytes(), bytes.len() as u64);
    Ok((all, reader.totals()))
}

#[test]
fn what_was_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    for blocks in [0, 1, 3] {
        let (bytes, _) = artifact(&key_ring, blocks);
        let (all, totals) = read_all(&bytes, &key_ring).unwrap();
        assert_eq!(all, (0..blocks).map(data).collect::<Vec<_>>());
        assert_eq!(totals.chunks, 2 * u64::from(blocks));
        let reader = BackupReader::open(bytes.as_slice(), &key_ring).unwrap();
        assert_eq!(reader.header(), &header());
    }
}

#[test]
fn nothing_is_readable_without_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let mut writer = BackupWriter::create(Vec::new(), header(), &key_ring).unwrap();
    let secret = b"an easily recognised text that does not compress 0123456789";
    writer
        .write(&encode_chunks(&[(b"n0".to_vec(), secret.to_vec())]).unwrap())
        .unwrap();
    let bytes = writer.finish().unwrap();
    assert!(
        !bytes
            .windows(12)
            .any(|window| secret.windows(12).any(|part| part == window))
    );
}

#[test]
fn every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let (bytes, _) = artifact(&key_ring, 2);
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[place] ^= 1 << bit;
            assert!(read_all(&altered, &key_ring).is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn every_cut_is_found_and_named_with_the_block_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let (bytes, starts) = artifact(&key_ring, 3);
    for length in 0..bytes.len() {
        let error = read_all(&bytes[..length], &key_ring).unwrap_err();
        let begun = starts.iter().copied().rfind(|start| *start <= length).unwrap_or(0) as u64;
        assert!(
            matches!(error, FormatError::CutOff { offset } if offset == begun),
            "{length}: {error}"
        );
    }
}

#[test]
fn more_behind_the_end_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let (mut bytes, _) = artifact(&key_ring, 1);
    let length = bytes.len() as u64;
    bytes.push(0);
    let error = read_all(&bytes, &key_ring).unwrap_err();
    assert!(
        matches!(error, FormatError::Damaged { offset, .. } if offset == length),
        "{error}"
    );
}

#[test]
fn blocks_swapped_repeated_left_out_or_taken_from_another_file_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let (bytes, starts) = artifact(&key_ring, 3);
    let (other, other_starts) = artifact(&key_ring, 3);
    assert_eq!(starts, other_starts, "the blocks fit each other's place");
    let head = &bytes[..starts[0]];
    let block = |number: usize| &bytes[starts[number]..starts.get(number + 1).copied().unwrap_or(bytes.len())];
    let of_other = &other[starts[1]..starts[2]];
    let end = 3;
    for (name, place, parts) in [
        (
            "swapped",
            starts[0],
            vec![head, block(1), block(0), block(2), block(end)],
        ),
        (
            "repeated",
            starts[1],
            vec![head, block(0), block(0), block(1), block(2), block(end)],
        ),
        ("left out", starts[1], vec![head, block(0), block(2), block(end)]),
        ("end early", starts[2], vec![head, block(0), block(1), block(end)]),
        (
            "other file's",
            starts[1],
            vec![head, block(0), of_other, block(2), block(end)],
        ),
        (
            "other header",
            starts[0],
            vec![&other[..starts[0]], block(0), block(1), block(2), block(end)],
        ),
    ] {
        let error = read_all(&parts.concat(), &key_ring).unwrap_err();
        let place = place as u64;
        assert!(
            matches!(error, FormatError::Damaged { offset, .. } if offset == place),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_block_that_was_written_twice_fits_only_what_was_written_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let mut writer = BackupWriter::create(Vec::new(), header(), &key_ring).unwrap();
    writer.write(&data(0)).unwrap();
    let start = usize::try_from(writer.bytes()).unwrap();
    writer.write(&data(1)).unwrap();
    let before = writer.finish().unwrap();
    // The same again from the first block on, as after a cut.
    let mut reader = BackupReader::open(&before[..start], &key_ring).unwrap();
    reader.next_data().unwrap();
    assert!(reader.next_data().is_err());
    let mut writer = reader.into_writer(before[..start].to_vec());
    assert_eq!(writer.last_key(), Some(&[b'n', 0, 1][..]));
    writer.write(&data(1)).unwrap();
    let block_end = usize::try_from(writer.bytes()).unwrap();
    let after = writer.finish().unwrap();
    assert_eq!(read_all(&after, &key_ring).unwrap().0, [data(0), data(1)]);
    assert_ne!(
        before[start..block_end],
        after[start..block_end],
        "no key or nonce comes twice"
    );
    let woven = [&before[..block_end], &after[block_end..]].concat();
    assert!(read_all(&woven, &key_ring).is_err());
}

#[test]
fn another_key_is_named_and_a_forged_key_id_does_not_help() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (key_ring(folder.path(), "own"), key_ring(folder.path(), "other"));
    let (mut bytes, _) = artifact(&own, 1);
    let error = read_all(&bytes, &other).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&own.key_id().to_string()) && text.contains(&other.key_id().to_string()),
        "{text}"
    );
    bytes[16..24].copy_from_slice(&other.key_id().bytes());
    assert!(matches!(
        read_all(&bytes, &other),
        Err(FormatError::Damaged { offset: 0, .. })
    ));
}

#[test]
fn chunks_out_of_order_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path(), "key");
    let mut writer = BackupWriter::create(Vec::new(), header(), &key_ring).unwrap();
    writer.write(&data(1)).unwrap();
    for wrong in [data(1), data(0), Vec::new(), b"xyz".to_vec()] {
        assert!(matches!(writer.write(&wrong), Err(FormatError::Data(_))));
    }
    writer.write(&data(2)).unwrap();
    assert_eq!(read_all(&writer.finish().unwrap(), &key_ring).unwrap().1.chunks, 4);
}
