//! The facade as listeners use it: logins, statements, transactions and users, over graphs in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bastide_database::{
    AccessMode, BeforeChange, Completion, Configuration, Credentials, Dbms, NoAudit, Origin, RowVisitor, ServerControl,
    Session, SettingRow, TransactionOptions, VisitOutcome,
};
use bastide_model::{GraphRead, Map, Value};
use bastide_secret::SecretString;
use bastide_security::{CertificateIdentity, CertificateRules};
use bastide_status::{Code, Result};

const PASSWORD: &str = "correct-Horse-battery-7";

fn dbms() -> Arc<Dbms> {
    open(Configuration::in_memory())
}

fn open(configuration: Configuration) -> Arc<Dbms> {
    let dbms = Dbms::open(configuration, Arc::new(NoAudit)).unwrap();
    let credential = Dbms::hash_password(&SecretString::new(PASSWORD.to_owned())).unwrap();
    dbms.create_first_user("neo4j", credential, false).unwrap();
    dbms
}

fn log_in_as(dbms: &Arc<Dbms>, user: &str, password: &str, address: &str) -> Result<Session> {
    let credentials = Credentials {
        user: user.to_owned(),
        password: SecretString::new(password.to_owned()),
    };
    let address: SocketAddr = address.parse().unwrap();
    let origin = Origin {
        address,
        connection_id: "bolt-1".into(),
    };
    tokio::runtime::Builder::new_multi_thread()
        .build()
        .unwrap()
        .block_on(dbms.log_in(credentials, origin))
}

fn log_in(dbms: &Arc<Dbms>) -> Session {
    log_in_as(dbms, "neo4j", PASSWORD, "127.0.0.1:1").unwrap()
}

#[derive(Default)]
struct Rows(Vec<Vec<Value>>);

impl RowVisitor for Rows {
    fn visit(&mut self, row: &[Value], _graph: &dyn GraphRead) -> Result<VisitOutcome> {
        self.0.push(row.to_vec());
        Ok(VisitOutcome::Continue)
    }
}

fn run_with(session: &Session, text: &str, options: TransactionOptions) -> Result<(Vec<Vec<Value>>, Completion)> {
    let mut stream = session.run(text, &Map::new(), options)?;
    let mut rows = Rows::default();
    while stream.next_batch(100, &mut rows)? {}
    Ok((rows.0, stream.finish()?))
}

fn run(session: &Session, text: &str) -> Result<Vec<Vec<Value>>> {
    run_with(session, text, TransactionOptions::default()).map(|(rows, _)| rows)
}

fn integer(session: &Session, text: &str) -> i64 {
    run(session, text).unwrap()[0][0].as_integer().unwrap()
}

fn code(result: Result<Vec<Vec<Value>>>) -> Code {
    result.unwrap_err().code()
}

#[test]
fn a_statement_commits_when_its_stream_is_finished() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let (_, completion) = run_with(&session, "CREATE (:A {x: 1})", TransactionOptions::default()).unwrap();
    assert_eq!(completion.statistics.nodes_created, 1);
    assert!(completion.bookmark.is_some());
    assert_eq!(integer(&session, "MATCH (a:A) RETURN count(a)"), 1);
}

#[test]
fn thirty_two_clients_on_one_counter_lose_nothing() {
    let dbms = dbms();
    let session = log_in(&dbms);
    run(&session, "CREATE (:Counter {n: 0})").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            let session = log_in(&dbms);
            scope.spawn(move || {
                for _ in 0..20 {
                    run(&session, "MATCH (c:Counter) SET c.n = c.n + 1").unwrap();
                }
            });
        }
    });
    assert_eq!(integer(&session, "MATCH (c:Counter) RETURN c.n"), 640);
}

