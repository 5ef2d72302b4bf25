//! The interactive Cypher shell, a client over Bolt.
//!
//! Owns what a person or a script sees of a server: arguments, prompt, results, errors, exit codes. Must not know any crate of the
//! server but `bolt` (bytes) and `cypher` (where statements end, what to hide).

mod address;
mod arguments;
mod commands;
mod connection;
mod connector;
mod error;
mod failure_text;
mod handshake;
mod highlight;
mod history;
mod home;
mod interactive;
mod interrupt;
mod output;
mod paint;
mod parameters;
mod password;
mod script;
mod session;
mod shell;
mod temporal_text;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod value_json;
mod value_text;

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

pub use arguments::{AccessMode, Format, ShellArguments};

use connector::Connector;
use error::{ShellError, chain};
use interrupt::{EXIT_INTERRUPTED, Interrupt};
use output::Shape;
use paint::{Paint, Stream};
use parameters::ParameterText;
use session::Session;
use shell::{Display, Outcome, Shell};

/// A statement or a command failed.
const EXIT_FAILED: u8 = 1;
/// Wrong usage, no connection, or a refused login.
const EXIT_UNUSABLE: u8 = 2;

/// Runs the shell to its end.
///
/// The exit code is 0 when everything worked, 1 when a statement or command failed, 2 for wrong usage, no connection or a refused
/// login, and 130 when Ctrl-C ended it.
pub fn run(arguments: ShellArguments) -> ExitCode {
    let paint = Paint::detected();
    let code = match Interrupt::listening().map_err(ShellError::Output) {
        Ok(interrupt) => prepare(&arguments, paint, interrupt),
        Err(error) => Err(error),
    };
    ExitCode::from(code.unwrap_or_else(|error| {
        let text = match &error {
            ShellError::Server(failure) => failure_text::failure_text(failure, "", paint),
            other => format!("{} {}", paint.red(Stream::Error, "error:"), chain(other)),
        };
        eprintln!("{text}");
        if matches!(error, ShellError::Interrupted) {
            EXIT_INTERRUPTED
        } else {
            EXIT_UNUSABLE
        }
    }))
}

/// Everything up to a session with parameters; what fails here is an unusable shell.
fn prepare(arguments: &ShellArguments, paint: Paint, interrupt: Interrupt) -> Result<u8, ShellError> {
    let parameters: Vec<ParameterText> = arguments
        .parameters
        .iter()
        .map(|text| ParameterText::parse(text))
        .collect::<Result<_, _>>()?;
    let file = arguments.file.as_ref().map(|path| open(path)).transpose()?;
    let mut connector = Connector::new(arguments, interrupt.clone())?;
    for warning in connector.warnings() {
        eprintln!("{}", paint.yellow(Stream::Error, &warning));
    }
    if arguments.change_password {
        connector.change_password()?;
        eprintln!("the password has been changed");
        return Ok(0);
    }
    let session = connector.connect()?;
    Ok(converse(
        arguments,
        paint,
        interrupt,
        &mut connector,
        session,
        &parameters,
        file,
    ))
}

fn converse(
    arguments: &ShellArguments,
    paint: Paint,
    interrupt: Interrupt,
    connector: &mut Connector,
    session: Session,
    parameters: &[ParameterText],
    file: Option<File>,
) -> u8 {
    let is_interactive = file.is_none()
        && arguments.statements.is_empty()
        && !arguments.non_interactive
        && std::io::stdin().is_terminal();
    let mut output = BufWriter::new(std::io::stdout());
    let mut errors = std::io::stderr();
    let display = display(arguments, paint, is_interactive);
    let mut shell = Shell::new(session, display, interrupt, &mut output, &mut errors);
    let mut outcome = Outcome::default();
    for text in parameters {
        if let Err(error) = shell.set_parameter(text) {
            shell.report(&error, &text.statement());
            outcome.failed = true;
        }
    }
    if outcome.failed {
        shell.session.close();
        return EXIT_FAILED;
    }
    if is_interactive {
        if let Err(error) = shell.session.switch_database(arguments.database.clone()) {
            shell.report(&error, "");
            return EXIT_UNUSABLE;
        }
        outcome = interactive::converse(&mut shell, connector, paint);
    } else {
        outcome = run_inputs(&mut shell, arguments, file);
        shell.end(&mut outcome);
    }
    if !outcome.disconnected {
        shell.session.close();
    }
    let flushed = output.flush();
    exit_code(outcome, flushed.is_err())
}

/// Statements of the command line, of the file, or of standard input.
fn run_inputs(shell: &mut Shell<'_>, arguments: &ShellArguments, file: Option<File>) -> Outcome {
    if let (Some(file), Some(path)) = (file, &arguments.file) {
        return shell.run_script(Some(&path.display().to_string()), &mut BufReader::new(file));
    }
    if arguments.statements.is_empty() {
        return shell.run_script(Some("<stdin>"), &mut std::io::stdin().lock());
    }
    let mut outcome = Outcome::default();
    for statement in &arguments.statements {
        let one = shell.run_script(None, &mut statement.as_bytes());
        outcome.add(one);
        if outcome.ended {
            break;
        }
    }
    outcome
}

fn display(arguments: &ShellArguments, paint: Paint, is_interactive: bool) -> Display {
    let is_terminal = std::io::stdout().is_terminal();
    let shape = match arguments.format {
        Format::Auto if is_terminal => Shape::Verbose,
        Format::Auto | Format::Plain => Shape::Plain,
        Format::Verbose => Shape::Verbose,
        Format::Json => Shape::Json,
        Format::Csv => Shape::Csv,
    };
    let width = is_terminal.then(|| crossterm::terminal::size().ok()).flatten();
    Display {
        shape,
        width_max: width
            .map(|(columns, _)| usize::from(columns))
            .filter(|columns| *columns > 0),
        paint,
        notifications: arguments.notifications,
        is_interactive,
        fail_at_end: arguments.fail_at_end,
    }
}

fn open(path: &std::path::Path) -> Result<File, ShellError> {
    File::open(path).map_err(|source| ShellError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn exit_code(outcome: Outcome, output_failed: bool) -> u8 {
    if outcome.interrupted {
        EXIT_INTERRUPTED
    } else if outcome.disconnected {
        EXIT_UNUSABLE
    } else if outcome.failed || output_failed {
        EXIT_FAILED
    } else {
        0
    }
}
