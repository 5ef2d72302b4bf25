//! `backup inspect`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bastide_backup::{FileError, Verified, backups_in, verify};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arguments::InspectArguments;
use crate::progress::{Progress, size};
use crate::{Installation, Outcome, Place, Refusal, backup_key, refused, with_causes};

const COLUMNS: [&str; 9] = [
    "FILE",
    "DATABASE",
    "DATABASE ID",
    "TIME",
    "FULL",
    "COMPRESSED",
    "LOWEST TX",
    "HIGHEST TX",
    "SIZE",
];

pub(crate) fn inspect(
    installation: &dyn Installation,
    place: Place<'_>,
    given: &InspectArguments,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    let settings = installation.settings(place);
    let key_ring = settings.and_then(|settings| backup_key::load(&settings, given.encryption_key_file.as_deref()));
    let (key_ring, paths) = match key_ring.and_then(|key_ring| Ok((key_ring, files(&given.path)?))) {
        Ok(both) => both,
        Err(refusal) => return refused(errors, &refusal),
    };
    let mut progress = Progress::new(errors);
    let mut results: Vec<(PathBuf, Result<Verified, FileError>)> = Vec::new();
    for path in paths {
        let bytes = path.metadata().map_or(0, |metadata| metadata.len());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        progress.begin(&format!("{name} "), bytes, 0);
        let result = verify(&path, &key_ring, &mut |bytes| progress.move_to(bytes));
        results.push((path, result));
    }
    progress.end();
    if given.json {
        let all: Vec<_> = results.iter().map(|(path, result)| as_json(path, result)).collect();
        writeln!(output, "{}", json!({ "backups": all }))?;
    } else {
        print_table(&results, output)?;
    }
    let mut outcome = Outcome::Done;
    for (_, result) in results {
        if let Err(error) = result {
            outcome = Outcome::Failed;
            writeln!(errors, "BAD: {}", with_causes(&error))?;
        }
    }
    Ok(outcome)
}

/// A file, or those in a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, Refusal> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = backups_in(path).map_err(|error| Refusal::Other(with_causes(&error)))?;
    if files.is_empty() {
        return Err(Refusal::Other(format!("there is no backup in `{}`", path.display())));
    }
    Ok(files)
}

fn print_table(results: &[(PathBuf, Result<Verified, FileError>)], output: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(COLUMNS);
    let mut is_empty = true;
    for (path, result) in results {
        let Ok(verified) = result else { continue };
        is_empty = false;
        let header = &verified.header;
        table.add_row([
            path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            header.database.clone(),
            header.database_uuid(),
            time_text(header.time_ms),
            "true".to_owned(),
            "true".to_owned(),
            header.lowest_commit().to_string(),
            header.commit.to_string(),
            size(verified.file_bytes),
        ]);
    }
    if is_empty { Ok(()) } else { writeln!(output, "{table}") }
}

fn as_json(path: &Path, result: &Result<Verified, FileError>) -> Value {
    match result {
        Ok(verified) => described(path, verified),
        Err(error) => json!({"file": path.display().to_string(), "sound": false, "reason": with_causes(error)}),
    }
}

/// A sound backup.
pub(crate) fn described(path: &Path, verified: &Verified) -> Value {
    let header = &verified.header;
    json!({
        "file": path.display().to_string(),
        "sound": true,
        "database": header.database,
        "database_id": header.database_uuid(),
        "time": time_text(header.time_ms),
        "full": true,
        "compressed": true,
        "lowest_tx": header.lowest_commit(),
        "highest_tx": header.commit,
        "bytes": verified.file_bytes,
        "plain_bytes": verified.totals.bytes,
        "source": header.source,
    })
}

/// A time in UTC.
pub(crate) fn time_text(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
