//! Reading values from text: the syntax of each kind of setting.
//!
//! Each failure says what would be right. Whether a value fits the other settings is not decided here.

use std::path::PathBuf;
use std::time::Duration;

use bastide_secret::SecretString;

use super::{SocketAddress, Value, format_bytes, format_duration};
use crate::row::Kind;

/// Longest list.
const LIST_ENTRIES_MAX: usize = 1000;

/// Reads `text` as `kind`. The error says what is wrong and what would be right, and for secrets holds nothing of `text`.
pub(crate) fn parse(kind: Kind, text: &str) -> Result<Value, Invalid> {
    match kind {
        Kind::Boolean => match text {
            _ if text.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            _ if text.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            _ => Err(Invalid::new(text, "a boolean", "write `true` or `false`")),
        },
        Kind::Integer(low, high) => parse_integer(text, low, high),
        Kind::Float(low, high) => parse_float(text, low, high),
        Kind::Duration(low, high) => parse_duration_within(text, low, high),
        Kind::Bytes(low, high) => parse_bytes_within(text, low, high),
        Kind::SocketAddress => parse_address(text),
        Kind::HostName => parse_host(text),
        Kind::Path => parse_path(text),
        Kind::Choice(words) => parse_choice(text, words).map(|word| Value::Text(word.to_owned())),
        Kind::List => split_list(text).map(Value::List),
        Kind::ChoiceList(words) => {
            let entries = split_list(text)?;
            let chosen: Result<Vec<_>, _> = entries
                .iter()
                .map(|entry| parse_choice(entry, words).map(str::to_owned))
                .collect();
            match chosen? {
                list if list.is_empty() => Err(Invalid::new(
                    text,
                    "a list",
                    &format!("name at least one of {}", alternatives(words)),
                )),
                list => Ok(Value::List(list)),
            }
        }
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Secret => Ok(Value::Secret(SecretString::new(text.to_owned()))),
        Kind::DatabaseName => parse_database_name(text),
        Kind::TimeZone => parse_time_zone(text),
    }
}

/// Why a text is no value of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) problem: String,
    pub(crate) advice: String,
}

impl Invalid {
    fn new(text: &str, wanted: &str, advice: &str) -> Self {
        // Values can be long; a report is for reading.
        let shown: String = text.chars().take(80).collect();
        Self {
            problem: format!("`{shown}` is not {wanted}"),
            advice: advice.to_owned(),
        }
    }
}

fn parse_integer(text: &str, low: i64, high: i64) -> Result<Value, Invalid> {
    let advice = format!("write a whole number from {low} to {high}");
    match text.parse::<i64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(Value::Integer(number)),
        Ok(_) => Err(Invalid::new(text, "within the limits", &advice)),
        Err(_) => Err(Invalid::new(text, "a whole number", &advice)),
    }
}

fn parse_float(text: &str, low: f64, high: f64) -> Result<Value, Invalid> {
    match text.parse::<f64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(Value::Float(number)),
        _ => Err(Invalid::new(
            text,
            "a number within the limits",
            &format!("write a number from {low} to {high}"),
        )),
    }
}

/// Milliseconds of each unit of a duration; `ms` must come before `m`.
const DURATION_UNITS: [(&str, u64); 7] = [
    ("ns", 0),
    ("μs", 0),
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

fn parse_duration_within(text: &str, low: u64, high: u64) -> Result<Value, Invalid> {
    let Some(milliseconds) = parse_duration(text) else {
        return Err(Invalid::new(
            text,
            "a duration",
            "write a number with `ms`, `s`, `m`, `h` or `d`, such as `30s` or `1h30m`",
        ));
    };
    if !(low..=high).contains(&milliseconds) {
        let range = [low, high].map(|limit| format_duration(Duration::from_millis(limit)));
        return Err(Invalid::new(
            text,
            "within the limits",
            &format!("write a duration from {} to {}", range[0], range[1]),
        ));
    }
    Ok(Value::Duration(Duration::from_millis(milliseconds)))
}

/// Milliseconds of a duration; a number without a unit is in seconds, as in Neo4j.
fn parse_duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let mut total: Option<u64> = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let (unit, after, milliseconds) = DURATION_UNITS
            .iter()
            .find_map(|(unit, milliseconds)| Some((unit, after.strip_prefix(unit)?, *milliseconds)))?;
        let part = match (number.split_once('.'), milliseconds) {
            (None, 0) => number.parse::<u64>().ok()? / if *unit == "ns" { 1_000_000 } else { 1000 },
            (None, _) => number.parse::<u64>().ok()?.checked_mul(milliseconds)?,
            (Some((whole, fraction)), 1..) => {
                let digits = u32::try_from(fraction.len())
                    .ok()
                    .filter(|digits| (1..=6).contains(digits))?;
                let fraction = fraction.parse::<u64>().ok()?.checked_mul(milliseconds)? / 10_u64.pow(digits);
                whole
                    .parse::<u64>()
                    .ok()?
                    .checked_mul(milliseconds)?
                    .checked_add(fraction)?
            }
            _ => return None,
        };
        total = Some(total.unwrap_or(0).checked_add(part)?);
        rest = after;
    }
    total
}

