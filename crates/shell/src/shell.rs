//! Does what statements and commands say, and reports what came of it.
//!
//! Owns the session, the parameters and where results go; knows nothing of where the text came from but its name for errors.

use std::io::{BufRead, Write};
use std::path::Path;

use bastide_bolt::WireMap;

use crate::arguments::AccessMode;
use crate::commands::{Command, help};
use crate::error::{ShellError, chain};
use crate::failure_text::failure_text;
use crate::interrupt::Interrupt;
use crate::output::{Printer, Shape, notifications, plan_of, write_plan};
use crate::paint::{Paint, Stream};
use crate::parameters::{ParameterText, SingleValue};
use crate::script::{Item, ItemKind, Script};
use crate::session::{Session, Transaction};
use crate::value_text::{value_text, write_name};

/// Files that source files that source files … end here.
const SOURCE_DEPTH_MAX: usize = 16;
/// A longer line is refused, before more of it is read.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How results and messages are shown.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    /// The format of results.
    pub shape: Shape,
    /// How wide tables may be.
    pub width_max: Option<usize>,
    /// Colours.
    pub paint: Paint,
    /// Whether the server's hints are shown in every format.
    pub notifications: bool,
    /// Whether a person is told what commands did.
    pub is_interactive: bool,
    /// Whether scripts go on after a failure.
    pub fail_at_end: bool,
}

/// What is to be done after an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next one.
    Continue,
    /// Leave the shell.
    Exit,
    /// Only the person's terminal can do this.
    Terminal(TerminalRequest),
}

/// What concerns the terminal alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalRequest {
    /// Show the history.
    ShowHistory,
    /// Forget the history.
    ClearHistory,
    /// Clear the screen.
    ClearScreen,
}

/// How a script ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether anything failed.
    pub failed: bool,
    /// Whether the rest must not be run: `:exit`, Ctrl-C, a lost connection, or a failure where that ends everything.
    pub ended: bool,
    /// Whether it was Ctrl-C that ended it.
    pub interrupted: bool,
    /// Whether the connection was lost.
    pub disconnected: bool,
}

impl Outcome {
    /// Takes over what `other` says beside.
    pub fn add(&mut self, other: Self) {
        self.failed |= other.failed;
        self.ended |= other.ended;
        self.interrupted |= other.interrupted;
        self.disconnected |= other.disconnected;
    }
}

/// A session and what surrounds it.
pub struct Shell<'output> {
    /// The session.
    pub session: Session,
    /// Parameters of every statement.
    pub parameters: WireMap,
    display: Display,
    interrupt: Interrupt,
    output: &'output mut dyn Write,
    errors: &'output mut dyn Write,
}

impl<'output> Shell<'output> {
    /// A shell without parameters.
    pub fn new(
        session: Session,
        display: Display,
        interrupt: Interrupt,
        output: &'output mut dyn Write,
        errors: &'output mut dyn Write,
    ) -> Self {
        Self {
            session,
            parameters: Vec::new(),
            display,
            interrupt,
            output,
            errors,
        }
    }

    /// Runs everything that `input` holds, to its end or the first failure that ends it. `name` stands before errors.
    pub fn run_script(&mut self, name: Option<&str>, input: &mut dyn BufRead) -> Outcome {
        self.run_nested(name, input, 0)
    }

    /// Does one thing, reporting its failure.
    pub fn run_item(&mut self, name: Option<&str>, item: &Item) -> (Flow, Outcome) {
        self.run_item_at(name, item, 0)
    }

    /// Rolls back what is still open when the input is over; that is a failure.
    pub fn end(&mut self, outcome: &mut Outcome) {
        if self.session.transaction() != Transaction::None && !outcome.disconnected {
            let _ = self.session.roll_back();
            outcome.failed = true;
            self.report(&ShellError::TransactionLeftOpen, "");
        }
    }

    /// Sets a parameter to what the server makes of its expression.
    ///
    /// # Errors
    /// The server's failure, a value that cannot be a parameter, or a lost connection.
    pub fn set_parameter(&mut self, text: &ParameterText) -> Result<(), ShellError> {
        let mut single = SingleValue::default();
        let _busy = self.interrupt.while_busy();
        self.session.run(&text.statement(), &self.parameters, &mut single)?;
        match single {
            SingleValue {
                value: Some(value),
                is_more: false,
            } => text.assign(value, &mut self.parameters),
            _ => Err(ShellError::usage("a parameter must be a single value")),
        }
    }

