//! Integers that do not fit into 64 bits, found before JSON's reader would round them to floats.

/// More digits than any integer of 64 bits has.
const DIGITS_MAX: usize = 19;

/// The first integer of a JSON text, outside of its strings, that does not fit into 64 bits with a sign.
pub(crate) fn first_too_large(json: &[u8]) -> Option<&str> {
    let mut rest = json;
    let mut in_string = false;
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            b'-' | b'0'..=b'9' if !in_string => {
                let length = 1 + after.iter().take_while(|byte| is_of_number(**byte)).count();
                let (number, after) = rest.split_at_checked(length)?;
                if let Some(number) = too_large(number) {
                    return Some(number);
                }
                rest = after;
                continue;
            }
            _ => {}
        }
        rest = after;
    }
    None
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// The text of a number, if it is an integer and too large.
fn too_large(number: &[u8]) -> Option<&str> {
    if number.len() < DIGITS_MAX || number.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return None;
    }
    let text = std::str::from_utf8(number).ok()?;
    text.parse::<i64>().is_err().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_integers_and_nothing_else() {
        for (json, found) in [
            (r#"{"x": [1, 9223372036854775808]}"#, Some("9223372036854775808")),
            (r#"-9223372036854775809"#, Some("-9223372036854775809")),
            (r#"[9223372036854775807, -9223372036854775808]"#, None),
            (
                r#"{"99999999999999999999": "99999999999999999999\" 99999999999999999999"}"#,
                None,
            ),
            (r#""\\", 99999999999999999999"#, Some("99999999999999999999")),
            (
                r#"[99999999999999999999.0, 99999999999999999999e1, 1.99999999999999999999]"#,
                None,
            ),
            (r#""never ends 99999999999999999999"#, None),
            (r#""\"#, None),
        ] {
            assert_eq!(first_too_large(json.as_bytes()), found, "{json}");
        }
    }
}
