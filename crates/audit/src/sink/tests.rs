//! Cases of the sink: durability, recovery, tampering, failing writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::{FirstFault, HEAD_FILE_NAME, LOG_FILE_NAME, Verified, VerifyError, verify};

fn event(user: &str) -> Event {
    Event::new(Action::Login, Outcome::Success).with_user(user)
}

/// A folder with a log of `records` records.
fn log_of(records: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    for index in 0..records {
        log.record(event(&format!("user{index}"))).unwrap();
    }
    folder
}

fn log_path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join(LOG_FILE_NAME)
}

fn lines(folder: &tempfile::TempDir) -> Vec<String> {
    fs::read_to_string(log_path(folder))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn write_lines(folder: &tempfile::TempDir, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(log_path(folder), text).unwrap();
}

fn first_fault(folder: &tempfile::TempDir) -> FirstFault {
    match verify(&log_path(folder)) {
        Err(VerifyError::Altered(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn records(folder: &tempfile::TempDir) -> u64 {
    verify(&log_path(folder)).unwrap().records
}

#[test]
fn records_are_on_disk_when_the_call_returns() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    log.record(event("ada")).unwrap();
    let text = lines(&folder);
    assert_eq!(text.len(), 1);
    let parsed: serde_json::Value = serde_json::from_str(&text[0]).unwrap();
    assert_eq!(
        (&parsed["action"], &parsed["user"], &parsed["sequence"]),
        (&"login".into(), &"ada".into(), &1.into())
    );
    assert_eq!(parsed["previous"], "0".repeat(64));
    assert_eq!(records(&folder), 1);
}

#[test]
fn files_are_private() {
    let folder = log_of(1);
    for name in [LOG_FILE_NAME, HEAD_FILE_NAME] {
        assert_eq!(
            fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
}

#[test]
fn a_reopened_log_goes_on_with_its_chain() {
    let folder = log_of(3);
    AuditLog::open(folder.path()).unwrap().record(event("bob")).unwrap();
    assert_eq!(
        verify(&log_path(&folder)).unwrap(),
        Verified {
            records: 4,
            unfinished_bytes: 0
        }
    );
}

#[test]
fn deferred_events_are_written_at_the_latest_on_closing() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    for _ in 0..3000 {
        log.record_deferred(event("ada")).unwrap();
    }
    drop(log);
    assert_eq!(records(&folder), 3000);
}

#[test]
fn many_threads_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| log.record(event("ada")).unwrap()));
        }
    });
    drop(log);
    assert_eq!(records(&folder), 400);
}

#[test]
fn an_altered_line_is_named() {
    let folder = log_of(5);
    let mut text = lines(&folder);
    text[2] = text[2].replace("user2", "userX");
    write_lines(&folder, &text);
    let fault = first_fault(&folder);
    assert_eq!(fault.line, 3);
    assert!(fault.reason.contains("altered"), "{fault}");
}

#[test]
fn a_removed_line_is_named() {
    let folder = log_of(5);
    let mut text = lines(&folder);
    text.drain(1..3);
    write_lines(&folder, &text);
    assert_eq!(
        first_fault(&folder),
        FirstFault {
            line: 2,
            reason: "records 2 to 3 were removed before this line".to_owned()
        }
    );
}

#[test]
fn an_inserted_or_repeated_line_is_named() {
    let folder = log_of(3);
    let mut text = lines(&folder);
    text.insert(1, "{\"hello\":1}".to_owned());
    write_lines(&folder, &text);
    assert_eq!(first_fault(&folder).line, 2);
    text[1] = text[0].clone();
    write_lines(&folder, &text);
    assert_eq!(first_fault(&folder).line, 2);
}

#[test]
fn a_line_replaced_with_a_hash_of_its_own_is_noticed_at_the_next() {
    let (folder, other) = (log_of(3), log_of(3));
    let mut text = lines(&folder);
    text[0] = lines(&other)[0].clone();
    write_lines(&folder, &text);
    assert_eq!(first_fault(&folder).line, 2);
    write_lines(&folder, &lines(&other));
    assert!(
        first_fault(&folder)
            .reason
            .contains("head file remembers another record")
    );
}