    /// Prints an error, with the place in `statement` if it is the server's.
    pub fn report(&mut self, error: &ShellError, statement: &str) {
        let text = match error {
            // Who reads the output has gone; nobody is left to tell.
            ShellError::Output(source) if source.kind() == std::io::ErrorKind::BrokenPipe => return,
            ShellError::Server(failure) => failure_text(failure, statement, self.display.paint),
            other => format!("{} {}", self.display.paint.red(Stream::Error, "error:"), chain(other)),
        };
        let _ = self.output.flush();
        // The terminal has shown `^C` on this line.
        let gap = if self.display.is_interactive && matches!(error, ShellError::Interrupted) {
            "\n"
        } else {
            ""
        };
        let _ = writeln!(self.errors, "{gap}{text}");
    }

    fn run_nested(&mut self, name: Option<&str>, input: &mut dyn BufRead, depth: usize) -> Outcome {
        let mut script = Script::default();
        let mut outcome = Outcome::default();
        loop {
            let items = match read_line(input) {
                Ok(Some(line)) => script.line(&line),
                Ok(None) => break,
                Err(error) => Err(error),
            };
            match items {
                Ok(items) => {
                    for item in items {
                        outcome.add(self.run_item_at(name, &item, depth).1);
                        if outcome.ended {
                            return outcome;
                        }
                    }
                }
                Err(error) => {
                    self.report(&error, "");
                    outcome.failed = true;
                    outcome.ended = true;
                    return outcome;
                }
            }
        }
        if let Some(item) = script.end() {
            outcome.add(self.run_item_at(name, &item, depth).1);
        }
        outcome
    }

    fn run_item_at(&mut self, name: Option<&str>, item: &Item, depth: usize) -> (Flow, Outcome) {
        let result = match &item.kind {
            ItemKind::Statement(text) => self.run_statement(text).map(|()| (Flow::Continue, Outcome::default())),
            ItemKind::Command(text) => self.run_command(text, depth),
        };
        match result {
            Ok((flow, mut outcome)) => {
                outcome.ended |= flow == Flow::Exit;
                (flow, outcome)
            }
            Err(error) => {
                if let Some(name) = name {
                    let _ = self.output.flush();
                    let _ = writeln!(self.errors, "{name}:{}", item.line);
                }
                self.report(&error, &sent_text(&item.kind));
                let interrupted = matches!(error, ShellError::Interrupted);
                let outcome = Outcome {
                    failed: true,
                    interrupted,
                    disconnected: matches!(error, ShellError::Connection(_)),
                    ended: interrupted
                        || error.is_final()
                        || !(self.display.fail_at_end || self.display.is_interactive),
                };
                (Flow::Continue, outcome)
            }
        }
    }

    fn run_statement(&mut self, statement: &str) -> Result<(), ShellError> {
        let _busy = self.interrupt.while_busy();
        let mut printer = Printer::new(&mut *self.output, self.display.shape, self.display.width_max);
        let summary = match self.session.run(statement, &self.parameters, &mut printer) {
            Ok(summary) => summary,
            Err(error) => {
                let _ = printer.abandon();
                return Err(error);
            }
        };
        printer.finish(&summary).map_err(ShellError::Output)?;
        let is_for_programs = matches!(self.display.shape, Shape::Json | Shape::Csv);
        if is_for_programs && let Some(plan) = plan_of(&summary) {
            write_plan(&mut *self.errors, plan, self.display.width_max).map_err(ShellError::Output)?;
        }
        if self.display.notifications || self.display.shape == Shape::Verbose {
            for text in notifications(&summary) {
                let text = self.display.paint.yellow(Stream::Error, &text);
                writeln!(self.errors, "{text}").map_err(ShellError::Output)?;
            }
        }
        Ok(())
    }

