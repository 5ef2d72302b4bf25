//! `server validate-config`.

use std::io::{self, Write};

use crate::{Installation, Outcome, Place, Refusal};

pub(crate) fn validate(
    installation: &dyn Installation,
    place: Place<'_>,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    match installation.check_configuration(place) {
        Ok(warnings) => {
            for warning in &warnings {
                writeln!(output, "warning: {warning}")?;
            }
            writeln!(output, "the configuration is valid")?;
            Ok(Outcome::Done)
        }
        Err(refusal) => {
            writeln!(errors, "{refusal}")?;
            Ok(match refusal {
                Refusal::Configuration(_) => Outcome::ConfigurationRefused,
                Refusal::Other(_) => Outcome::Failed,
            })
        }
    }
}
