//! `audit verify`.

use std::io::{self, Write};

use bastide_audit::{LOG_FILE_NAME, VerifyError};
use serde_json::json;

use crate::{Installation, Outcome, Place, Refusal};

pub(crate) fn verify(
    installation: &dyn Installation,
    place: Place<'_>,
    as_json: bool,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    let log = match installation.log_folder(place) {
        Ok(folder) => folder.join(LOG_FILE_NAME),
        Err(refusal) => {
            writeln!(errors, "{refusal}")?;
            return Ok(match refusal {
                Refusal::Configuration(_) => Outcome::ConfigurationRefused,
                Refusal::Other(_) => Outcome::Failed,
            });
        }
    };
    let result = bastide_audit::verify(&log);
    if as_json {
        let answer = match &result {
            Ok(found) => json!({
                "log": log.display().to_string(), "sound": true,
                "records": found.records, "unfinished_bytes": found.unfinished_bytes,
            }),
            Err(VerifyError::Altered(fault)) => json!({
                "log": log.display().to_string(), "sound": false, "line": fault.line, "reason": fault.reason,
            }),
            Err(error) => json!({
                "log": log.display().to_string(), "sound": false, "line": null, "reason": with_cause(error),
            }),
        };
        writeln!(output, "{answer}")?;
    } else {
        match &result {
            Ok(found) => writeln!(
                output,
                "the audit log is whole: {} records in `{}`",
                found.records,
                log.display()
            )?,
            Err(error) => writeln!(errors, "{}: {}", log.display(), with_cause(error))?,
        }
    }
    Ok(if result.is_ok() { Outcome::Done } else { Outcome::Failed })
}

fn with_cause(error: &VerifyError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
