//! Distinguished names as text.
//!
//! INVARIANT: two names that differ have texts that differ, and no name can end a line or look like several: what has a meaning
//! in the text is escaped (RFC 4514), so that a text may decide who somebody is.

use std::fmt::Write;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::x509::X509Name;

/// A name's attributes in the order in which the certificate has them, such as `C=SE, O=Example, CN=graph.example.com`.
pub(crate) fn name_text(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for (place, part) in name.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { ", " });
        for (place, attribute) in part.iter().enumerate() {
            text.push_str(if place == 0 { "" } else { " + " });
            let kind = attribute.attr_type();
            match oid2abbrev(kind, oid_registry()) {
                Ok(abbreviation) => text.push_str(abbreviation),
                Err(_) => text.push_str(&kind.to_id_string()),
            }
            text.push('=');
            match value(attribute.attr_value()) {
                Some(value) => escape(&value, &mut text),
                None => hexadecimal(attribute.attr_value().data, &mut text),
            }
        }
    }
    text
}

/// The common names of a subject, as they are.
pub(crate) fn common_names(name: &X509Name<'_>) -> Vec<String> {
    name.iter_common_name()
        .filter_map(|attribute| value(attribute.attr_value()))
        .collect()
}

fn value(attribute: &Any<'_>) -> Option<String> {
    match attribute.tag() {
        Tag::BmpString => {
            let units = attribute.data.chunks_exact(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0,
            });
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        Tag::NumericString | Tag::VisibleString | Tag::PrintableString | Tag::Utf8String | Tag::Ia5String => {
            String::from_utf8(attribute.data.to_vec()).ok()
        }
        // Its characters are rarely what it says; the ASCII ones are.
        Tag::T61String if attribute.data.is_ascii() => String::from_utf8(attribute.data.to_vec()).ok(),
        _ => None,
    }
}

fn escape(value: &str, text: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (place, character) in value.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => text.extend(['\\', character]),
            ' ' if place == 0 || place == last => text.push_str("\\ "),
            '#' if place == 0 => text.push_str("\\#"),
            _ if is_invisible(character) => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(text, "\\{byte:02X}");
                }
            }
            _ => text.push(character),
        }
    }
}

/// Characters that would end a line, steer a terminal, or turn the direction of what follows.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn hexadecimal(bytes: &[u8], text: &mut String) {
    text.push('#');
    for byte in bytes {
        let _ = write!(text, "{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut text = String::new();
        escape(value, &mut text);
        text
    }

    #[test]
    fn a_value_cannot_pass_for_several_or_end_a_line() {
        assert_eq!(escaped("graph.example.com"), "graph.example.com");
        assert_eq!(escaped("x, CN=admin"), r"x\, CN=admin");
        assert_eq!(escaped("x\n2026 INFO all is well"), r"x\0A2026 INFO all is well");
        assert_eq!(escaped(" #a "), r"\ #a\ ");
        assert_eq!(escaped("#a+b"), r"\#a\+b");
        assert_eq!(escaped("a\u{202e}b"), r"a\E2\80\AEb");
        assert_eq!(escaped("Ångström; Ltd"), r"Ångström\; Ltd");
    }
}