#[test]
fn records_removed_at_the_end_are_noticed() {
    let folder = log_of(5);
    let mut text = lines(&folder);
    text.truncate(3);
    write_lines(&folder, &text);
    let fault = first_fault(&folder);
    assert_eq!(fault.line, 4);
    assert!(
        fault.reason.contains("records removed at the end: records 4 to 5"),
        "{fault}"
    );
    assert!(matches!(AuditLog::open(folder.path()), Err(AuditError::Altered { .. })));
    fs::write(log_path(&folder), "").unwrap();
    assert_eq!(first_fault(&folder).line, 1);
    fs::remove_file(log_path(&folder)).unwrap();
    assert!(matches!(AuditLog::open(folder.path()), Err(AuditError::Altered { .. })));
}

#[test]
fn a_removed_or_damaged_head_is_noticed() {
    let folder = log_of(2);
    fs::write(folder.path().join(HEAD_FILE_NAME), "x").unwrap();
    assert!(first_fault(&folder).reason.contains("damaged"));
    assert!(matches!(AuditLog::open(folder.path()), Err(AuditError::Altered { .. })));
    fs::remove_file(folder.path().join(HEAD_FILE_NAME)).unwrap();
    assert!(first_fault(&folder).reason.contains("removed"));
    assert!(matches!(AuditLog::open(folder.path()), Err(AuditError::Altered { .. })));
}

#[test]
fn a_torn_end_is_set_aside_and_recorded() {
    let folder = log_of(2);
    for garbage in ["{\"sequence\":3,\"prev", "\0\0\0\0", "half\n\0\0more\n"] {
        let before = fs::read_to_string(log_path(&folder)).unwrap();
        let expected = before.lines().count() as u64 + 1;
        fs::write(log_path(&folder), format!("{before}{garbage}")).unwrap();
        drop(AuditLog::open(folder.path()).unwrap());
        assert_eq!(
            verify(&log_path(&folder)).unwrap(),
            Verified {
                records: expected,
                unfinished_bytes: 0
            }
        );
        let last: serde_json::Value = serde_json::from_str(lines(&folder).last().unwrap()).unwrap();
        assert_eq!(last["action"], "log_recovered");
        let kept = folder.path().join(last["details"]["file"].as_str().unwrap());
        assert_eq!(fs::read_to_string(&kept).unwrap(), garbage);
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn damage_to_records_already_durable_stops_the_opening() {
    let folder = log_of(4);
    let mut text = lines(&folder);
    text[3] = text[3].replace("user3", "userX");
    write_lines(&folder, &text);
    assert!(matches!(AuditLog::open(folder.path()), Err(AuditError::Altered { .. })));
}

#[test]
fn a_log_others_can_write_is_refused() {
    for name in [LOG_FILE_NAME, HEAD_FILE_NAME] {
        let folder = log_of(1);
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o620)).unwrap();
        assert!(
            matches!(
                AuditLog::open(folder.path()),
                Err(AuditError::WritableByOthers { mode: 0o620, .. })
            ),
            "{name}"
        );
    }
}

#[test]
fn a_link_in_place_of_the_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("elsewhere"), "").unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), log_path(&folder)).unwrap();
    assert!(matches!(
        AuditLog::open(folder.path()),
        Err(AuditError::NotAFile { .. })
    ));
}

#[test]
fn a_log_is_written_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let _first = AuditLog::open(folder.path()).unwrap();
    assert!(matches!(AuditLog::open(folder.path()), Err(AuditError::InUse { .. })));
}

#[test]
fn a_record_being_written_is_no_fault_to_a_reader() {
    let folder = log_of(2);
    let text = fs::read_to_string(log_path(&folder)).unwrap();
    fs::write(log_path(&folder), format!("{text}{{\"seq")).unwrap();
    assert_eq!(
        verify(&log_path(&folder)).unwrap(),
        Verified {
            records: 2,
            unfinished_bytes: 5
        }
    );
}

