//! The shell against a server in memory that speaks real Bolt bytes.

use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};

use bastide_bolt::{
    Dechunker, Dialect, Failure, Handshake, HandshakeProgress, Request, Version, WireMap, WireValue, failure, ignored,
    record_header, success, write_message,
};

use crate::connection::Connection;
use crate::interrupt::Interrupt;
use crate::output::Shape;
use crate::paint::Paint;
use crate::session::{Credentials, Session, Transaction};
use crate::shell::{Display, Outcome, Shell};

/// What the server was asked, in short: `RUN RETURN 1`, `PULL`, `BEGIN db`.
type Log = Arc<Mutex<Vec<String>>>;

struct FakeServer {
    handshake: Option<Handshake>,
    dialect: Dialect,
    dechunker: Dechunker,
    output: Vec<u8>,
    log: Log,
    failed: bool,
    stuck: bool,
    in_transaction: bool,
    rows_left: i64,
    stats: bool,
    interrupt: Interrupt,
    closed: bool,
}

impl FakeServer {
    fn answer(&mut self, request: &Request) {
        self.log.lock().unwrap().push(short(request));
        let dialect = self.dialect;
        let output = &mut self.output;
        let mut ok = |pairs: &[(&str, WireValue)]| write_message(output, dialect, |writer| success(writer, pairs));
        match request {
            Request::Reset => {
                if self.stuck {
                    // The interrupted PULL is answered first.
                    self.fail("Neo.ClientError.Transaction.Terminated", "terminated");
                }
                let output = &mut self.output;
                let mut ok =
                    |pairs: &[(&str, WireValue)]| write_message(output, dialect, |writer| success(writer, pairs));
                (self.failed, self.stuck, self.in_transaction) = (false, false, false);
                ok(&[]);
            }
            Request::Goodbye => self.closed = true,
            _ if self.failed => write_message(output, dialect, ignored),
            Request::Hello(hello) => {
                assert!(hello.user_agent.starts_with("bastide-shell/"));
                ok(&[("server", "Neo4j/5.26.0 compatible (Fake/1)".into())]);
            }
            Request::Logon(token) => {
                let good = token
                    .credentials
                    .as_ref()
                    .is_some_and(|password| password.matches(b"secret"));
                if good {
                    ok(&[("credentials_expired", true.into())]);
                } else {
                    self.fail("Neo.ClientError.Security.Unauthorized", "the client is unauthorized");
                }
            }
            Request::Begin(_) => {
                self.in_transaction = true;
                ok(&[("db", "neo4j".into())]);
            }
            Request::Commit | Request::Rollback => {
                self.in_transaction = false;
                ok(&[("bookmark", "bm:1".into())]);
            }
            Request::Run(run) => self.run(&run.statement.clone(), &run.parameters.clone()),
            Request::Pull(pull) => self.pull(i64::try_from(pull.count.unwrap()).unwrap()),
            _ => ok(&[]),
        }
    }

    fn run(&mut self, statement: &str, parameters: &WireMap) {
        (self.rows_left, self.stats) = (0, false);
        match statement {
            "stuck" => self.stuck = true,
            "create" => self.stats = true,
            "close" => self.closed = true,
            text if text.starts_with("rows ") => self.rows_left = text.trim_start_matches("rows ").parse().unwrap(),
            "RETURN $x + 1\nAS value" => {
                assert_eq!(parameters, &[("x".to_owned(), 1.into())]);
                self.rows_left = 1;
            }
            text if text.starts_with("RETURN ") => self.rows_left = 1,
            _ => {
                return self.fail(
                    "Neo.ClientError.Statement.SyntaxError",
                    "invalid input (line 1, column 2 (offset: 1))",
                );
            }
        }
        let fields: Vec<WireValue> = if self.stats { vec![] } else { vec!["n".into()] };
        write_message(&mut self.output, self.dialect, |writer| {
            success(writer, &[("fields", WireValue::List(fields)), ("t_first", 4.into())]);
        });
    }

