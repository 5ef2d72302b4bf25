//! Sessions over real sockets: statements, transactions, failures, interruption, back-pressure.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/client.rs"]
mod client;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bastide_bolt::*;
use bastide_bolt_server::{BoltServer, Config};
use bastide_status::{Code, Status};
use client::{Client, pull, run};
use support::{FakeBackend, Refusals};

const NEWEST: Version = Version::new(5, 8);

async fn start_with(config: Config) -> (BoltServer, SocketAddr, Arc<FakeBackend>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = Arc::new(FakeBackend::default());
    let events = Arc::new(Refusals::default());
    let server = BoltServer::start(vec![listener], config, Arc::clone(&backend) as _, events).unwrap();
    let address = server.local_addresses()[0];
    (server, address, backend)
}

async fn start() -> (BoltServer, SocketAddr, Arc<FakeBackend>) {
    start_with(Config::without_tls("Neo4j/5.26.0 compatible (Bastide/test)")).await
}

fn text<'a>(pairs: &'a WireMap, key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(name, _)| name == key)
        .and_then(|(_, value)| value.as_str())
}

fn begin() -> Request {
    Request::Begin(TransactionExtra::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_logs_on_and_runs_a_statement() {
    let (_server, address, backend) = start().await;
    for version in Version::SUPPORTED {
        let mut client = Client::plain(address, version).await;
        let greeting = client.log_on("neo4j", "secret").await.unwrap();
        assert_eq!(
            text(&greeting, "server"),
            Some("Neo4j/5.26.0 compatible (Bastide/test)")
        );
        let spoken = (version >= Version::new(5, 7)).then(|| version.to_string());
        assert_eq!(text(&greeting, "protocol_version"), spoken.as_deref());
        client.send(&[run("RETURN 1", &[]), pull(None)]).await;
        let Some(Response::Success(running)) = client.next().await else {
            panic!()
        };
        assert_eq!(running[0], ("fields".to_owned(), vec![WireValue::from("n")].into()));
        assert_eq!(text(&running, "db"), (version >= NEWEST).then_some("neo4j"));
        let (rows, end) = client.rows().await;
        assert_eq!(rows, [[WireValue::Integer(1)]]);
        let Response::Success(summary) = end else {
            panic!("{end:?}")
        };
        assert_eq!(
            (text(&summary, "bookmark"), text(&summary, "type")),
            (Some("bm:auto"), Some("r"))
        );
    }
    let logins = backend.logins.lock().unwrap();
    assert_eq!(logins.len(), Version::SUPPORTED.len());
    assert_eq!(
        (logins[0].user_agent.as_str(), logins[0].driver.as_deref()),
        ("test/1", Some("test-driver/1"))
    );
    assert!(!logins[0].encrypted);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_the_numbers_asked_for() {
    let (_server, address, _) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.ask(run("rows", &[("n", 2500.into())])).await.unwrap();
    client
        .send(&[pull(Some(1000)), pull(Some(1499)), pull(Some(1)), pull(None)])
        .await;
    for (count, last) in [(1000, 1000), (1499, 2499), (1, 2500)] {
        let (rows, end) = client.rows().await;
        assert_eq!(
            (rows.len(), rows.last().unwrap().clone()),
            (count, vec![WireValue::Integer(last)])
        );
        assert_eq!(end, Response::Success(vec![("has_more".to_owned(), true.into())]));
    }
    let (rows, end) = client.rows().await;
    assert!(rows.is_empty());
    assert!(matches!(end, Response::Success(pairs) if text(&pairs, "bookmark").is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_transaction_are_told_apart() {
    let (_server, address, backend) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.ask(begin()).await.unwrap();
    let ids = [
        client.ask(run("rows", &[("n", 3.into())])).await.unwrap(),
        client.ask(run("RETURN 1", &[])).await.unwrap(),
    ];
    let ids: Vec<_> = ids
        .iter()
        .map(|pairs| WireValue::Map(pairs.clone()).field("qid").cloned())
        .collect();
    assert_eq!(ids, [Some(WireValue::Integer(0)), Some(WireValue::Integer(1))]);
    client
        .send(&[
            Request::Pull(Pull {
                count: Some(2),
                query_id: Some(0),
            }),
            pull(None),
        ])
        .await;
    assert_eq!(
        client.rows().await.0,
        [[WireValue::Integer(1)], [WireValue::Integer(2)]]
    );
    assert_eq!(client.rows().await.0, [[WireValue::Integer(1)]]);
    let rest = client
        .ask(Request::Discard(Pull {
            count: None,
            query_id: Some(0),
        }))
        .await
        .unwrap();
    assert_eq!(text(&rest, "bookmark"), None, "only a commit gives a bookmark");
    let committed = client.ask(Request::Commit).await.unwrap();
    assert_eq!(text(&committed, "bookmark"), Some("bm:0"));
    assert_eq!(backend.committed.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_relationships_and_paths_are_read_from_their_snapshot() {
    let (_server, address, _) = start().await;
    for version in [Version::new(4, 4), NEWEST] {
        let mut client = Client::logged_on(address, version).await;
        client.send(&[run("graph", &[]), pull(None)]).await;
        client.next().await;
        let (rows, _) = client.rows().await;
        let [
            WireValue::Structure(node),
            WireValue::Structure(relationship),
            WireValue::Structure(path),
        ] = &rows[0][..]
        else {
            panic!()
        };
        let WireStructure::Node(node) = &**node else { panic!() };
        assert_eq!((node.id, node.labels.as_slice()), (1, &["Person".to_owned()][..]));
        assert_eq!(node.properties, [("name".to_owned(), WireValue::from("n1"))]);
        assert_eq!(node.element_id, if version == NEWEST { "4:test:1" } else { "" });
        let WireStructure::Relationship(relationship) = &**relationship else {
            panic!()
        };
        assert_eq!(
            (relationship.ids, relationship.relationship_type.as_str()),
            ([7, 1, 2], "KNOWS")
        );
        let WireStructure::Path(path) = &**path else { panic!() };
        assert_eq!((path.nodes[0].id, path.nodes[1].id), (2, 1));
        assert_eq!(path.indices, [-1, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_date_times_come_back_as_they_went() {
    let (_server, address, _) = start().await;
    let mut client = Client::logged_on(address, Version::new(4, 4)).await;
    // 2020-07-01T12:00 on the clock of Stockholm, where it was UTC+2.
    let zone = "Europe/Stockholm".to_owned();
    let value = WireValue::from(WireStructure::LegacyDateTimeZoneId {
        local_seconds: 1_593_604_800,
        nanoseconds: 5,
        zone,
    });
    client.send(&[run("echo", &[("x", value.clone())]), pull(None)]).await;
    client.next().await;
    assert_eq!(client.rows().await.0, [[value]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_has_its_versions_shape_and_the_rest_is_ignored() {
    let (_server, address, _) = start().await;
    for (version, gql_status) in [(Version::new(5, 6), ""), (Version::new(5, 7), "42001")] {
        let mut client = Client::logged_on(address, version).await;
        client
            .send(&[run("nonsense", &[]), pull(None), run("RETURN 1", &[])])
            .await;
        let Some(Response::Failure(failure)) = client.next().await else {
            panic!()
        };
        assert_eq!(failure.neo4j_code, "Neo.ClientError.Statement.SyntaxError");
        assert_eq!(failure.gql_status, gql_status);
        assert_eq!(client.next().await, Some(Response::Ignored));
        assert_eq!(client.next().await, Some(Response::Ignored));
        client.ask(Request::Reset).await.unwrap();
        client.ask(run("RETURN 1", &[])).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_interrupts_a_running_query() {
    let (_server, address, backend) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.ask(begin()).await.unwrap();
    client.ask(run("slow", &[])).await.unwrap();
    client.send(&[pull(None)]).await;
    while backend.batches.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.send(&[run("RETURN 1", &[]), Request::Reset]).await;
    let Some(Response::Failure(failure)) = client.next().await else {
        panic!()
    };
    assert_eq!(failure.message, "interrupted");
    assert_eq!(client.next().await, Some(Response::Ignored));
    assert_eq!(client.next().await, Some(Response::Success(vec![])));
    assert_eq!(backend.open_transactions.load(Ordering::SeqCst), 0);
    client.send(&[run("RETURN 1", &[]), pull(None)]).await;
    client.next().await;
    assert_eq!(
        client.rows().await.0,
        [[WireValue::Integer(1)]],
        "the interruption is over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_up_interrupts_the_query_and_rolls_back() {
    let (server, address, backend) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.send(&[begin(), run("slow", &[]), pull(None)]).await;
    while backend.batches.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(client);
    while server.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(backend.open_transactions.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_stops_the_query() {
    let (_server, address, backend) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    // 400 MB in all; the sockets' own buffers hold a few.
    client.send(&[run("wide", &[("n", 100_000.into())]), pull(None)]).await;
    let batches = || backend.batches.load(Ordering::SeqCst);
    let mut before = 0;
    while batches() == 0 || batches() != before {
        before = batches();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(before < 1_000, "{before} batches of 64 KiB were produced for nobody");
    client.next().await;
    let (rows, end) = client.rows().await;
    assert_eq!(rows.len(), 100_000);
    assert!(matches!(end, Response::Success(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_ends_at_once_when_its_user_does() {
    let (_server, address, backend) = start().await;
    let mut idle = Client::logged_on(address, NEWEST).await;
    let mut busy = Client::logged_on(address, NEWEST).await;
    busy.send(&[run("slow", &[]), pull(None)]).await;
    backend
        .end_sessions
        .send_replace(Some(Status::new(Code::AuthorizationExpired, "dropped")));
    assert!(idle.is_closed().await);
    while busy.next().await.is_some() {}
    let mut late = Client::plain(address, NEWEST).await;
    assert_eq!(late.log_on("neo4j", "secret").await.unwrap_err().gql_status, "42NFE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_the_connection_closed() {
    let (_server, address, _) = start().await;
    for version in [Version::new(4, 4), NEWEST] {
        let mut client = Client::plain(address, version).await;
        let failure = client.log_on("neo4j", "wrong").await.unwrap_err();
        assert_eq!(failure.neo4j_code, "Neo.ClientError.Security.Unauthorized");
        assert!(client.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_password_is_told_at_login() {
    let (_server, address, _) = start().await;
    let mut client = Client::plain(address, NEWEST).await;
    let pairs = client.log_on("expired", "secret").await.unwrap();
    assert_eq!(
        WireValue::Map(pairs).field("credentials_expired"),
        Some(&WireValue::Boolean(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_off_needs_a_new_login_before_anything_else() {
    let (_server, address, _) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.ask(Request::Logoff).await.unwrap();
    client
        .ask(Request::Logon(client::token("neo4j", "secret")))
        .await
        .unwrap();
    client.ask(Request::Logoff).await.unwrap();
    let failure = client.ask(run("RETURN 1", &[])).await.unwrap_err();
    assert_eq!(failure.neo4j_code, "Neo.ClientError.Request.Invalid");
    assert!(client.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_after_login_is_told_and_the_connection_closed() {
    use tokio::io::AsyncWriteExt;
    let (_server, address, _) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.stream.write_all(&[0, 3, 0xB0, 0x77, 0, 0, 0]).await.unwrap();
    let Some(Response::Failure(failure)) = client.next().await else {
        panic!()
    };
    assert_eq!(failure.gql_status, "08N06");
    assert!(client.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn routing_table_and_counters_reach_the_client() {
    let (_server, address, _) = start().await;
    let mut client = Client::logged_on(address, Version::new(5, 4)).await;
    let context = vec![("address".to_owned(), "db.example:7687".into())];
    let pairs = client
        .ask(Request::Route(Route {
            context,
            ..Route::default()
        }))
        .await
        .unwrap();
    let table = WireValue::Map(pairs).field("rt").cloned().unwrap();
    assert_eq!(table.field("ttl"), Some(&WireValue::Integer(300)));
    let Some(WireValue::List(servers)) = table.field("servers") else {
        panic!()
    };
    let roles: Vec<_> = servers
        .iter()
        .map(|server| server.field("role").cloned().unwrap())
        .collect();
    assert_eq!(roles, ["WRITE".into(), "READ".into(), "ROUTE".into()]);
    client.ask(run("create", &[])).await.unwrap();
    let summary = WireValue::Map(client.ask(pull(None)).await.unwrap());
    assert_eq!(
        summary.field("stats").unwrap().field("nodes-created"),
        Some(&WireValue::Integer(2))
    );
    assert_eq!(
        summary.field("stats").unwrap().field("contains-updates"),
        Some(&WireValue::Boolean(true))
    );
    assert!(matches!(summary.field("notifications"), Some(WireValue::List(list)) if list.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_that_are_not_wanted_are_left_out() {
    let (_server, address, _) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    let notifications = NotificationFilter {
        minimum_severity: Some("WARNING".to_owned()),
        ..Default::default()
    };
    let extra = TransactionExtra {
        notifications,
        ..TransactionExtra::default()
    };
    client
        .ask(Request::Run(Run {
            statement: "create".to_owned(),
            parameters: vec![],
            extra,
        }))
        .await
        .unwrap();
    let summary = WireValue::Map(client.ask(pull(None)).await.unwrap());
    let Some(WireValue::List(statuses)) = summary.field("statuses") else {
        panic!()
    };
    assert_eq!(statuses.len(), 1, "the statement's own status stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_request_is_accompanied_by_noops() {
    let config = Config {
        keep_alive: Some(Duration::from_millis(20)),
        ..Config::without_tls("Neo4j/5")
    };
    let (_server, address, _) = start_with(config).await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.ask(run("slow", &[])).await.unwrap();
    client.send(&[pull(None)]).await;
    tokio::time::timeout(Duration::from_millis(300), client.next())
        .await
        .unwrap_err();
    assert!(client.noops > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_closes_idle_sessions_and_lets_transactions_end() {
    let (server, address, backend) = start().await;
    let mut idle = Client::logged_on(address, NEWEST).await;
    let mut active = Client::logged_on(address, NEWEST).await;
    active.ask(begin()).await.unwrap();
    let stopping = tokio::spawn(server.stop(Duration::from_secs(30)));
    assert!(idle.is_closed().await);
    active.ask(run("RETURN 1", &[])).await.unwrap();
    active.ask(Request::Commit).await.unwrap();
    assert!(active.is_closed().await);
    stopping.await.unwrap();
    assert_eq!(backend.committed.load(Ordering::SeqCst), 1);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_interrupts_what_does_not_end_in_its_grace() {
    let (server, address, backend) = start().await;
    let mut client = Client::logged_on(address, NEWEST).await;
    client.send(&[begin(), run("slow", &[]), pull(None)]).await;
    while backend.batches.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.stop(Duration::from_millis(50)).await;
    assert_eq!(backend.open_transactions.load(Ordering::SeqCst), 0);
    while client.next().await.is_some() {}
}