    fn run_command(&mut self, line: &str, depth: usize) -> Result<(Flow, Outcome), ShellError> {
        let mut outcome = Outcome::default();
        let mut flow = Flow::Continue;
        match Command::parse(line)? {
            Command::Begin => self.session.begin()?,
            Command::Commit => self.session.commit()?,
            Command::Rollback => self.session.roll_back()?,
            Command::SetParameter(text) => self.set_parameter(&text)?,
            Command::ListParameters(name) => self.list_parameters(name.as_deref())?,
            Command::ClearParameters => self.parameters.clear(),
            Command::Use(database) => self.session.switch_database(database)?,
            Command::Source(path) => outcome = self.source(&path, depth)?,
            Command::AccessMode(mode) => self.access_mode(mode)?,
            Command::Help => self.print(&help())?,
            Command::History { clear: false } => flow = Flow::Terminal(TerminalRequest::ShowHistory),
            Command::History { clear: true } => flow = Flow::Terminal(TerminalRequest::ClearHistory),
            Command::ClearScreen => flow = Flow::Terminal(TerminalRequest::ClearScreen),
            Command::Exit => flow = Flow::Exit,
        }
        Ok((flow, outcome))
    }

    fn source(&mut self, path: &Path, depth: usize) -> Result<Outcome, ShellError> {
        if depth >= SOURCE_DEPTH_MAX {
            return Err(ShellError::usage(format!(
                "files may source files {SOURCE_DEPTH_MAX} deep, no deeper"
            )));
        }
        let file = std::fs::File::open(path).map_err(|source| ShellError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let name = path.display().to_string();
        // A file ends at its first failure also where a person types, unless it was asked to go on.
        let was_interactive = std::mem::replace(&mut self.display.is_interactive, false);
        let mut outcome = self.run_nested(Some(&name), &mut std::io::BufReader::new(file), depth + 1);
        self.display.is_interactive = was_interactive;
        if was_interactive {
            outcome.ended = outcome.disconnected;
        }
        Ok(outcome)
    }

    fn list_parameters(&mut self, name: Option<&str>) -> Result<(), ShellError> {
        let mut text = String::new();
        for (key, value) in &self.parameters {
            if name.is_none_or(|name| name == key) {
                write_name(key, &mut text);
                text.push_str(" => ");
                text.push_str(&value_text(value));
                text.push('\n');
            }
        }
        match name {
            Some(name) if text.is_empty() => Err(ShellError::usage(format!("there is no parameter `{name}`"))),
            _ => self.print(&text),
        }
    }

    fn access_mode(&mut self, mode: Option<AccessMode>) -> Result<(), ShellError> {
        match mode {
            Some(_) if self.session.transaction() != Transaction::None => {
                return Err(ShellError::usage(
                    "the access mode cannot be changed inside a transaction",
                ));
            }
            Some(mode) => self.session.allow_only_reads(mode == AccessMode::Read),
            None => {
                let word = if self.session.is_read_only() {
                    "read\n"
                } else {
                    "write\n"
                };
                self.print(word)?;
            }
        }
        Ok(())
    }

    fn print(&mut self, text: &str) -> Result<(), ShellError> {
        self.output
            .write_all(text.as_bytes())
            .and_then(|()| self.output.flush())
            .map_err(ShellError::Output)
    }
}

/// The statement that the server saw, for the caret under the place of a failure.
fn sent_text(kind: &ItemKind) -> String {
    match kind {
        ItemKind::Statement(text) => text.clone(),
        ItemKind::Command(line) => match Command::parse(line) {
            Ok(Command::SetParameter(text)) => text.statement(),
            _ => String::new(),
        },
    }
}

/// One line without its end; `None` at the end of the input.
fn read_line(input: &mut dyn BufRead) -> Result<Option<String>, ShellError> {
    let failed = |source| ShellError::Unreadable {
        path: "the input".into(),
        source,
    };
    let mut bytes = Vec::new();
    std::io::Read::take(&mut *input, LINE_BYTES_MAX + 1)
        .read_until(b'\n', &mut bytes)
        .map_err(failed)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() as u64 > LINE_BYTES_MAX {
        return Err(ShellError::usage(format!(
            "a line is longer than {LINE_BYTES_MAX} bytes"
        )));
    }
    let mut line = String::from_utf8(bytes).map_err(|_| ShellError::usage("the input is not UTF-8 text"))?;
    if line.ends_with('\n') {
        line.pop();
    }
    if line.ends_with('\r') {
        line.pop();
    }
    Ok(Some(line))
}
