//! Checks a log from its first line to its last against its own chain and the head file.
//!
//! May run while the server writes: the head is read first, so the log is never behind it by accident.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::HEAD_FILE_NAME;
use crate::chain::Position;
use crate::line::{LINE_BYTES_MAX, ParsedLine};

/// A log without a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Complete records.
    pub records: u64,
    /// Bytes of an unfinished record after the last complete one: being written now, or torn by a crash.
    pub unfinished_bytes: u64,
}

/// The first line at which the log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct FirstFault {
    /// Line number, from 1. One beyond the last line if records are missing at the end.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a log did not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was altered.
    #[error("the audit log was altered: {0}")]
    Altered(FirstFault),
    /// It could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Checks the log at `log`, whose head file lies beside it.
pub fn verify(log: &Path) -> Result<Verified, VerifyError> {
    let unreadable = |path: &Path, source| VerifyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let head_path = log.with_file_name(HEAD_FILE_NAME);
    let head = match std::fs::read(&head_path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&head_path, error)),
    };
    let file = File::open(log).map_err(|error| unreadable(log, error))?;
    let mut check = Check {
        last: Position::START,
        at_head: None,
        head: None,
    };
    match head.as_deref().map(Position::from_head) {
        Some(None) => return Err(fault(0, "the head file beside the log is damaged")),
        Some(parsed) => check.head = parsed,
        None => {}
    }
    if check.head == Some(Position::START) {
        check.at_head = Some(Position::START);
    }
    let unfinished_bytes = check.read(BufReader::new(file)).map_err(|error| match error {
        ReadFault::Io(source) => unreadable(log, source),
        ReadFault::Fault(first) => VerifyError::Altered(first),
    })?;
    check.compare_with_head()?;
    Ok(Verified {
        records: check.last.sequence,
        unfinished_bytes,
    })
}

enum ReadFault {
    Io(io::Error),
    Fault(FirstFault),
}

struct Check {
    last: Position,
    head: Option<Position>,
    /// The record the head names, once reached.
    at_head: Option<Position>,
}

impl Check {
    /// Follows the chain; returns how many bytes follow the last line feed.
    fn read(&mut self, mut reader: impl io::BufRead) -> Result<u64, ReadFault> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let limit = LINE_BYTES_MAX as u64 + 1;
            let read = reader
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut line)
                .map_err(ReadFault::Io)?;
            if read == 0 {
                return Ok(0);
            }
            let Some(text) = line.strip_suffix(b"\n") else {
                if read as u64 == limit {
                    return Err(ReadFault::Fault(first(number, "is longer than any audit record")));
                }
                return Ok(read as u64);
            };
            self.follow(number, text).map_err(ReadFault::Fault)?;
        }
        Ok(0)
    }

    fn follow(&mut self, number: u64, text: &[u8]) -> Result<(), FirstFault> {
        let Some(parsed) = ParsedLine::parse(text) else {
            return Err(first(number, "is not an audit record: it was altered or inserted"));
        };
        if !parsed.is_sound() {
            return Err(first(number, "was altered: its hash does not match its content"));
        }
        let expected = self.last.sequence + 1;
        if parsed.sequence > expected {
            let last = parsed.sequence - 1;
            return Err(first(
                number,
                &format!("records {expected} to {last} were removed before this line"),
            ));
        }
        if parsed.sequence < expected {
            let found = parsed.sequence;
            return Err(first(
                number,
                &format!("record {found} is out of order: record {expected} belongs here"),
            ));
        }
        if parsed.previous != self.last.hash {
            let reason = "does not follow the line before: that line, or this one and all after it, was replaced";
            return Err(first(number, reason));
        }
        self.last = parsed.position();
        if self.head.is_some_and(|head| head.sequence == self.last.sequence) {
            self.at_head = Some(self.last);
        }
        Ok(())
    }

    fn compare_with_head(&self) -> Result<(), VerifyError> {
        let sequence = self.last.sequence;
        let Some(head) = self.head else {
            if sequence == 0 {
                return Ok(());
            }
            return Err(fault(
                sequence + 1,
                "the head file beside the log was removed, so the end cannot be vouched for",
            ));
        };
        match self.at_head {
            None => {
                let (from, to) = (sequence + 1, head.sequence);
                Err(fault(
                    from,
                    &format!("records removed at the end: records {from} to {to} are missing"),
                ))
            }
            Some(reached) if reached.hash != head.hash => Err(fault(
                head.sequence,
                "was replaced: the head file remembers another record",
            )),
            Some(_) => Ok(()),
        }
    }
}

fn first(line: u64, reason: &str) -> FirstFault {
    FirstFault {
        line,
        reason: reason.to_owned(),
    }
}

fn fault(line: u64, reason: &str) -> VerifyError {
    VerifyError::Altered(first(line, reason))
}