#[test]
fn an_explicit_transaction_sees_its_own_writes_and_rolls_back() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let mut transaction = session.begin(TransactionOptions::default()).unwrap();
    let stream = transaction.run("CREATE (:A)", &Map::new()).unwrap();
    stream.finish().unwrap();
    let mut stream = transaction.run("MATCH (a:A) RETURN count(a)", &Map::new()).unwrap();
    let mut rows = Rows::default();
    while stream.next_batch(10, &mut rows).unwrap() {}
    assert_eq!(rows.0[0][0].as_integer(), Some(1));
    transaction.rollback();
    assert_eq!(integer(&session, "MATCH (a:A) RETURN count(a)"), 0);
}

#[test]
fn a_failed_statement_fails_its_transaction() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let mut transaction = session.begin(TransactionOptions::default()).unwrap();
    transaction.run("CREATE (:A)", &Map::new()).unwrap().finish().unwrap();
    assert!(transaction.run("RETURN x", &Map::new()).is_err());
    let refused = transaction.commit().unwrap_err();
    assert_eq!(refused.code(), Code::TransactionTerminated);
    assert_eq!(integer(&session, "MATCH (a:A) RETURN count(a)"), 0);
}

#[test]
fn reading_sessions_cannot_write() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let options = || TransactionOptions {
        access_mode: AccessMode::Read,
        ..TransactionOptions::default()
    };
    for text in [
        "CREATE ()",
        "CREATE INDEX FOR (n:A) ON (n.x)",
        "CREATE USER bob SET PASSWORD 'another-Long-passw0rd'",
    ] {
        let refused = run_with(&session, text, options()).unwrap_err();
        assert_eq!(refused.code(), Code::AccessMode, "{text}");
    }
    assert!(run_with(&session, "SHOW USERS", options()).is_ok());
}

#[test]
fn the_system_database_shows_nothing_to_patterns() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let options = || TransactionOptions {
        database: Some("system".to_owned()),
        ..TransactionOptions::default()
    };
    let (rows, _) = run_with(&session, "MATCH (n) RETURN n", options()).unwrap();
    assert!(rows.is_empty());
    assert!(run_with(&session, "CREATE (:User)", options()).is_err());
    let (rows, _) = run_with(&session, "SHOW USERS YIELD user", options()).unwrap();
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_dropped_or_suspended_user_is_out_at_once() {
    let dbms = dbms();
    let session = log_in(&dbms);
    for (end, name) in [("DROP USER bob", "bob"), ("ALTER USER eve SET STATUS SUSPENDED", "eve")] {
        run(
            &session,
            &format!("CREATE USER {name} SET PASSWORD 'another-Long-passw0rd' CHANGE NOT REQUIRED"),
        )
        .unwrap();
        let theirs = log_in_as(&dbms, name, "another-Long-passw0rd", "127.0.0.1:1").unwrap();
        run(&theirs, "RETURN 1").unwrap();
        run(&session, end).unwrap();
        assert_eq!(code(run(&theirs, "RETURN 1")), Code::AuthorizationExpired);
        assert!(theirs.ended().borrow().is_some());
        let refused = log_in_as(&dbms, name, "another-Long-passw0rd", "127.0.0.1:1")
            .map(drop)
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unauthorized);
    }
}

#[test]
fn an_expired_password_allows_nothing_but_its_change() {
    let dbms = dbms();
    run(&log_in(&dbms), "CREATE USER bob SET PASSWORD 'another-Long-passw0rd'").unwrap();
    let session = log_in_as(&dbms, "bob", "another-Long-passw0rd", "127.0.0.1:1").unwrap();
    assert!(session.password_change_required());
    assert_eq!(code(run(&session, "RETURN 1")), Code::CredentialsExpired);
    let change = |from: &str, to: &str| format!("ALTER CURRENT USER SET PASSWORD FROM '{from}' TO '{to}'");
    assert_eq!(
        code(run(&session, &change("wrong", "third-Long-passw0rd"))),
        Code::ArgumentError
    );
    assert_eq!(
        code(run(&session, &change("another-Long-passw0rd", "short"))),
        Code::ArgumentError
    );
    let mut transaction = session.begin(TransactionOptions::default()).unwrap();
    let refused = transaction.run("RETURN 1", &Map::new()).map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::CredentialsExpired);
    drop(transaction);
    run(&session, &change("another-Long-passw0rd", "third-Long-passw0rd")).unwrap();
    run(&session, "RETURN 1").unwrap();
}

