//! Asks for a password on the terminal without showing it.

use std::io::Write;

use bastide_secret::{Secret, SecretString};
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::error::ShellError;

/// Longer passwords are cut by nobody, but nobody types them either.
const PASSWORD_CHARACTERS_MAX: usize = 1_024;

/// Shows `prompt` on standard error and reads one line unseen.
///
/// # Errors
/// Ctrl-C, or a terminal that cannot be read.
pub fn ask(prompt: &str) -> Result<SecretString, ShellError> {
    let mut error = std::io::stderr();
    let failed = ShellError::Output;
    write!(error, "{prompt}").and_then(|()| error.flush()).map_err(failed)?;
    let answer = read_hidden();
    writeln!(error).map_err(failed)?;
    answer
}

/// Asks twice, until both are the same.
///
/// # Errors
/// As [`ask`].
pub fn ask_new() -> Result<SecretString, ShellError> {
    loop {
        let first = ask("new password: ")?;
        let second = ask("the same again: ")?;
        if first.matches(second.expose().as_bytes()) {
            return Ok(first);
        }
        let _ = writeln!(std::io::stderr(), "these are not the same, try again");
    }
}

/// Leaves the terminal as it was, whatever happens.
struct RawMode;

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

fn read_hidden() -> Result<SecretString, ShellError> {
    enable_raw_mode().map_err(ShellError::Output)?;
    let _raw = RawMode;
    // Reserved ahead, so that growing leaves no copies behind.
    let mut typed: Vec<char> = Vec::with_capacity(PASSWORD_CHARACTERS_MAX);
    loop {
        let Event::Key(key) = read().map_err(ShellError::Output)? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => break,
            KeyCode::Char('c' | 'd') if control => return Err(ShellError::Interrupted),
            KeyCode::Char('j' | 'm') if control => break,
            KeyCode::Char('u') if control => typed.clear(),
            KeyCode::Backspace => {
                typed.pop();
            }
            KeyCode::Char(character) if !control && typed.len() < PASSWORD_CHARACTERS_MAX => typed.push(character),
            _ => {}
        }
    }
    let typed = Secret::new(typed);
    Ok(SecretString::new(typed.expose().iter().collect()))
}
