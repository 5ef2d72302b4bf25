//! Servers that lie: a client believes nothing that could harm the machine it runs on.

use super::*;
use crate::wire::{Answer, ListedDatabase, Request, Started, encode_chunks, read_request, write_answer, write_data};

/// Answers each request by a script.
struct Liar<F>(Arc<F>);

impl<F: Fn(Request) -> Vec<Lie> + Send + Sync + 'static> Dial for Liar<F> {
    type Stream = DuplexStream;

    async fn dial(&self) -> Result<DuplexStream, DialError> {
        let (client, mut server) = tokio::io::duplex(4096);
        let script = Arc::clone(&self.0);
        tokio::spawn(async move {
            while let Ok(Some(request)) = read_request(&mut server).await {
                for lie in script(request) {
                    let sent = match lie {
                        Lie::Answer(answer) => write_answer(&mut server, &answer).await,
                        Lie::Data(chunks) => write_data(&mut server, &encode_chunks(&chunks).unwrap()).await,
                        Lie::Cut => return,
                    };
                    if sent.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(client)
    }
}

enum Lie {
    Answer(Answer),
    Data(Vec<(Vec<u8>, Vec<u8>)>),
    Cut,
}

fn databases(name: &str) -> Lie {
    let (name, id) = (name.to_owned(), UUID.to_owned());
    Lie::Answer(Answer::Databases {
        databases: vec![ListedDatabase { name, id }],
    })
}

const UUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

fn started(database: &str, snapshot: u8) -> Started {
    Started {
        snapshot: hex::encode([snapshot; 16]),
        database: database.to_owned(),
        database_id: UUID.to_owned(),
        created_ms: 1,
        commit: 7,
        time_ms: 1_750_000_000_000,
        chunks: 2,
        chunks_passed: 0,
    }
}

fn chunk(key: &[u8]) -> Lie {
    Lie::Data(vec![(key.to_vec(), b"content".to_vec())])
}

fn everything_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        }
        found.push(path.display().to_string());
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cannot_have_files_written_elsewhere() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let absolute = outer.path().join("absolute").display().to_string();
    for name in [
        "../escaped",
        &absolute,
        ".",
        "a/b",
        "a\0b",
        ".hidden",
        "",
        "a\u{1b}[2Jb",
    ] {
        let told = name.to_owned();
        let liar = Liar(Arc::new(move |request| match request {
            Request::List { .. } => vec![databases(&told)],
            Request::Backup { .. } => vec![
                Lie::Answer(Answer::Started(started(&told, 1))),
                chunk(b"m"),
                Lie::Answer(Answer::End),
            ],
            _ => vec![Lie::Answer(Answer::Finished)],
        }));
        let (result, _) = take_into(&liar, "*", &folder, 0).await;
        let error = result.unwrap_err().to_string();
        assert!(error.contains("protocol"), "{name:?}: {error}");
    }
    let found: Vec<_> = everything_in(outer.path())
        .into_iter()
        .filter(|path| !path.ends_with("backup.key") && !path.ends_with("backups"))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_says_cannot_steer_a_terminal_or_flood_it() {
    let liar = Liar(Arc::new(|_| {
        let reason = format!("\u{1b}]0;owned\u{7}\r\u{202e}{}", "x".repeat(1 << 20));
        vec![Lie::Answer(Answer::Refused { reason })]
    }));
    let folder = tempfile::tempdir().unwrap();
    let error = take_into(&liar, "*", folder.path(), 0).await.0.unwrap_err().to_string();
    assert!(error.contains("]0;owned"), "{error:?}");
    assert!(
        error.len() < 2_000 && !error.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_not_gone_on_with_by_the_frames_of_another() {
    let begins = Arc::new(AtomicUsize::new(0));
    let liar = Liar(Arc::new(move |request| match request {
        Request::List { .. } => vec![databases("neo4j")],
        Request::Backup { .. } => vec![Lie::Answer(Answer::Started(started("neo4j", 1))), chunk(b"m"), Lie::Cut],
        // The same commit of another database, or of the same one after a restore.
        Request::Resume { .. } if begins.fetch_add(1, Ordering::Relaxed) == 0 => vec![
            Lie::Answer(Answer::Started(started("neo4j", 2))),
            chunk(b"n"),
            Lie::Answer(Answer::End),
        ],
        _ => {
            let mut other = started("neo4j", 1);
            other.database_id = UUID.replace('0', "1");
            vec![
                Lie::Answer(Answer::Started(other)),
                chunk(b"n"),
                Lie::Answer(Answer::End),
            ]
        }
    }));
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let error = take_into(&liar, "neo4j", folder.path(), 1)
            .await
            .0
            .unwrap_err()
            .to_string();
        assert!(error.contains("protocol"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_complete_file_does_not_stand_in_for_a_new_backup() {
    let server = Server::new(small_frames());
    let session = log_in(&server.shared.dbms).await;
    run(&session, "CREATE (:A)").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let first = take_into(&server, "neo4j", folder.path(), 0).await.0.unwrap().remove(0);
    // As a crash leaves it between its last byte and its name.
    let partial = format!("{}.partial", first.path.display());
    std::fs::rename(&first.path, &partial).unwrap();
    run(&session, "CREATE (:A)").unwrap();
    let (result, told) = take_into(&server, "neo4j", folder.path(), 0).await;
    let commits: Vec<_> = result
        .unwrap()
        .iter()
        .map(|taken| taken.verified.header.commit)
        .collect();
    let wanted = first.verified.header.commit;
    assert_eq!(commits, [wanted, wanted + 1], "{:?}", told.notices);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_a_files_two_names_does_not_stop_backups_for_ever() {
    let server = Server::new(small_frames());
    let folder = tempfile::tempdir().unwrap();
    let first = take_into(&server, "neo4j", folder.path(), 0).await.0.unwrap().remove(0);
    // As it is on file systems that cannot rename without replacing: linked, and not yet removed.
    let partial = format!("{}.partial", first.path.display());
    std::fs::hard_link(&first.path, &partial).unwrap();
    let taken = take_into(&server, "neo4j", folder.path(), 0).await.0.unwrap();
    assert_eq!((taken.len(), &taken[0].path), (2, &first.path));
    assert!(!Path::new(&partial).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complete_file_that_is_being_read_back_is_nobody_elses() {
    struct Meanwhile<'a>(&'a Path, &'a KeyRing, usize);
    impl TakeEvents for Meanwhile<'_> {
        fn begins(&mut self, _database: &str, _chunks: u64, _passed: u64) {}
        fn advances(&mut self, _chunks: u64, _file_bytes: u64) {}
        fn verifies(&mut self, _file_bytes: u64) {
            let found = crate::file::find_partial(self.0, "neo4j", "server:6362", self.1).unwrap();
            assert!(found.is_none(), "{found:?}");
            self.2 += 1;
        }
        fn verified(&mut self, _file_bytes: u64) {}
        fn notice(&mut self, _text: &str) {}
    }
    let server = Server::new(small_frames());
    let folder = tempfile::tempdir().unwrap();
    let key_ring = key_ring(folder.path());
    let mut meanwhile = Meanwhile(folder.path(), &key_ring, 0);
    let request = TakeRequest {
        pattern: "neo4j",
        folder: folder.path(),
        source: "server:6362",
        key_ring: &key_ring,
        retries_max: 0,
        retry_pause: Duration::from_millis(1),
    };
    take(&server, request, &mut meanwhile, &mut |_| {}).await.unwrap();
    assert_eq!(meanwhile.2, 1);
}

#[test]
fn a_pipe_among_backups_does_not_hold_one_up() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("neo4j-2025-06-15T15-06-40.backup.partial");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let found = crate::file::find_partial(folder.path(), "neo4j", "server:6362", &key_ring(folder.path()));
    assert!(found.unwrap().is_none());
}