#[test]
fn an_expired_password_can_be_changed_in_a_transaction() {
    let dbms = dbms();
    run(&log_in(&dbms), "CREATE USER bob SET PASSWORD 'another-Long-passw0rd'").unwrap();
    let session = log_in_as(&dbms, "bob", "another-Long-passw0rd", "127.0.0.1:1").unwrap();
    let mut transaction = session.begin(TransactionOptions::default()).unwrap();
    let text = "ALTER CURRENT USER SET PASSWORD FROM 'another-Long-passw0rd' TO $new";
    let parameters: Map = [("new", Value::from("third-Long-passw0rd"))].into_iter().collect();
    transaction.run(text, &parameters).unwrap().finish().unwrap();
    assert!(session.password_change_required());
    transaction.commit().unwrap();
    assert!(!session.password_change_required());
}

#[test]
fn failures_from_one_address_do_not_lock_out_another() {
    let dbms = dbms();
    for _ in 0..10 {
        assert!(log_in_as(&dbms, "neo4j", "wrong", "10.0.0.1:1").is_err());
    }
    let limited = log_in_as(&dbms, "neo4j", PASSWORD, "10.0.0.1:1").map(drop).unwrap_err();
    assert_eq!(limited.code(), Code::AuthenticationRateLimit);
    assert!(log_in_as(&dbms, "neo4j", PASSWORD, "10.0.0.2:1").is_ok());
}

#[test]
fn call_in_transactions_commits_in_between() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let text = "UNWIND range(1, 10) AS x CALL (x) { CREATE (:A {x: 10 / (8 - x)}) } IN TRANSACTIONS OF 2 ROWS";
    assert!(run(&session, text).is_err());
    assert_eq!(integer(&session, "MATCH (a:A) RETURN count(a)"), 6);
    let mut transaction = session.begin(TransactionOptions::default()).unwrap();
    let refused = transaction.run(text, &Map::new()).and_then(|stream| stream.finish());
    assert!(refused.is_err());
}

#[test]
fn show_settings_lists_all_or_those_that_are_named() {
    let setting = |name: &str| SettingRow {
        name: name.to_owned(),
        value: "1".to_owned(),
        startup_value: "2".to_owned(),
        is_dynamic: false,
        default_value: "1".to_owned(),
        description: String::new(),
        is_explicitly_set: false,
    };
    let control = Around {
        settings: vec![setting("a.b"), setting("c.d")],
    };
    let dbms = open(Configuration {
        control: Arc::new(control),
        ..Configuration::in_memory()
    });
    let session = log_in(&dbms);
    assert_eq!(run(&session, "SHOW SETTINGS").unwrap().len(), 2);
    let rows = run(&session, "SHOW SETTINGS 'c.d' YIELD name, startupValue").unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0][0].as_str(), rows[0][1].as_str()), (Some("c.d"), Some("2")));
}

/// A server around the database that takes every change.
#[derive(Debug, Default)]
struct Around {
    settings: Vec<SettingRow>,
}

impl ServerControl for Around {
    fn settings(&self) -> Vec<SettingRow> {
        self.settings.clone()
    }

    fn change_setting(&self, _name: &str, _value: &str, before: BeforeChange<'_>) -> Result<()> {
        before("a.b", "shown")
    }

    fn reload_tls(&self) -> Result<u64> {
        Ok(7)
    }

    fn tls_policies(&self) -> Vec<Map> {
        vec![[("scope", Value::from("bolt"))].into_iter().collect()]
    }

    fn has_tls(&self, scope: &str) -> bool {
        scope == "bolt"
    }

    fn log_tls_handshakes(&self, _scope: &str, _time: Duration) {}
}

