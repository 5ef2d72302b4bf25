//! PackStream against byte vectors worked out from the specification, and against bytes from anywhere.

use proptest::prelude::*;

use super::*;
use crate::{Dialect, Version, WireNode, WirePath, WireStructure, WireUnboundRelationship, WireValue};

const MODERN: Version = Version::new(5, 8);
const LEGACY: Version = Version::new(4, 4);

fn written(version: Version, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut output = Vec::new();
    write(&mut Writer::new(&mut output, Dialect::new(version)));
    output
}

fn read(version: Version, bytes: &[u8]) -> Result<WireValue, PackStreamError> {
    let mut reader = Reader::new(bytes);
    let value = WireValue::read(&mut reader, Dialect::new(version))?;
    reader.finish()?;
    Ok(value)
}

fn both_ways(version: Version, value: impl Into<WireValue>, bytes: &[u8]) {
    let value = value.into();
    assert_eq!(written(version, |writer| value.write(writer)), bytes, "{value:?}");
    assert_eq!(read(version, bytes), Ok(value));
}

#[test]
fn integers_take_the_fewest_bytes() {
    let vectors: [(i64, &[u8]); 14] = [
        (0, &[0x00]),
        (127, &[0x7F]),
        (-1, &[0xFF]),
        (-16, &[0xF0]),
        (-17, &[0xC8, 0xEF]),
        (-128, &[0xC8, 0x80]),
        (128, &[0xC9, 0x00, 0x80]),
        (-129, &[0xC9, 0xFF, 0x7F]),
        (32_767, &[0xC9, 0x7F, 0xFF]),
        (32_768, &[0xCA, 0, 0, 0x80, 0]),
        (-2_147_483_648, &[0xCA, 0x80, 0, 0, 0]),
        (2_147_483_648, &[0xCB, 0, 0, 0, 0, 0x80, 0, 0, 0]),
        (i64::MAX, &[0xCB, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        (i64::MIN, &[0xCB, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (value, bytes) in vectors {
        both_ways(MODERN, value, bytes);
    }
    assert_eq!(
        read(MODERN, &[0xCB, 0, 0, 0, 0, 0, 0, 0, 1]),
        Ok(WireValue::Integer(1)),
        "wide forms are read too"
    );
}

#[test]
fn scalars_strings_and_containers_match_the_specification() {
    both_ways(MODERN, WireValue::Null, &[0xC0]);
    both_ways(MODERN, true, &[0xC3]);
    both_ways(MODERN, false, &[0xC2]);
    both_ways(MODERN, 1.23, &[0xC1, 0x3F, 0xF3, 0xAE, 0x14, 0x7A, 0xE1, 0x47, 0xAE]);
    both_ways(MODERN, WireValue::Bytes(vec![1, 2, 3]), &[0xCC, 3, 1, 2, 3]);
    both_ways(MODERN, "", &[0x80]);
    both_ways(MODERN, "A", &[0x81, 0x41]);
    both_ways(
        MODERN,
        "Größenmaßstäbe",
        b"\xD0\x12Gr\xC3\xB6\xC3\x9Fenma\xC3\x9Fst\xC3\xA4be",
    );
    both_ways(
        MODERN,
        vec![WireValue::Integer(1), WireValue::Integer(2)],
        &[0x92, 1, 2],
    );
    both_ways(
        MODERN,
        vec![("one".to_owned(), WireValue::from("eins"))],
        b"\xA1\x83one\x84eins",
    );
    let sixteen = vec![WireValue::Null; 16];
    both_ways(MODERN, sixteen, &[&[0xD4, 16][..], &[0xC0; 16]].concat());
    let text = "x".repeat(65_536);
    both_ways(
        MODERN,
        text.as_str(),
        &[&[0xD2, 0, 1, 0, 0][..], text.as_bytes()].concat(),
    );
    let text = "x".repeat(256);
    both_ways(MODERN, text.as_str(), &[&[0xD1, 1, 0][..], text.as_bytes()].concat());
}

#[test]
fn temporal_and_spatial_structures_match_the_specification() {
    both_ways(MODERN, WireStructure::Date { days: -1 }, &[0xB1, 0x44, 0xFF]);
    both_ways(
        MODERN,
        WireStructure::Time {
            nanoseconds: 1,
            offset_seconds: -60,
        },
        &[0xB2, 0x54, 1, 0xC8, 0xC4],
    );
    both_ways(MODERN, WireStructure::LocalTime { nanoseconds: 5 }, &[0xB1, 0x74, 5]);
    both_ways(
        MODERN,
        WireStructure::LocalDateTime {
            seconds: 2,
            nanoseconds: 3,
        },
        &[0xB2, 0x64, 2, 3],
    );
    let duration = WireStructure::Duration {
        months: 1,
        days: 2,
        seconds: 3,
        nanoseconds: -4,
    };
    both_ways(MODERN, duration, &[0xB4, 0x45, 1, 2, 3, 0xFC]);
    let one = [0xC1, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0];
    let point = WireStructure::Point2D {
        srid: 7,
        x: 1.0,
        y: 1.0,
    };
    both_ways(MODERN, point, &[&[0xB3, 0x58, 7][..], &one, &one].concat());
    let point = WireStructure::Point3D {
        srid: 7,
        x: 1.0,
        y: 1.0,
        z: 1.0,
    };
    both_ways(MODERN, point, &[&[0xB4, 0x59, 7][..], &one, &one, &one].concat());
}

#[test]
fn date_times_are_utc_from_5_0_and_wall_clock_before() {
    let instant = || WireStructure::DateTime {
        utc_seconds: 10,
        nanoseconds: 1,
        offset_seconds: 60,
    };
    both_ways(MODERN, instant(), &[0xB3, 0x49, 10, 1, 60]);
    both_ways(LEGACY, instant(), &[0xB3, 0x46, 70, 1, 60]);
    let patched = Dialect::new(LEGACY).with_utc_patch();
    let mut output = Vec::new();
    WireValue::from(instant()).write(&mut Writer::new(&mut output, patched));
    assert_eq!(output, [0xB3, 0x49, 10, 1, 60]);
    let zoned = WireStructure::DateTimeZoneId {
        utc_seconds: 10,
        nanoseconds: 1,
        zone: "UTC".to_owned(),
    };
    both_ways(MODERN, zoned, b"\xB3\x69\x0A\x01\x83UTC");
    let legacy = WireStructure::LegacyDateTimeZoneId {
        local_seconds: 10,
        nanoseconds: 1,
        zone: "UTC".to_owned(),
    };
    both_ways(LEGACY, legacy, b"\xB3\x66\x0A\x01\x83UTC");
    let written_for = |version| written(version, |writer| writer.zoned_date_time(10, 1, 60, "UTC"));
    assert_eq!(written_for(MODERN), b"\xB3\x69\x0A\x01\x83UTC");
    assert_eq!(written_for(LEGACY), b"\xB3\x66\x46\x01\x83UTC");
    assert_eq!(
        read(MODERN, &[0xB3, 0x46, 70, 1, 60]),
        Err(PackStreamError::UnknownStructure(0x46))
    );
    assert_eq!(
        read(LEGACY, &[0xB3, 0x49, 70, 1, 60]),
        Err(PackStreamError::UnknownStructure(0x49))
    );
}

#[test]
fn graph_structures_carry_element_ids_from_5_0() {
    let node = |element_id: &str| WireNode {
        id: 1,
        labels: vec!["A".to_owned()],
        properties: vec![("k".to_owned(), WireValue::Integer(2))],
        element_id: element_id.to_owned(),
    };
    both_ways(
        MODERN,
        WireStructure::Node(node("n1")),
        b"\xB4\x4E\x01\x91\x81A\xA1\x81k\x02\x82n1",
    );
    both_ways(
        LEGACY,
        WireStructure::Node(node("")),
        b"\xB3\x4E\x01\x91\x81A\xA1\x81k\x02",
    );
    let knows = WireUnboundRelationship {
        id: 3,
        relationship_type: "R".to_owned(),
        properties: vec![],
        element_id: "r3".to_owned(),
    };
    let path = WirePath {
        nodes: vec![node("n1")],
        relationships: vec![knows],
        indices: vec![-1, 0],
    };
    let bytes = b"\xB3\x50\x91\xB4\x4E\x01\x91\x81A\xA1\x81k\x02\x82n1\x91\xB4\x72\x03\x81R\xA0\x82r3\x92\xFF\x00";
    both_ways(MODERN, WireStructure::Path(path), bytes);
    let bytes = b"\xB8\x52\x01\x02\x03\x81R\xA0\x82r1\x82n2\x82n3";
    let write = |writer: &mut Writer<'_>| {
        writer.relationship([1, 2, 3], ["r1", "n2", "n3"], "R", |writer| writer.map_header(0));
    };
    assert_eq!(written(MODERN, write), bytes);
    assert_eq!(written(LEGACY, write), b"\xB5\x52\x01\x02\x03\x81R\xA0");
    assert_eq!(
        written(MODERN, |writer| read(MODERN, bytes).unwrap().write(writer)),
        bytes
    );
}

#[test]
fn claims_beyond_the_data_are_refused_without_allocating() {
    let exceeds = |claimed, remaining| Err(PackStreamError::CountExceedsData { claimed, remaining });
    assert_eq!(
        read(MODERN, &[0xD6, 0x7F, 0xFF, 0xFF, 0xFF, 0]),
        exceeds(0x7FFF_FFFF, 1)
    );
    assert_eq!(read(MODERN, &[0xDA, 0, 0, 0, 2, 0x80, 0, 0]), exceeds(2, 3));
    assert_eq!(read(MODERN, &[0xD2, 0xFF, 0xFF, 0xFF, 0xFF]), exceeds(0xFFFF_FFFF, 0));
    assert_eq!(read(MODERN, &[0xCE, 0x80, 0, 0, 0, 1]), exceeds(0x8000_0000, 1));
}

#[test]
fn nesting_and_number_of_values_are_limited() {
    let nested = |depth: usize| read(MODERN, &[vec![0x91; depth], vec![0xC0]].concat());
    assert!(nested(128).is_ok());
    assert_eq!(nested(129), Err(PackStreamError::TooDeep));
    assert_eq!(nested(1_000_000), Err(PackStreamError::TooDeep));
    assert_eq!(
        Reader::new(&vec![0x91; 1_000_000]).skip(),
        Err(PackStreamError::TooDeep)
    );
    let count = crate::limits::VALUES_PER_MESSAGE_MAX;
    let header = [&[0xD6][..], &u32::try_from(count).unwrap().to_be_bytes()].concat();
    assert_eq!(
        read(MODERN, &[header, vec![0xC0; count]].concat()),
        Err(PackStreamError::TooManyValues)
    );
}

#[test]
fn malformed_values_are_named() {
    assert_eq!(read(MODERN, &[]), Err(PackStreamError::Truncated));
    assert_eq!(read(MODERN, &[0xC9, 0]), Err(PackStreamError::Truncated));
    assert_eq!(read(MODERN, &[0xC7]), Err(PackStreamError::UnknownMarker(0xC7)));
    assert_eq!(read(MODERN, &[0x82, 0xC3, 0x28]), Err(PackStreamError::InvalidUtf8));
    assert_eq!(read(MODERN, &[0xC0, 0xC0]), Err(PackStreamError::TrailingBytes(1)));
    assert_eq!(
        read(MODERN, &[0xB1, 0x21, 0]),
        Err(PackStreamError::UnknownStructure(0x21))
    );
    let count = PackStreamError::WrongFieldCount {
        tag: 0x44,
        expected: 1,
        found: 2,
    };
    assert_eq!(read(MODERN, &[0xB2, 0x44, 0, 0]), Err(count));
    let key = PackStreamError::UnexpectedType {
        expected: "a string",
        found: "an integer",
    };
    assert_eq!(read(MODERN, &[0xA1, 1, 1]), Err(key));
    assert_eq!(
        read(MODERN, &[0xB1, 0x74, 0xFF]),
        Err(PackStreamError::OutOfRange("a time of day"))
    );
    let offset = [0xB2, 0x54, 0, 0xCA, 0x7F, 0xFF, 0xFF, 0xFF];
    assert_eq!(
        read(MODERN, &offset),
        Err(PackStreamError::OutOfRange("a time zone offset"))
    );
}

fn values() -> impl Strategy<Value = WireValue> {
    let leaf = prop_oneof![
        Just(WireValue::Null),
        any::<bool>().prop_map(WireValue::from),
        any::<i64>().prop_map(WireValue::from),
        (-200_i64..200).prop_map(WireValue::from),
        prop::num::f64::NORMAL.prop_map(WireValue::from),
        ".{0,20}".prop_map(WireValue::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(WireValue::Bytes),
        any::<i64>().prop_map(|days| WireStructure::Date { days }.into()),
    ];
    leaf.prop_recursive(4, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(WireValue::List),
            prop::collection::vec((".{0,5}", inner), 0..20).prop_map(WireValue::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in values()) {
        let bytes = written(MODERN, |writer| value.write(writer));
        prop_assert_eq!(read(MODERN, &bytes), Ok(value));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(MODERN, &bytes);
        let _ = read(LEGACY, &bytes);
        let _ = Reader::new(&bytes).skip();
        for version in Version::SUPPORTED {
            let _ = crate::Request::decode(&bytes, Dialect::new(version));
            let _ = crate::Response::decode(&bytes, Dialect::new(version));
        }
    }

    #[test]
    fn random_bytes_in_a_request_never_panic(
        kind in prop::sample::select(crate::RequestKind::ALL.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let fields = u8::try_from(kind.fields()).unwrap();
        let message = [&[0xB0 | fields, kind.tag()][..], &bytes].concat();
        for version in Version::SUPPORTED {
            let _ = crate::Request::decode(&message, Dialect::new(version));
        }
    }
}