    fn pull(&mut self, count: i64) {
        if self.stuck {
            return;
        }
        for _ in 0..count.min(self.rows_left) {
            let number = self.rows_left;
            self.rows_left -= 1;
            write_message(&mut self.output, self.dialect, |writer| {
                record_header(writer, 1);
                writer.integer(number);
            });
        }
        let mut pairs = vec![("db", WireValue::from("neo4j"))];
        if self.rows_left > 0 {
            pairs = vec![("has_more", true.into())];
        } else if self.stats {
            let stats = WireValue::Map(vec![("nodes-created".to_owned(), 2.into())]);
            pairs.push(("stats", stats));
        }
        write_message(&mut self.output, self.dialect, |writer| success(writer, &pairs));
    }

    fn fail(&mut self, code: &str, message: &str) {
        self.failed = true;
        let what = Failure {
            neo4j_code: code.to_owned(),
            gql_status: "42001".to_owned(),
            message: message.to_owned(),
            ..Failure::default()
        };
        write_message(&mut self.output, self.dialect, |writer| failure(writer, &what));
    }
}

fn short(request: &Request) -> String {
    match request {
        Request::Run(run) => format!("RUN {}", run.statement),
        Request::Begin(extra) => format!("BEGIN {}", extra.database.as_deref().unwrap_or("-")),
        other => other.kind().to_string(),
    }
}

impl Write for FakeServer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut input = bytes;
        if let Some(handshake) = &mut self.handshake {
            match handshake.feed(&mut input).unwrap() {
                HandshakeProgress::Send(reply) => self.output.extend(reply),
                HandshakeProgress::Agreed { version, reply } => {
                    self.output.extend(reply);
                    self.dialect = Dialect::new(version);
                    self.handshake = None;
                }
                other => panic!("{other:?}"),
            }
        }
        while let Some(message) = self.dechunker.feed(&mut input).unwrap() {
            let request = Request::decode(&message, self.dialect).unwrap();
            self.answer(&request);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Read for FakeServer {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.closed {
            return Ok(0);
        }
        if self.output.is_empty() {
            // Nothing comes: the person loses patience.
            self.interrupt.press();
            return Err(ErrorKind::WouldBlock.into());
        }
        // A few bytes at a time, so that messages arrive in pieces.
        let count = buffer.len().min(self.output.len()).min(7);
        let bytes: Vec<u8> = self.output.drain(..count).collect();
        buffer[..count].copy_from_slice(&bytes);
        Ok(count)
    }
}

fn session(
    version: Version,
    log: &Log,
    interrupt: &Interrupt,
    password: &str,
) -> Result<Session, crate::error::ShellError> {
    let server = FakeServer {
        handshake: Some(Handshake::offering(&[version])),
        dialect: Dialect::new(version),
        dechunker: Dechunker::new(1 << 20),
        output: Vec::new(),
        log: Arc::clone(log),
        failed: false,
        stuck: false,
        in_transaction: false,
        rows_left: 0,
        stats: false,
        interrupt: interrupt.clone(),
        closed: false,
    };
    let connection = Connection::open(Box::new(server), interrupt.clone()).unwrap();
    let credentials = Credentials {
        username: "neo4j".to_owned(),
        password: password.to_owned().into(),
        is_certificate: false,
    };
    Session::log_in(connection, &credentials)
}

struct Ran {
    outcome: Outcome,
    output: String,
    errors: String,
    log: Vec<String>,
    transaction: Transaction,
}

