//! The smallest pieces of JSON, written straight to the output.

use serde::Serialize;

/// Writes a text, number or boolean that JSON has. Floats must be finite.
pub(crate) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // What JSON cannot say (a map with keys that are no texts) is never written here.
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Writes `"name":`, with a comma before it unless it is the first of its object.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    separate(out);
    write(out, name);
    out.push(b':');
}

/// Writes a comma unless an object or list has just begun.
pub(crate) fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), None | Some(b'{' | b'[' | b'\n')) {
        out.push(b',');
    }
}

/// Writes a list, its items by `write_item`.
pub(crate) fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (place, value) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        item(out, value);
    }
    out.push(b']');
}