/// Bytes of each unit of a size; longer names come first.
const BYTE_UNITS: [(&str, u64); 21] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
    ("eib", 1 << 60),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("eb", 1_000_000_000_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
    ("p", 1 << 50),
    ("e", 1 << 60),
    ("b", 1),
    ("bytes", 1),
    ("", 1),
];

fn parse_bytes_within(text: &str, low: u64, high: u64) -> Result<Value, Invalid> {
    match parse_bytes(text) {
        Some(bytes) if (low..=high).contains(&bytes) => Ok(Value::Bytes(bytes)),
        Some(_) => {
            let advice = format!("write a size from {} to {}", format_bytes(low), format_bytes(high));
            Err(Invalid::new(text, "within the limits", &advice))
        }
        None => Err(Invalid::new(
            text,
            "a byte size",
            "write a number with `B`, `KiB`, `MiB` or `GiB`, such as `512MiB`",
        )),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked below"
)]
fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = BYTE_UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(*factor);
    }
    let size = number.parse::<f64>().ok()? * *factor as f64;
    (size.is_finite() && size < 9.0e18).then_some(size as u64)
}

fn parse_address(text: &str) -> Result<Value, Invalid> {
    let invalid = || {
        Invalid::new(
            text,
            "a socket address",
            "write `host:port`, `:port`, `host` or `[::1]:port`",
        )
    };
    let (host, port) = if let Some(inside) = text.strip_prefix('[') {
        let (host, after) = inside.split_once(']').ok_or_else(invalid)?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| invalid())?;
        let port = if after.is_empty() {
            None
        } else {
            Some(after.strip_prefix(':').ok_or_else(invalid)?)
        };
        (host, port)
    } else {
        match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => {
                return Err(Invalid::new(
                    text,
                    "a socket address",
                    "put an IPv6 address in brackets, as in `[::1]:7687`",
                ));
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| invalid())?)
        }
        Some(_) => return Err(invalid()),
        None => None,
    };
    if (host.is_empty() && port.is_none()) || (!host.is_empty() && !host.contains(':') && !is_host(host)) {
        return Err(invalid());
    }
    Ok(Value::Address(SocketAddress {
        host: (!host.is_empty()).then(|| host.to_owned()),
        port,
    }))
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn parse_host(text: &str) -> Result<Value, Invalid> {
    let host = text
        .strip_prefix('[')
        .and_then(|inside| inside.strip_suffix(']'))
        .unwrap_or(text);
    if host.parse::<std::net::Ipv6Addr>().is_ok() || is_host(host) {
        return Ok(Value::Text(host.to_owned()));
    }
    let advice = if host.contains(':') {
        "leave the port out here: it belongs to each connector's own `listen_address` or `advertised_address`"
    } else {
        "write a host name or an address"
    };
    Err(Invalid::new(text, "a host without a port", advice))
}

fn parse_path(text: &str) -> Result<Value, Invalid> {
    if text.is_empty() || text.contains('\0') {
        return Err(Invalid::new(text, "a path", "write the path of a file or folder"));
    }
    Ok(Value::Path(PathBuf::from(text)))
}

fn parse_choice(text: &str, words: &[&'static str]) -> Result<&'static str, Invalid> {
    words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(text))
        .copied()
        .ok_or_else(|| {
            let mut advice = format!("write one of {}", alternatives(words));
            if let Some(word) = crate::nearest::nearest_name(text, words.iter().copied()) {
                advice = format!("did you mean `{word}`? {advice}");
            }
            Invalid::new(text, "one of the words allowed", &advice)
        })
}

fn alternatives(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn split_list(text: &str) -> Result<Vec<String>, Invalid> {
    let entries: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect();
    if entries.len() > LIST_ENTRIES_MAX {
        return Err(Invalid::new(
            text,
            "a list this long",
            &format!("list at most {LIST_ENTRIES_MAX} entries"),
        ));
    }
    Ok(entries)
}

fn parse_database_name(text: &str) -> Result<Value, Invalid> {
    let name = text.to_ascii_lowercase();
    let valid = (3..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'));
    if valid && name != "system" {
        return Ok(Value::Text(name));
    }
    let advice = "write 3 to 63 letters, digits, dots and dashes, beginning with a letter; `system` is taken";
    Err(Invalid::new(text, "a database name", advice))
}

fn parse_time_zone(text: &str) -> Result<Value, Invalid> {
    // Whether a zone of this name exists is for the server to check, which knows the zones.
    let valid = !text.is_empty()
        && text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':'));
    if valid {
        return Ok(Value::Text(text.to_owned()));
    }
    Err(Invalid::new(
        text,
        "a time zone",
        "write `Z`, an offset such as `+02:00` or a name such as `Europe/Rome`",
    ))
}

#[cfg(test)]
mod tests;
