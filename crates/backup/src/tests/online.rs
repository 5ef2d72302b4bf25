//! Backups of databases that are written to, cut and gone on with, and what a restore makes of them.

use std::sync::atomic::AtomicBool;

use super::*;

const ACCOUNTS: i64 = 40;

/// Moves money between accounts and numbers each transfer. After the first two commits there is one commit a transfer.
async fn begin_transfers(server: &Server) -> Vec<DatabaseSession> {
    let session = log_in(&server.shared.dbms).await;
    run(
        &session,
        &format!("UNWIND range(1, {ACCOUNTS}) AS n CREATE (:Account {{n: n, balance: 100}})"),
    )
    .unwrap();
    run(
        &session,
        "CREATE (:Counter {n: 0}) WITH 1 AS x UNWIND range(1, 6000) AS n CREATE (:Filler {n: n, text: 'filler number ' + n})",
    )
    .unwrap();
    let mut sessions = vec![session];
    for _ in 0..2 {
        sessions.push(log_in(&server.shared.dbms).await);
    }
    sessions
}

fn transfer(session: &DatabaseSession, round: i64) {
    let (from, to) = (1 + round * 7 % ACCOUNTS, 1 + (round * 11 + 3) % ACCOUNTS);
    let text = format!(
        "MATCH (c:Counter) SET c.n = c.n + 1 WITH c MATCH (a:Account {{n: {from}}}), (b:Account {{n: {to}}}) \
         SET a.balance = a.balance - 1 SET b.balance = b.balance + 1 CREATE (a)-[:PAID {{n: c.n}}]->(b)"
    );
    run(session, &text).unwrap();
}

