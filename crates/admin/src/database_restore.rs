//! `database restore`.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::{Duration, UNIX_EPOCH};

use bastide_audit::{Action, AuditLog, Event, Outcome as AuditOutcome};
use bastide_backup::FileChunks;
use bastide_database::{RestoreRequest, RestoreStep, Restored};
use bastide_settings::{Settings, names};
use serde_json::json;

use crate::arguments::RestoreArguments;
use crate::database_backup::origin;
use crate::progress::Progress;
use crate::{Installation, Outcome, Place, Refusal, backup_key, refused, with_causes};

pub(crate) fn restore(
    installation: &dyn Installation,
    place: Place<'_>,
    given: &RestoreArguments,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    let mut progress = Progress::new(errors);
    let result = run(installation, place, given, &mut progress);
    progress.end();
    match result {
        Ok(done) => {
            print(&done, given, output)?;
            for notice in &done.notices {
                writeln!(errors, "{notice}")?;
            }
            Ok(Outcome::Done)
        }
        Err(refusal) => refused(errors, &refusal),
    }
}

struct Done {
    restored: Restored,
    origin: String,
    commit: u64,
    notices: Vec<String>,
}

fn other(error: &dyn std::error::Error) -> Refusal {
    Refusal::Other(format!("nothing was restored: {}", with_causes(error)))
}

fn run(
    installation: &dyn Installation,
    place: Place<'_>,
    given: &RestoreArguments,
    progress: &mut Progress<'_>,
) -> Result<Done, Refusal> {
    let settings = installation.settings(place)?;
    let key_ring = backup_key::load(&settings, given.encryption_key_file.as_deref())?;
    // Before the lock, so that a wrong path or key changes nothing at all.
    let mut chunks = FileChunks::open(&given.from_path, &key_ring).map_err(|error| other(&error))?;
    let header = chunks.header().clone();
    let _lock = installation.lock(place)?;
    let audit = AuditLog::open(&installation.log_folder(place)?).map_err(|error| other(&error))?;
    let request = request(&settings, given, &header);
    let had_key = request.key_file.exists();
    let bytes = given.from_path.metadata().map_or(0, |metadata| metadata.len());
    progress.begin("reading ", bytes, 0);
    let result = {
        let mut read = std::iter::from_fn(|| {
            let chunk = chunks.next();
            progress.move_to(chunks.bytes());
            chunk.map(|chunk| chunk.map_err(Into::into))
        });
        let mut on_step = |step| {
            // Unless the audit log takes it, nothing is replaced.
            let is_last_chance = step == RestoreStep::SystemThere;
            match is_last_chance.then(|| record(&audit, &request, AuditOutcome::Success)) {
                Some(Err(_)) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        bastide_database::restore(&request, &mut read, &mut on_step)
    };
    let restored = match result {
        Ok(restored) => restored,
        Err(bastide_database::RestoreError::Ended) => {
            let text = "nothing was restored: the audit log cannot be written".to_owned();
            return Err(Refusal::Other(text));
        }
        Err(error @ bastide_database::RestoreError::NotEntered(_)) => {
            // That it is in its place is in the audit log already.
            return Err(Refusal::Other(with_causes(&error)));
        }
        Err(error) => {
            // The failure itself is told below; that it could not be recorded comes to nobody's harm.
            let _ = record(&audit, &request, AuditOutcome::Failure);
            return Err(other(&error));
        }
    };
    let notices = notices(&settings, &request, &restored, !had_key);
    Ok(Done {
        restored,
        origin: origin(&given.from_path, &header),
        commit: header.commit,
        notices,
    })
}

fn request(settings: &Settings, given: &RestoreArguments, header: &bastide_backup::Header) -> RestoreRequest {
    RestoreRequest {
        data_directory: settings.path(names::SERVER_DIRECTORIES_DATA),
        key_file: settings.path(names::DBMS_SECURITY_ENCRYPTION_KEY_FILE),
        database: given.database.clone(),
        overwrite: given.overwrite_destination,
        backed_up_database: header.database.clone(),
        database_id: header.database_uuid(),
        created: UNIX_EPOCH + Duration::from_millis(header.created_ms),
        commit: header.commit,
    }
}

fn record(audit: &AuditLog, request: &RestoreRequest, outcome: AuditOutcome) -> Result<(), bastide_audit::AuditError> {
    let event = Event::new(Action::DatabaseRestored, outcome)
        .with_database(&request.database)
        .with_detail("backed_up_database", &request.backed_up_database)
        .with_detail("commit", &request.commit.to_string())
        .with_detail("overwrite", if request.overwrite { "true" } else { "false" });
    audit.record(event)
}

fn notices(settings: &Settings, request: &RestoreRequest, restored: &Restored, made_key: bool) -> Vec<String> {
    let mut notices = Vec::new();
    if made_key {
        notices.push(format!(
            "made the encryption key of the home, `{}`; keep a copy elsewhere",
            request.key_file.display()
        ));
    }
    if !restored.missing_databases.is_empty() {
        notices.push(format!(
            "the system database knows of databases that are not in this home; no server starts before they are restored too: {}",
            restored.missing_databases.join(", ")
        ));
    }
    let name = request.database.to_ascii_lowercase();
    let default = settings.value(names::INITIAL_DBMS_DEFAULT_DATABASE);
    if name != bastide_database::SYSTEM_DATABASE && name != default.to_ascii_lowercase() {
        notices.push(format!(
            "a server on this home opens `{default}`; set `{}={name}` to have it open this one",
            names::INITIAL_DBMS_DEFAULT_DATABASE.name()
        ));
    }
    notices
}

fn print(done: &Done, given: &RestoreArguments, output: &mut dyn Write) -> io::Result<()> {
    let Restored {
        nodes,
        relationships,
        replaced,
        missing_databases,
    } = &done.restored;
    if given.json {
        let answer = json!({
            "database": given.database.to_ascii_lowercase(), "file": given.from_path.display().to_string(),
            "commit": done.commit, "nodes": nodes, "relationships": relationships, "replaced": replaced,
            "missing_databases": missing_databases,
        });
        return writeln!(output, "{answer}");
    }
    writeln!(
        output,
        "restored {} from {}: commit {}, {nodes} nodes, {relationships} relationships",
        given.database.to_ascii_lowercase(),
        done.origin,
        done.commit
    )
}
