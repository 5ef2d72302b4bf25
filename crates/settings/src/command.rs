//! `$(command)` values: who may have written them, running them, taking what they print.
//!
//! INVARIANT: neither the command's output nor what it prints as errors ever reaches a log or a report; a command that
//! takes too long is killed with everything it started. No shell is involved: commands may be joined by `|`, and whatever
//! else wants a shell names it, as in `$(bash -c 'cat "$CREDENTIALS_DIRECTORY/key"')`.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// How long one command may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes a command may print.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;
/// Permission bits a file with commands may have.
const MODE_ALLOWED: u32 = 0o640;
/// Most commands joined by `|`.
const COMMANDS_MAX: usize = 16;
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
    /// Too many are joined.
    #[error("it joins more than {COMMANDS_MAX} commands")]
    TooMany,
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

/// Runs a command line and returns what it prints, without white space at either end. Of commands joined by `|` all must
/// succeed.
pub(crate) fn run(line: &str, timeout: Duration) -> Result<String, CommandError> {
    let mut pipeline = Pipeline::default();
    let result = pipeline
        .start(&split(line)?)
        .and_then(|output| collect(output, &mut pipeline, Instant::now() + timeout, timeout));
    pipeline.end();
    result
}

/// The processes of a command line, all in the group of the first. None is reaped before all have ended or were killed, so
/// that their numbers stay theirs.
#[derive(Default)]
struct Pipeline {
    children: Vec<Child>,
}

impl Pipeline {
    /// Starts the commands, each reading what the one before prints; returns what the last prints.
    fn start(&mut self, commands: &[Vec<String>]) -> Result<ChildStdout, CommandError> {
        let mut input = Stdio::null();
        let mut output = None;
        for words in commands {
            let (program, arguments) = words.split_first().ok_or(CommandError::Empty)?;
            let mut child = Command::new(program)
                .args(arguments)
                .stdin(input)
                .stdout(Stdio::piped())
                // What a command says about a failure may quote a secret.
                .stderr(Stdio::null())
                .process_group(self.group())
                .spawn()
                .map_err(|error| CommandError::Start(error.kind()))?;
            let printed = child.stdout.take();
            self.children.push(child);
            let is_last = self.children.len() == commands.len();
            (input, output) = match printed {
                Some(printed) if !is_last => (Stdio::from(printed), None),
                printed => (Stdio::null(), printed),
            };
        }
        output.ok_or(CommandError::Empty)
    }

    /// The number of the group; 0, for a new one, before there is any process.
    fn group(&self) -> i32 {
        let first = self.children.first();
        first.and_then(|child| i32::try_from(child.id()).ok()).unwrap_or(0)
    }

    /// Waits until all have ended.
    fn wait(&mut self, deadline: Instant) -> Result<bool, std::io::Error> {
        // The first one is reaped last: its number is the group's.
        for child in self.children.iter_mut().rev() {
            while !has_ended(child)? {
                if Instant::now() >= deadline {
                    return Ok(false);
                }
                std::thread::sleep(POLL);
            }
        }
        Ok(true)
    }

    /// Kills what still runs and whatever it started that stayed in the group, and reaps all.
    fn end(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.group()) {
            // Fails only if all of them are gone already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
        self.children.clear();
    }
}

/// Whether the password of a key is decrypted with a passphrase made from a certificate, as Neo4j's manual shows it: the
/// server hands its certificate to everybody, so whoever can read the encrypted file can decrypt it too.
pub(crate) fn is_certificate_recipe(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let decrypts = line.contains("openssl") && (line.contains(" -d") || line.contains("-pass"));
    let names_certificate = [".crt", ".cer", ".pem", "certificate"];
    decrypts && names_certificate.into_iter().any(|name| line.contains(name))
}

/// Whether a process has ended, without reaping it.
fn has_ended(child: &Child) -> Result<bool, std::io::Error> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return Ok(true);
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