/// The state must be one that was there at exactly this commit.
async fn check_state(dbms: &Arc<Dbms>, commit: u64) {
    let session = log_in(dbms).await;
    let transfers = integers(&session, "MATCH ()-[p:PAID]->() RETURN p.n ORDER BY p.n");
    assert_eq!(
        transfers,
        (1..=transfers.len() as i64).collect::<Vec<_>>(),
        "transfers are without a gap"
    );
    assert_eq!(
        integers(&session, "MATCH (c:Counter) RETURN c.n"),
        [transfers.len() as i64]
    );
    assert_eq!(
        integers(&session, "MATCH (a:Account) RETURN sum(a.balance)"),
        [100 * ACCOUNTS]
    );
    assert_eq!(
        commit,
        2 + transfers.len() as u64,
        "it is the state at the commit that is stated"
    );
    assert_eq!(
        integers(&session, "MATCH (f:Filler) RETURN count(f), sum(f.n)"),
        [6_000, 6_000 * 6_001 / 2]
    );
    let path = "MATCH (a:Account) RETURN sum(100 - COUNT {(a)-[:PAID]->()} + COUNT {(a)<-[:PAID]-()} - a.balance)";
    assert_eq!(integers(&session, path), [0], "balances fit the relationships");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_of_a_database_that_is_written_to_is_its_state_at_the_stated_commit_however_often_it_was_cut() {
    let server = Server::new(small_frames());
    let sessions = begin_transfers(&server).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = sessions
        .into_iter()
        .zip(0..)
        .map(|(session, first)| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let mut round = first;
                while !is_over.load(Ordering::Relaxed) {
                    transfer(&session, round);
                    round += 3;
                }
                round
            })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut commits = Vec::new();
    // Cuts amid answers, amid frames, and at odd places; each backup goes on to its end.
    for cuts in [
        vec![],
        vec![250, 90, 700, 20_000, 70_000],
        vec![16_500, 33_333, 1, 49_152],
    ] {
        server.cut_after(cuts.clone());
        let (result, told) = take_into(&server, "neo4j", folder.path(), 5).await;
        let taken = result.unwrap().remove(0);
        assert_eq!(told.notices.len(), cuts.len(), "{:?}", told.notices);
        let verified = crate::verify(&taken.path, &key_ring(folder.path()), &mut |_| {}).unwrap();
        assert_eq!(verified, taken.verified);
        let home = tempfile::tempdir().unwrap();
        let restored = restore_into(home.path(), &taken.path, &key_ring(folder.path()));
        check_state(&restored, verified.header.commit).await;
        commits.push(verified.header.commit);
    }
    is_over.store(true, Ordering::Relaxed);
    let rounds = writers.into_iter().map(|writer| writer.join().unwrap()).max().unwrap();
    assert!(rounds > 30, "writers were not held up: {rounds}");
    assert!(commits.is_sorted_by(|a, b| a < b), "{commits:?}");
    // The one whose client was cut off before it heard of it.
    assert_eq!(server.shared.snapshots.count(), 1);
    assert_eq!(
        server
            .recorder
            .count(&["BackupEnded", "Success", "complete", "CN=taker"]),
        3
    );
    assert!(server.recorder.count(&["BackupStarted", "resumed"]) >= 5);
    assert_eq!(
        server.recorder.count(&["BackupStarted"]) - 3,
        server.recorder.count(&["BackupEnded", "Failure", "cut"])
    );
    let names: Vec<_> = crate::backups_in(folder.path()).unwrap();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        4,
        "three backups and the key"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_given_up_is_gone_on_with_by_the_next_run_at_the_same_commit() {
    let server = Server::new(small_frames());
    let sessions = begin_transfers(&server).await;
    let folder = tempfile::tempdir().unwrap();
    server.cut_after([60_000]);
    let (result, _) = take_into(&server, "neo4j", folder.path(), 0).await;
    assert!(matches!(result, Err(TakeError::Lost(_))), "{result:?}");
    assert_eq!(
        crate::backups_in(folder.path()).unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
    // What a crash leaves of the block that was under way.
    let partial = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let partial = partial
        .into_iter()
        .find(|path| path.extension().unwrap() == "partial")
        .unwrap();
    let mut bytes = std::fs::read(&partial).unwrap();
    let whole = bytes.len();
    bytes.truncate(whole - 100);
    std::fs::write(&partial, &bytes).unwrap();

    transfer(&sessions[0], 1);
    let (result, told) = take_into(&server, "neo4j", folder.path(), 0).await;
    let taken = result.unwrap().remove(0);
    assert_eq!((taken.resumed, taken.verified.header.commit), (1, 2));
    let (_, chunks, passed) = told.begun[0];
    assert!(
        passed > 0 && passed < chunks && told.chunks < chunks,
        "{passed} {chunks} {}",
        told.chunks
    );
    let home = tempfile::tempdir().unwrap();
    check_state(&restore_into(home.path(), &taken.path, &key_ring(folder.path())), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_no_longer_held_is_taken_anew_and_said_so() {
    let config = Config {
        snapshot_time: Duration::ZERO,
        ..small_frames()
    };
    let server = Server::new(config);
    let sessions = begin_transfers(&server).await;
    let folder = tempfile::tempdir().unwrap();
    server.cut_after([60_000]);
    take_into(&server, "neo4j", folder.path(), 0).await.0.unwrap_err();
    // The server notices the cut a moment later.
    for _ in 0..1_000 {
        server.shared.snapshots.let_go_of_old(Duration::ZERO);
        if server.shared.snapshots.count() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.recorder.count(&["BackupEnded", "given up"]), 1);
    transfer(&sessions[0], 1);
    let (result, told) = take_into(&server, "neo4j", folder.path(), 0).await;
    let taken = result.unwrap().remove(0);
    assert!(told.notices[0].contains("starting anew"), "{:?}", told.notices);
    assert_eq!((taken.resumed, taken.verified.header.commit), (0, 3));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "the unfinished file is gone"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_takes_the_system_database_too_and_what_fits_nothing_is_told() {
    let server = Server::new(Config::default());
    let folder = tempfile::tempdir().unwrap();
    let (result, _) = take_into(&server, "*", folder.path(), 0).await;
    let names: Vec<_> = result
        .unwrap()
        .into_iter()
        .map(|taken| taken.verified.header.database)
        .collect();
    assert_eq!(names, ["neo4j", "system"]);
    let (result, _) = take_into(&server, "movies", folder.path(), 0).await;
    let text = result.unwrap_err().to_string();
    assert!(text.contains("`movies`") && text.contains("neo4j, system"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_other_sources_keys_and_writers_are_left_alone() {
    let server = Server::new(small_frames());
    begin_transfers(&server).await;
    let folder = tempfile::tempdir().unwrap();
    server.cut_after([60_000]);
    take_into(&server, "neo4j", folder.path(), 0).await.0.unwrap_err();
    let key_ring = key_ring(folder.path());
    let find = |source: &str| crate::file::find_partial(folder.path(), "neo4j", source, &key_ring).unwrap();
    assert!(find("elsewhere:6362").is_none());
    let held = find("server:6362");
    assert!(held.is_some());
    assert!(find("server:6362").is_none(), "somebody is writing it");
    drop(held);
    let other_key = KeyRing::create(&LocalFileSystem, &folder.path().join("other.key")).unwrap();
    let found = crate::file::find_partial(folder.path(), "neo4j", "server:6362", &other_key).unwrap();
    assert!(found.is_none());
    assert!(find("server:6362").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_longer_than_a_frame_comes_back_whole() {
    let server = Server::new(Config::default());
    let session = log_in(&server.shared.dbms).await;
    // 2^25 bytes, which is two of the longest frames.
    run(
        &session,
        "CREATE (:Long {t: reduce(t = 'x', n IN range(1, 25) | t + t)})",
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    server.cut_after([9 << 20, 9 << 20]);
    let (result, _) = take_into(&server, "neo4j", folder.path(), 3).await;
    let taken = result.unwrap().remove(0);
    let home = tempfile::tempdir().unwrap();
    let restored = restore_into(home.path(), &taken.path, &key_ring(folder.path()));
    let session = log_in(&restored).await;
    assert_eq!(integers(&session, "MATCH (l:Long) RETURN size(l.t)"), [1 << 25]);
}