#[test]
fn a_receipt_can_be_awaited() {
    struct Flag(AtomicBool);
    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let mut receipt = log.submit(event("ada"));
    let mut context = Context::from_waker(&waker);
    let result = loop {
        match Pin::new(&mut receipt).poll(&mut context) {
            Poll::Ready(result) => break result,
            Poll::Pending => {
                while !flag.0.swap(false, Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            }
        }
    };
    result.unwrap();
}

/// A file in memory that fails on command.
#[derive(Clone, Default)]
struct Failing {
    content: Arc<Mutex<Vec<u8>>>,
    fail_append: Arc<AtomicBool>,
    fail_sync: Arc<AtomicBool>,
    synced: Arc<AtomicBool>,
    length: usize,
}

impl Storage for Failing {
    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.content.lock().unwrap();
        if self.fail_append.load(Ordering::SeqCst) {
            content.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(io::Error::other("disk full"));
        }
        content.extend_from_slice(bytes);
        self.length = content.len();
        Ok(())
    }

    fn undo_append(&mut self) -> io::Result<()> {
        self.content.lock().unwrap().truncate(self.length);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.synced.store(true, Ordering::SeqCst);
        if self.fail_sync.load(Ordering::SeqCst) {
            Err(io::Error::other("lost"))
        } else {
            Ok(())
        }
    }

    fn write_head(&mut self, _: Position) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) {}
}

fn failing() -> (Failing, AuditLog) {
    let storage = Failing::default();
    let start = Position::START;
    let writer = Writer {
        storage: storage.clone(),
        position: start,
        written: start,
        lost: 0,
        broken: None,
        unsynced_since: None,
        healthy: Arc::new(AtomicBool::new(true)),
    };
    (storage, AuditLog::start(writer).unwrap())
}

#[test]
fn a_failed_write_is_told_leaves_no_torn_line_and_its_losses_are_recorded() {
    let (storage, log) = failing();
    log.record(event("before")).unwrap();
    storage.fail_append.store(true, Ordering::SeqCst);
    log.record_deferred(event("lost")).unwrap();
    assert!(matches!(log.record(event("refused")), Err(AuditError::Io { .. })));
    assert!(!log.is_healthy());
    storage.fail_append.store(false, Ordering::SeqCst);
    log.record(event("after")).unwrap();
    assert!(log.is_healthy());
    drop(log);
    let text = String::from_utf8(storage.content.lock().unwrap().clone()).unwrap();
    let actions: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(actions.len(), 3);
    assert_eq!(
        (&actions[1]["action"], &actions[1]["details"]["events"]),
        (&"events_lost".into(), &"1".into())
    );
    assert_eq!(
        (&actions[2]["user"], &actions[2]["sequence"]),
        (&"after".into(), &3.into())
    );
    assert_eq!(actions[2]["previous"], actions[1]["hash"]);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_any_more() {
    let (storage, log) = failing();
    storage.fail_sync.store(true, Ordering::SeqCst);
    assert!(log.record(event("ada")).is_err());
    storage.fail_sync.store(false, Ordering::SeqCst);
    assert!(log.record(event("bob")).is_err());
    assert!(!log.is_healthy());
}

#[test]
fn deferred_events_are_synced_however_many_keep_coming() {
    let (storage, log) = failing();
    let started = Instant::now();
    while !storage.synced.load(Ordering::SeqCst) {
        log.record_deferred(event("ada")).unwrap();
        std::thread::sleep(Duration::from_millis(1));
        assert!(started.elapsed() < Duration::from_secs(60), "never synced");
    }
}

#[test]
fn deferred_events_and_those_that_somebody_waits_for_stay_in_order() {
    let (storage, log) = failing();
    for number in 0..50 {
        log.record_deferred(event(&format!("deferred{number}"))).unwrap();
        log.record(event(&format!("awaited{number}"))).unwrap();
    }
    drop(log);
    let text = String::from_utf8(storage.content.lock().unwrap().clone()).unwrap();
    let users: Vec<_> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["user"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let expected: Vec<_> = (0..50)
        .flat_map(|number| [format!("deferred{number}"), format!("awaited{number}")])
        .collect();
    assert_eq!(users, expected);
}
