//! Runs the `openssl` command, so that tests read what others write.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `openssl` in `folder` with words separated by spaces, or fails the test with what it says.
pub(crate) fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    run(folder, &arguments.split(' ').collect::<Vec<_>>())
}

/// Runs a command as a message shows it, with further options for what it would ask.
pub(crate) fn as_told(folder: &Path, text: &str, options: &str) {
    let command = text
        .split('`')
        .find(|part| part.starts_with("openssl "))
        .unwrap_or_else(|| panic!("no command in: {text}"));
    let words = format!("{command} {options}");
    run(folder, &words.trim_end().split(' ').skip(1).collect::<Vec<_>>());
}

fn run(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {arguments:?}: {said}");
    done.stdout
}