fn collect(
    output: ChildStdout,
    pipeline: &mut Pipeline,
    deadline: Instant,
    timeout: Duration,
) -> Result<String, CommandError> {
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
    match pipeline.wait(deadline) {
        Ok(true) => {}
        Ok(false) => return Err(CommandError::Timeout(timeout)),
        Err(error) => return Err(CommandError::Start(error.kind())),
    }
    // Once reaped, their numbers might be another's: nothing is killed by them any more.
    for mut child in std::mem::take(&mut pipeline.children) {
        let status = child.wait().map_err(|error| CommandError::Start(error.kind()))?;
        if !status.success() && !was_cut_off(status) {
            return Err(CommandError::Status(status.to_string()));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| CommandError::NotText)?;
    Ok(text.trim().to_owned())
}

/// Whether a command was ended because the next one had read enough.
fn was_cut_off(status: ExitStatus) -> bool {
    status.signal() == Some(rustix::process::Signal::PIPE.as_raw())
}

/// Splits a command line into commands and these into words as a shell would: `|` separates commands and white space
/// words, quotes group, a backslash takes the next character as it is, except within single quotes.
fn split(line: &str) -> Result<Vec<Vec<String>>, CommandError> {
    let mut commands = Vec::new();
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
            (None, '|') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(CommandError::OpenQuote);
    }
    words.extend(word);
    commands.push(words);
    if commands.len() > COMMANDS_MAX {
        return Err(CommandError::TooMany);
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_shell() {
        assert_eq!(
            split("a  b 'c d' \"e \\\" f\" g\\ h '' 'x\\y'").unwrap(),
            [["a", "b", "c d", "e \" f", "g h", "", "x\\y"]]
        );
        assert_eq!(split("bash -c 'echo one'two").unwrap(), [["bash", "-c", "echo onetwo"]]);
        assert_eq!(split("a '|'|b").unwrap(), [vec!["a", "|"], vec!["b"]]);
        assert_eq!(split("a 'b"), Err(CommandError::OpenQuote));
        assert_eq!(run("  ", TIMEOUT), Err(CommandError::Empty));
    }

    #[test]
    fn takes_trimmed_output_of_a_successful_command() {
        assert_eq!(run("printf ' secret\\n\\n'", TIMEOUT).unwrap(), "secret");
        assert_eq!(run("sh -c 'echo a; echo b >&2'", TIMEOUT).unwrap(), "a");
    }

    #[test]
    fn commands_joined_by_a_pipe_read_what_the_one_before_prints_and_must_all_succeed() {
        assert_eq!(run("echo secret | tr a-z A-Z | cat", TIMEOUT).unwrap(), "SECRET");
        assert_eq!(run("yes | head -n 1", TIMEOUT).unwrap(), "y");
        assert!(matches!(run("false | echo x", TIMEOUT), Err(CommandError::Status(_))));
        assert_eq!(run("echo x |", TIMEOUT), Err(CommandError::Empty));
        assert!(matches!(
            run("echo x | /no/such/program", TIMEOUT),
            Err(CommandError::Start(_))
        ));
        let limit = Duration::from_millis(200);
        assert_eq!(run("sleep 1000 | cat", limit), Err(CommandError::Timeout(limit)));
        assert_eq!(run("sleep 1000 | true", limit), Err(CommandError::Timeout(limit)));
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
    fn a_passphrase_made_from_a_certificate_is_noticed() {
        let recipe = "base64 -w 0 certificate.crt | openssl aes-256-cbc -a -d -in password.enc -pass stdin";
        assert!(is_certificate_recipe(recipe) && is_certificate_recipe(&format!("bash -lc '{recipe}'")));
        assert!(is_certificate_recipe(
            &recipe.replace("certificate.crt", "\"$CERTIFICATE\"")
        ));
        assert!(!is_certificate_recipe("cat /etc/bastide/bolt-key-password"));
        assert!(!is_certificate_recipe(
            "openssl aes-256-cbc -d -in p.enc -pass file:/root/passphrase"
        ));
    }

    #[test]
    fn endless_output_is_cut_off() {
        assert_eq!(run("yes", TIMEOUT), Err(CommandError::TooLong));
    }
}
