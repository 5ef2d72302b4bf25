//! What a client takes from a server's words.
//!
//! INVARIANT: a name that passes is a file's name in the folder that the user chose, and a text that passes is one line.

/// Characters of a database's name.
const NAME_CHARACTERS_MAX: usize = 63;
/// Characters of a text that are shown.
const TEXT_CHARACTERS_MAX: usize = 500;

/// Whether a database can have this name, which becomes a part of a file's.
pub(super) fn is_database_name(name: &str) -> bool {
    let fits = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= NAME_CHARACTERS_MAX
        && name.chars().all(fits)
}

/// A text without what steers terminals, cut where it is long.
pub(super) fn printable(text: &str) -> String {
    let is_invisible = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut characters = text.chars();
    let shown = characters.by_ref().take(TEXT_CHARACTERS_MAX);
    let mut shown: String = shown
        .map(|character| if is_invisible(character) { '\u{fffd}' } else { character })
        .collect();
    if characters.next().is_some() {
        shown.push('\u{2026}');
    }
    shown
}
