//! Media types: what a request is written in, and what its answer shall be.

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::failure::Failure;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// Whether values carry their types.
    pub(crate) typed: bool,
    /// Whether each event is a line of its own, instead of one document.
    pub(crate) lines: bool,
    /// The media type.
    pub(crate) name: &'static str,
}

const fn format(typed: bool, lines: bool, name: &'static str) -> Format {
    Format { typed, lines, name }
}

/// What is served if the client does not care.
pub(crate) const PLAIN: Format = format(false, false, "application/json");

/// All media types of answers, the preferred ones first.
pub(crate) const FORMATS: [Format; 8] = [
    PLAIN,
    format(true, false, "application/vnd.neo4j.query"),
    format(true, false, "application/vnd.neo4j.query.v1.0"),
    format(true, false, "application/vnd.neo4j.query.v1.1"),
    format(false, true, "application/jsonl"),
    format(true, true, "application/vnd.neo4j.query+jsonl"),
    format(true, true, "application/vnd.neo4j.query.v1.0+jsonl"),
    format(true, true, "application/vnd.neo4j.query.v1.1+jsonl"),
];

/// More of them in one header are not looked at.
const RANGES_MAX: usize = 32;

/// The format that the client likes best.
///
/// # Errors
/// If it likes none that is served.
pub(crate) fn answer_format(headers: &HeaderMap) -> Result<Format, Failure> {
    let mut ranges = headers.get_all(ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return Ok(PLAIN);
    }
    let ranges: Vec<Range<'_>> = ranges
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .take(RANGES_MAX)
        .filter_map(Range::parse)
        .collect();
    let mut best: Option<(u16, Format)> = None;
    for format in FORMATS {
        let quality = quality(&ranges, format.name);
        if quality > 0 && best.is_none_or(|(known, _)| quality > known) {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format).ok_or_else(|| {
        let names = FORMATS.map(|format| format.name).join(", ");
        Failure::format(
            StatusCode::NOT_ACCEPTABLE,
            format!("none of the media types in `Accept` is served; there are {names}"),
        )
    })
}

/// One element of `Accept`.
struct Range<'a> {
    name: &'a str,
    /// Thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(Some(1.0), |quality| quality.trim().parse::<f32>().ok())
            .filter(|quality| (0.0..=1.0).contains(quality))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000"
        )]
        let quality = (quality * 1000.0).round() as u16;
        Some(Self { name, quality })
    }

    /// How closely it names a media type: exactly, by its first half, or among all.
    fn closeness(&self, name: &str) -> Option<u8> {
        if self.name.eq_ignore_ascii_case(name) {
            Some(2)
        } else if self.name.eq_ignore_ascii_case("application/*") {
            Some(1)
        } else if self.name == "*/*" || self.name == "*" {
            Some(0)
        } else {
            None
        }
    }
}

/// The quality that the closest range gives to a media type.
fn quality(ranges: &[Range<'_>], name: &str) -> u16 {
    ranges
        .iter()
        .filter_map(|range| Some((range.closeness(name)?, range.quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

/// Whether the parameters of the request carry their types. Called for requests with a body only.
///
/// # Errors
/// For anything but JSON in UTF-8. A browser cannot be made to send that from another site, so a missing type is refused too.
pub(crate) fn has_typed_parameters(headers: &HeaderMap) -> Result<bool, Failure> {
    let refused = |message: &str| Err(Failure::format(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding.as_bytes() != b"identity")
    {
        return refused("a request must not be compressed");
    }
    let Some(text) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else {
        return refused("a request with a body needs the header `Content-Type: application/json`");
    };
    let mut parts = text.unwrap_or_default().split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    if parts.any(|part| {
        part.split_once('=').is_some_and(|(key, value)| {
            key.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    }) {
        return refused("a request must be in UTF-8");
    }
    let known = FORMATS
        .iter()
        .filter(|format| !format.lines)
        .find(|format| format.name.eq_ignore_ascii_case(name));
    match known {
        Some(format) => Ok(format.typed),
        None => refused("a request must be `application/json` or `application/vnd.neo4j.query`, .v1.0 or .v1.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(header: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(header).unwrap());
        answer_format(&headers).ok().map(|format| format.name)
    }

    #[test]
    fn the_closest_range_and_the_highest_quality_count() {
        assert_eq!(answer_format(&HeaderMap::new()).unwrap(), PLAIN);
        for (header, name) in [
            ("*/*", Some("application/json")),
            ("application/*;q=0.1", Some("application/json")),
            ("application/jsonl", Some("application/jsonl")),
            ("text/html, application/jsonl;q=0.5", Some("application/jsonl")),
            (
                "application/json;q=0.5, application/vnd.neo4j.query",
                Some("application/vnd.neo4j.query"),
            ),
            ("*/*, application/json;q=0", Some("application/vnd.neo4j.query")),
            (
                "Application/VND.neo4j.Query.v1.1+JSONL",
                Some("application/vnd.neo4j.query.v1.1+jsonl"),
            ),
            ("text/html", None),
            ("application/vnd.neo4j.query.v9.9", None),
            ("*/*;q=0", None),
            ("*/*;q=2", None),
            ("", None),
        ] {
            assert_eq!(accepted(header), name, "{header}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        for (header, typed) in [
            ("application/json", Some(false)),
            ("application/json; charset=UTF-8", Some(false)),
            ("application/vnd.neo4j.query.v1.0", Some(true)),
            ("application/json; charset=latin1", None),
            ("application/jsonl", None),
            ("text/plain", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(header));
            assert_eq!(has_typed_parameters(&headers).ok(), typed, "{header}");
        }
        assert!(has_typed_parameters(&HeaderMap::new()).is_err());
    }
}