fn ran(script: &str, shape: Shape, fail_at_end: bool) -> Ran {
    let (log, interrupt) = (Log::default(), Interrupt::default());
    let session = session(Version::new(5, 8), &log, &interrupt, "secret").unwrap();
    log.lock().unwrap().clear();
    let display = Display {
        shape,
        width_max: None,
        paint: Paint::default(),
        notifications: false,
        is_interactive: false,
        fail_at_end,
    };
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut shell = Shell::new(session, display, interrupt, &mut output, &mut errors);
    let mut outcome = shell.run_script(Some("test.cypher"), &mut script.as_bytes());
    let transaction = shell.session.transaction();
    shell.end(&mut outcome);
    drop(shell);
    let log = log.lock().unwrap().clone();
    Ran {
        outcome,
        output: String::from_utf8(output).unwrap(),
        errors: String::from_utf8(errors).unwrap(),
        log,
        transaction,
    }
}

#[test]
fn logs_in_over_old_and_new_versions() {
    for version in Version::SUPPORTED {
        let log = Log::default();
        let session = session(version, &log, &Interrupt::default(), "secret").unwrap();
        assert_eq!(session.server(), "Neo4j/5.26.0 compatible (Fake/1)");
        let expected: &[&str] = if version.has_logon() {
            &["HELLO", "LOGON"]
        } else {
            &["HELLO"]
        };
        assert_eq!(*log.lock().unwrap(), expected, "{version:?}");
        assert_eq!(session.credentials_expired(), version.has_logon());
    }
}

#[test]
fn a_refused_login_says_why() {
    let error = session(Version::new(5, 8), &Log::default(), &Interrupt::default(), "wrong")
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "the client is unauthorized");
}

#[test]
fn a_long_result_is_fetched_a_thousand_rows_at_a_time() {
    let ran = ran("rows 2500;", Shape::Plain, false);
    assert_eq!(ran.log, ["RUN rows 2500", "PULL", "PULL", "PULL"]);
    let lines: Vec<&str> = ran.output.lines().collect();
    assert_eq!(lines.len(), 2501);
    assert_eq!((lines[0], lines[1], lines[2500]), ("n", "2500", "1"));
    assert_eq!(ran.outcome, Outcome::default());
}

#[test]
fn a_failure_ends_the_script_and_points_at_the_place() {
    let ran = ran("rows 1;\n\nnonsense;\nrows 2;", Shape::Plain, false);
    assert_eq!(ran.log, ["RUN rows 1", "PULL", "RUN nonsense", "PULL", "RESET"]);
    assert!(ran.outcome.failed && ran.outcome.ended && !ran.outcome.disconnected);
    assert_eq!(
        ran.errors,
        "test.cypher:3\nerror: invalid input (line 1, column 2 (offset: 1))\n 1 | nonsense\n   |  ^\n  \
         Neo.ClientError.Statement.SyntaxError, 42001\n"
    );
}

#[test]
fn with_fail_at_end_the_rest_runs_and_the_outcome_is_failed() {
    let ran = ran("nonsense;\nrows 2;", Shape::Plain, true);
    assert_eq!(ran.output, "n\n2\n1\n");
    assert!(ran.outcome.failed && !ran.outcome.ended);
}

#[test]
fn after_a_failure_in_a_transaction_nothing_commits_by_itself() {
    let ran = ran(
        ":begin\nrows 1;\nnonsense;\ncreate;\n:commit\n:rollback\nrows 1;",
        Shape::Plain,
        true,
    );
    assert_eq!(
        ran.log,
        [
            "BEGIN -",
            "RUN rows 1",
            "PULL",
            "RUN nonsense",
            "PULL",
            "RESET",
            "RUN rows 1",
            "PULL"
        ]
    );
    assert_eq!(
        ran.errors.matches("can only be rolled back").count(),
        2,
        "{}",
        ran.errors
    );
}

#[test]
fn a_transaction_commits() {
    let ran = ran(":begin\ncreate;\n:commit", Shape::Verbose, false);
    assert_eq!(ran.log, ["BEGIN -", "RUN create", "PULL", "COMMIT"]);
    assert!(ran.output.ends_with("Added 2 nodes\n"), "{}", ran.output);
    assert!(!ran.outcome.failed);
}

