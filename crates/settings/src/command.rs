//! `$(command)` values: who may have written them, running them, taking what they print.
//!
//! INVARIANT: neither the command's output nor what it prints as errors ever reaches a log or a report; a command that
//! takes too long is killed with everything it started. No shell is involved: a command that wants one names it, as in
//! `$(bash -c 'cat a | tr -d x')`.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// How long one command may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes a command may print.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;
/// Permission bits a file with commands may have.
const MODE_ALLOWED: u32 = 0o640;
/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Whether a value is a command.
pub(crate) fn is_command(value: &str) -> bool {
    inside(value).is_some()
}

/// The command line within `$(…)`.
pub(crate) fn inside(value: &str) -> Option<&str> {
    value.strip_prefix("$(")?.strip_suffix(')')
}

/// Whether the commands in `file` may be run: only its owner, who is this user or shares a group, can have written them,
/// and strangers cannot read them.
pub(crate) fn check_file(path: &Path, file: &File) -> Result<(), Box<Fault>> {
    let fault = |problem: String, advice: &str| Box::new(Fault::about_file(path.to_owned(), problem, advice));
    let metadata = file.metadata().map_err(|error| {
        fault(
            format!("its permissions cannot be read: {error}"),
            "let the server's user read it",
        )
    })?;
    let mode = metadata.mode() & 0o7777;
    if mode & !MODE_ALLOWED != 0 {
        return Err(fault(
            format!("it has commands to run, and its mode is {mode:04o}, looser than 0640"),
            &format!("run `chmod 640 {}`", path.display()),
        ));
    }
    let owner = rustix::process::geteuid().as_raw();
    let group = metadata.gid();
    let in_group = rustix::process::getegid().as_raw() == group
        || rustix::process::getgroups().is_ok_and(|groups| groups.iter().any(|id| id.as_raw() == group));
    if metadata.uid() != owner && !in_group {
        return Err(fault(
            "it has commands to run, and belongs neither to the server's user nor to a group of that user".to_owned(),
            "change its owner or group with `chown`",
        ));
    }
    Ok(())
}

/// Why a command gave no value. Holds nothing that it printed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is nothing to run.
    #[error("it is empty")]
    Empty,
    /// A quote is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
    /// It could not be started.
    #[error("it cannot be started ({0})")]
    Start(std::io::ErrorKind),
    /// It did not exit with 0.
    #[error("it ended with {0}")]
    Status(String),
    /// It did not end, or did not close its output, in time.
    #[error("it did not end within {} seconds and was killed", .0.as_secs())]
    Timeout(Duration),
    /// It printed too much.
    #[error("it printed more than {OUTPUT_BYTES_MAX} bytes")]
    TooLong,
    /// What it printed is no text.
    #[error("it did not print UTF-8 text")]
    NotText,
}

/// Runs a command line and returns what it prints, without white space at either end.
pub(crate) fn run(line: &str, timeout: Duration) -> Result<String, CommandError> {
    let words = split(line)?;
    let (program, arguments) = words.split_first().ok_or(CommandError::Empty)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What a command says about a failure may quote a secret.
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| CommandError::Start(error.kind()))?;
    let result = collect(&mut child, Instant::now() + timeout, timeout);
    // After `Status` the command is reaped, and its number might be another's by now.
    if !matches!(result, Ok(_) | Err(CommandError::Status(_))) {
        kill_group(&mut child);
    }
    result
}

fn collect(child: &mut Child, deadline: Instant, timeout: Duration) -> Result<String, CommandError> {
    let Some(output) = child.stdout.take() else {
        return Err(CommandError::Empty);
    };
    let (sender, receiver) = sync_channel(1);
    // The thread ends when the pipe does; killing the group closes it.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let result = output.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes);
        let _ = sender.send(result);
    });
    let bytes = match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(CommandError::NotText),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(CommandError::Timeout(timeout)),
    };
    if bytes.len() as u64 > OUTPUT_BYTES_MAX {
        return Err(CommandError::TooLong);
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => return Err(CommandError::Status(status.to_string())),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL),
            Ok(None) => return Err(CommandError::Timeout(timeout)),
            Err(error) => return Err(CommandError::Start(error.kind())),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| CommandError::NotText)?;
    Ok(text.trim().to_owned())
}

/// Kills the command and whatever it started that stayed in its group, and reaps it.
fn kill_group(child: &mut Child) {
    // The command is not reaped yet, even if it has ended, so its number still is its group's.
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // Fails only if all of them are gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

/// Splits a command line into words as a shell would: white space separates, quotes group, a backslash takes the next
/// character as it is, except within single quotes.
fn split(line: &str) -> Result<Vec<String>, CommandError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(CommandError::OpenQuote);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_shell() {
        assert_eq!(
            split("a  b 'c d' \"e \\\" f\" g\\ h '' 'x\\y'").unwrap(),
            ["a", "b", "c d", "e \" f", "g h", "", "x\\y"]
        );
        assert_eq!(split("bash -c 'echo one'two").unwrap(), ["bash", "-c", "echo onetwo"]);
        assert_eq!(split("a 'b"), Err(CommandError::OpenQuote));
        assert_eq!(run("  ", TIMEOUT), Err(CommandError::Empty));
    }

    #[test]
    fn takes_trimmed_output_of_a_successful_command() {
        assert_eq!(run("printf ' secret\\n\\n'", TIMEOUT).unwrap(), "secret");
        assert_eq!(run("sh -c 'echo a; echo b >&2'", TIMEOUT).unwrap(), "a");
    }

    #[test]
    fn a_failing_or_missing_command_is_an_error_without_its_output() {
        let error = run("sh -c 'echo hunter2; echo hunter3 >&2; exit 3'", TIMEOUT).unwrap_err();
        assert!(matches!(error, CommandError::Status(_)));
        assert!(!error.to_string().contains("hunter"), "{error}");
        assert!(matches!(run("/no/such/program", TIMEOUT), Err(CommandError::Start(_))));
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_what_it_started() {
        let limit = Duration::from_millis(200);
        assert_eq!(
            run("sh -c 'sleep 1000 & sleep 1000'", limit),
            Err(CommandError::Timeout(limit))
        );
        // The child of the shell holds the pipe open although the shell is gone.
        assert_eq!(run("sh -c 'sleep 1000 &'", limit), Err(CommandError::Timeout(limit)));
        assert_eq!(
            run("sh -c 'exec >&-; sleep 1000'", limit),
            Err(CommandError::Timeout(limit))
        );
    }

    #[test]
    fn endless_output_is_cut_off() {
        assert_eq!(run("yes", TIMEOUT), Err(CommandError::TooLong));
    }
}