#[test]
fn tls_policies_are_seen_and_reloaded_but_not_in_sessions_that_only_read() {
    let dbms = open(Configuration {
        control: Arc::new(Around::default()),
        ..Configuration::in_memory()
    });
    let session = log_in(&dbms);
    let rows = run(
        &session,
        "SHOW TLS POLICIES YIELD scope WHERE scope = 'bolt' RETURN scope",
    )
    .unwrap();
    assert_eq!(rows[0][0].as_str(), Some("bolt"));
    let changes = [
        "CALL dbms.security.reloadTLS()",
        "CALL dbms.setConfigValue('a.b', 'x')",
        "CALL dbms.security.logTLSHandshakes('bolt', 60)",
    ];
    for text in changes {
        assert!(run(&session, text).is_ok(), "{text}");
        let reading = TransactionOptions {
            access_mode: AccessMode::Read,
            ..TransactionOptions::default()
        };
        assert!(run_with(&session, text, reading).is_err(), "{text}");
    }
    for text in [
        "CALL dbms.security.logTLSHandshakes('bolt', 3601)",
        "CALL dbms.security.logTLSHandshakes('x', 60)",
    ] {
        assert!(run(&session, text).is_err(), "{text}");
    }
    assert_eq!(
        integer(
            &session,
            "CALL dbms.security.reloadTLS() YIELD generation RETURN generation"
        ),
        7
    );
}

#[test]
fn a_certificate_logs_in_the_user_that_the_rules_name_if_there_is_one() {
    let rules = "cn:ops=neo4j; email:*@example.com=*";
    let dbms = open(Configuration {
        certificate_rules: Some(Arc::new(CertificateRules::parse(rules).unwrap())),
        ..Configuration::in_memory()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log_in_as = |common_name: &str, email: &str, still_good: &std::result::Result<(), String>| {
        let identity = CertificateIdentity {
            common_names: vec![common_name.to_owned()],
            email_names: vec![email.to_owned()],
            ..CertificateIdentity::default()
        };
        let origin = Origin {
            address: "127.0.0.1:1".parse().unwrap(),
            connection_id: "bolt-1".into(),
        };
        runtime.block_on(dbms.log_in_with_certificate(&identity, still_good.clone(), origin))
    };
    let good = |common_name: &str, email: &str| log_in_as(common_name, email, &Ok(()));
    let session = good("ops", "").unwrap();
    assert!(log_in_as("ops", "", &Err("it was revoked".to_owned())).is_err());
    assert_eq!(session.user(), "neo4j");
    assert!(good("dev", "").is_err() && good("", "alice@example.com").is_err());
    run(
        &session,
        "CREATE USER alice SET PASSWORD 'correct-Horse-battery-7' CHANGE NOT REQUIRED",
    )
    .unwrap();
    assert_eq!(good("", "alice@example.com").unwrap().user(), "alice");
    run(&session, "ALTER USER alice SET STATUS SUSPENDED").unwrap();
    assert!(good("", "alice@example.com").is_err());
}

#[test]
fn a_transaction_times_out() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let options = TransactionOptions {
        timeout: Some(Duration::from_millis(50)),
        ..TransactionOptions::default()
    };
    let text = "UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x";
    assert_eq!(
        run_with(&session, text, options).unwrap_err().code(),
        Code::TransactionTimedOut
    );
}

#[test]
fn running_transactions_can_be_seen_and_ended() {
    let dbms = dbms();
    let session = log_in(&dbms);
    let other = log_in(&dbms);
    let mut transaction = other.begin(TransactionOptions::default()).unwrap();
    transaction.run("RETURN 1", &Map::new()).unwrap();
    let rows = run(&session, "SHOW TRANSACTIONS YIELD transactionId, currentQuery").unwrap();
    let id = rows.iter().find(|row| row[1].as_str() == Some("RETURN 1")).unwrap()[0]
        .as_str()
        .unwrap()
        .to_owned();
    run(&session, &format!("TERMINATE TRANSACTIONS '{id}'")).unwrap();
    assert!(transaction.run("RETURN 2", &Map::new()).is_err());
    assert!(transaction.commit().is_err());
}
