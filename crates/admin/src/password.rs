//! `dbms set-initial-password`.

use std::io::{self, BufRead as _, Read as _, Write};

use bastide_secret::SecretString;

use crate::arguments::InitialPasswordArguments;
use crate::{Installation, Outcome, Place, Refusal};

/// Stands for standard input.
const FROM_INPUT: &str = "-";
/// Nothing longer is read from standard input.
const INPUT_BYTES_MAX: u64 = 4096;

pub(crate) fn set_initial(
    installation: &dyn Installation,
    place: Place<'_>,
    given: &InitialPasswordArguments,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    let password = if given.password == FROM_INPUT {
        read_line()?
    } else {
        SecretString::new(given.password.clone())
    };
    match installation.set_initial_password(place, &password, given.require_password_change) {
        Ok(()) => {
            writeln!(output, "the password of the user neo4j is set for the first start")?;
            Ok(Outcome::Done)
        }
        Err(refusal) => {
            writeln!(errors, "the password was not set: {refusal}")?;
            Ok(match refusal {
                Refusal::Configuration(_) => Outcome::ConfigurationRefused,
                Refusal::Other(_) => Outcome::Failed,
            })
        }
    }
}

fn read_line() -> io::Result<SecretString> {
    let mut line = String::new();
    io::stdin().lock().take(INPUT_BYTES_MAX).read_line(&mut line)?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(SecretString::new(line))
}
