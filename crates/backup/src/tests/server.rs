//! Clients that ask too much, too early, too slowly or not at all.

use super::*;
use crate::wire::{Answer, PROTOCOL, Request, ServerFrame, WireError, read_server_frame, write_request};

async fn ask(stream: &mut DuplexStream, request: &Request) -> Result<ServerFrame, WireError> {
    write_request(stream, request).await?;
    read_server_frame(stream).await
}

async fn greeted(server: &Server, name: &str) -> DuplexStream {
    let mut stream = server.connect_as(name);
    let answer = ask(&mut stream, &Request::List { protocol: PROTOCOL }).await.unwrap();
    assert!(matches!(answer, ServerFrame::Answer(Answer::Databases { databases }) if databases.len() == 2));
    stream
}

fn backup() -> Request {
    Request::Backup {
        database: "neo4j".to_owned(),
    }
}

async fn begun(stream: &mut DuplexStream) -> Result<crate::wire::Started, String> {
    match ask(stream, &backup()).await.unwrap() {
        ServerFrame::Answer(Answer::Started(started)) => Ok(started),
        ServerFrame::Answer(Answer::Refused { reason }) => Err(reason),
        other => panic!("{other:?}"),
    }
}

async fn to_end(stream: &mut DuplexStream) -> usize {
    let mut frames = 0;
    while let ServerFrame::Data(_) = read_server_frame(stream).await.unwrap() {
        frames += 1;
    }
    frames
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_handed_out_before_the_version_is_agreed() {
    let server = Server::new(Config::default());
    let mut stream = server.connect_as("CN=taker");
    assert!(matches!(
        ask(&mut stream, &backup()).await,
        Err(WireError::Closed | WireError::Io(_))
    ));
    let mut stream = server.connect_as("CN=taker");
    let answer = ask(&mut stream, &Request::List { protocol: 99 }).await.unwrap();
    assert!(matches!(answer, ServerFrame::Answer(Answer::Refused { reason }) if reason.contains("99")));
    assert_eq!(server.recorder.count(&["Backup"]), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_exist_is_refused_and_audited() {
    let server = Server::new(Config::default());
    let mut stream = greeted(&server, "CN=taker").await;
    let database = "nowhere".to_owned();
    let answer = ask(&mut stream, &Request::Backup { database }).await.unwrap();
    assert!(matches!(answer, ServerFrame::Answer(Answer::Refused { reason }) if reason.contains("nowhere")));
    assert_eq!(
        server
            .recorder
            .count(&["BackupStarted", "Refused", "nowhere", "CN=taker"]),
        1
    );
    assert_eq!(server.shared.snapshots.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_held_states_is_bounded_and_the_longest_abandoned_one_makes_room() {
    let config = Config {
        snapshots_max: 2,
        ..Config::default()
    };
    let server = Server::new(config);
    let session = log_in(&server.shared.dbms).await;
    // More than the pipe holds, so that a client that does not read keeps its backup under way.
    run(
        &session,
        "UNWIND range(1, 3000) AS n CREATE (:Filler {text: 'some text ' + n})",
    )
    .unwrap();
    let (mut first, mut second) = (greeted(&server, "CN=a").await, greeted(&server, "CN=b").await);
    let abandoned = begun(&mut first).await.unwrap();
    begun(&mut second).await.unwrap();
    let mut third = greeted(&server, "CN=c").await;
    let refused = begun(&mut third).await.unwrap_err();
    assert!(refused.contains("2 backups are under way"), "{refused}");
    drop(first);
    let mut tries = 0;
    while begun(&mut third).await.is_err() {
        tries += 1;
        assert!(tries < 1_000);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.shared.snapshots.count(), 2);
    assert_eq!(server.recorder.count(&["BackupEnded", "given up", "CN=a"]), 1);
    let mut again = greeted(&server, "CN=a").await;
    let resume = Request::Resume {
        snapshot: abandoned.snapshot,
        after: String::new(),
    };
    let answer = ask(&mut again, &resume).await.unwrap();
    assert!(matches!(answer, ServerFrame::Answer(Answer::UnknownSnapshot)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_resumed_only_by_who_began_it_and_the_later_connection_wins() {
    let server = Server::new(small_frames());
    let session = log_in(&server.shared.dbms).await;
    run(
        &session,
        "UNWIND range(1, 5000) AS n CREATE (:Filler {text: 'some text ' + n})",
    )
    .unwrap();
    let mut first = greeted(&server, "CN=a").await;
    let started = begun(&mut first).await.unwrap();
    let resume = Request::Resume {
        snapshot: started.snapshot.clone(),
        after: String::new(),
    };
    let finish = Request::Finish {
        snapshot: started.snapshot,
    };
    let mut thief = greeted(&server, "CN=thief").await;
    for request in [&resume, &finish] {
        let answer = ask(&mut thief, request).await.unwrap();
        assert!(matches!(answer, ServerFrame::Answer(Answer::UnknownSnapshot)));
    }
    let mut second = greeted(&server, "CN=a").await;
    let answer = ask(&mut second, &resume).await.unwrap();
    assert!(matches!(answer, ServerFrame::Answer(Answer::Started(_))));
    assert!(to_end(&mut second).await > 5);
    // The first connection gets what was under way and no more.
    let mut frames = 0;
    while let Ok(ServerFrame::Data(_)) = read_server_frame(&mut first).await {
        frames += 1;
    }
    assert!(frames <= 2, "{frames}");
    let answer = ask(&mut second, &finish).await.unwrap();
    assert!(matches!(answer, ServerFrame::Answer(Answer::Finished)));
    assert_eq!(server.shared.snapshots.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_neither_asks_nor_reads_is_cut_and_commits_go_on_meanwhile() {
    let config = Config {
        idle_time: Duration::from_millis(300),
        ..small_frames()
    };
    let server = Server::new(config);
    let session = log_in(&server.shared.dbms).await;
    run(
        &session,
        "UNWIND range(1, 5000) AS n CREATE (:Filler {text: 'some text ' + n})",
    )
    .unwrap();
    let mut silent = greeted(&server, "CN=silent").await;
    let mut slow = greeted(&server, "CN=slow").await;
    begun(&mut slow).await.unwrap();
    let mut commits = 0;
    while server.recorder.count(&["BackupEnded", "cut", "CN=slow"]) == 0 {
        run(&session, "CREATE (:New)").unwrap();
        commits += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(commits > 10, "{commits}");
    assert!(matches!(read_server_frame(&mut silent).await, Err(WireError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_ends_its_clients_and_their_states() {
    let server = Server::new(small_frames());
    let session = log_in(&server.shared.dbms).await;
    run(
        &session,
        "UNWIND range(1, 5000) AS n CREATE (:Filler {text: 'some text ' + n})",
    )
    .unwrap();
    let (mut waiting, mut taking) = (greeted(&server, "CN=a").await, greeted(&server, "CN=b").await);
    begun(&mut taking).await.unwrap();
    server.stop();
    assert!(matches!(read_server_frame(&mut waiting).await, Err(WireError::Closed)));
    let mut frames = 0;
    while read_server_frame(&mut taking).await.is_ok() {
        frames += 1;
    }
    assert!(frames <= 3, "{frames}");
    server.shared.snapshots.let_go_of_all();
    assert_eq!(server.recorder.count(&["BackupEnded", "given up", "CN=b"]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_whose_sender_vanished_makes_room_in_the_end() {
    let server = Server::new(Config {
        snapshots_max: 1,
        ..small_frames()
    });
    // As a session that was torn away leaves it: begun, and no turn was ended.
    let taker = BackupTaker {
        name: "CN=taker".to_owned(),
        address: SocketAddr::from(ADDRESS),
    };
    let backup = server.shared.dbms.begin_backup("neo4j", &taker, "00").unwrap();
    server.shared.snapshots.insert([0; 16], backup, taker, 1).unwrap();
    let mut stream = greeted(&server, "CN=taker").await;
    assert!(begun(&mut stream).await.unwrap_err().contains("under way"));
    server.shared.snapshots.age_by(Duration::from_secs(60 * 60));
    begun(&mut stream).await.unwrap();
}