#[test]
fn a_transaction_left_open_is_rolled_back_and_is_a_failure() {
    let ran = ran(":begin\nrows 1;", Shape::Plain, false);
    assert_eq!(ran.transaction, Transaction::Open);
    assert_eq!(ran.log.last().map(String::as_str), Some("ROLLBACK"));
    assert!(ran.outcome.failed);
}

#[test]
fn parameters_are_evaluated_by_the_server_and_see_each_other() {
    let ran = ran(":param x => 1\n:param y: $x + 1\n:params", Shape::Plain, false);
    assert_eq!(
        ran.log,
        ["RUN RETURN 1\nAS value", "PULL", "RUN RETURN $x + 1\nAS value", "PULL"]
    );
    assert_eq!(ran.output, "x => 1\ny => 1\n");
    assert!(!ran.outcome.failed, "{}", ran.errors);
}

#[test]
fn ctrl_c_interrupts_the_statement_and_keeps_the_session() {
    let (log, interrupt) = (Log::default(), Interrupt::default());
    let mut session = session(Version::new(5, 8), &log, &interrupt, "secret").unwrap();
    let mut sink = crate::parameters::SingleValue::default();
    let error = session.run("stuck", &Vec::new(), &mut sink).unwrap_err();
    assert_eq!(error.to_string(), "interrupted");
    session.run("RETURN 1", &Vec::new(), &mut sink).unwrap();
    let log = log.lock().unwrap().clone();
    assert_eq!(log[2..], ["RUN stuck", "PULL", "RESET", "RUN RETURN 1", "PULL"]);
}

#[test]
fn use_asks_the_server_whether_the_database_may_be_used() {
    let ran = ran(":use system\n:begin\n:use neo4j\n:rollback", Shape::Plain, true);
    assert_eq!(ran.log, ["BEGIN system", "ROLLBACK", "BEGIN system", "ROLLBACK"]);
    assert!(ran.errors.contains("cannot be changed inside a transaction"));
}

#[test]
fn a_lost_connection_ends_everything() {
    let ran = ran("close;\nrows 1;", Shape::Plain, true);
    assert!(ran.outcome.disconnected && ran.outcome.ended);
    assert_eq!(ran.errors, "test.cypher:1\nerror: the server closed the connection\n");
}

#[test]
fn exit_ends_the_script_without_failure() {
    let ran = ran("rows 1;\n:exit\nrows 2;", Shape::Plain, false);
    assert!(ran.outcome.ended && !ran.outcome.failed);
    assert_eq!(ran.output, "n\n1\n");
}

#[test]
fn a_file_that_sources_itself_comes_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("self.cypher");
    std::fs::write(&path, format!("rows 1;\n:source {}\n", path.display())).unwrap();
    let ran = ran(&format!(":source {}", path.display()), Shape::Plain, false);
    assert!(ran.outcome.failed);
    assert!(ran.errors.contains("16 deep"), "{}", ran.errors);
    assert_eq!(ran.log.len(), 32);
}

#[test]
fn output_that_nobody_reads_gives_the_statement_up() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(ErrorKind::BrokenPipe.into())
        }
    }
    let (log, interrupt) = (Log::default(), Interrupt::default());
    let session = session(Version::new(5, 8), &log, &interrupt, "secret").unwrap();
    let display = Display {
        shape: Shape::Plain,
        width_max: None,
        paint: Paint::default(),
        notifications: false,
        is_interactive: false,
        fail_at_end: true,
    };
    let (mut gone, mut errors) = (Gone, Vec::new());
    let mut shell = Shell::new(session, display, interrupt, &mut gone, &mut errors);
    let outcome = shell.run_script(None, &mut "rows 5000;\nrows 1;".as_bytes());
    drop(shell);
    assert!(outcome.failed && outcome.ended && !outcome.disconnected);
    assert!(errors.is_empty());
    assert_eq!(log.lock().unwrap()[2..], ["RUN rows 5000", "PULL", "RESET"]);
}
