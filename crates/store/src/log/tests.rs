//! The log: crashes at every operation, damage, batching.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::{DatabaseKeys, Fault, FaultyFileSystem, FileSystem, KeyRing, Survival};

const MARKER: &[u8] = b"plaintext marker that must never reach the disk";

struct Machine {
    disk: FaultyFileSystem,
    keys: DatabaseKeys,
}

impl Machine {
    fn new() -> Self {
        // The keys live on a disk of their own, so that operations of the log are numbered from zero.
        let key_disk = FaultyFileSystem::new();
        let ring = KeyRing::create(&key_disk, Path::new("/secret/key")).unwrap();
        let keys = DatabaseKeys::create(&key_disk, Path::new("/data/keys"), &ring).unwrap();
        Self {
            disk: FaultyFileSystem::new(),
            keys,
        }
    }

    fn open(&self) -> Result<(Log, Recovery), LogError> {
        self.open_with(CommitId::ZERO, small())
    }

    fn open_with(&self, after: CommitId, options: LogOptions) -> Result<(Log, Recovery), LogError> {
        let file_system: Arc<dyn FileSystem> = Arc::new(self.disk.clone());
        Log::open(file_system, Path::new("/data/log"), &self.keys, after, options)
    }

    fn segments(&self) -> Vec<PathBuf> {
        self.disk
            .files()
            .into_iter()
            .filter(|file| file.extension().is_some_and(|name| name == "log"))
            .collect()
    }

    fn flip(&self, path: &Path, position: usize) {
        let mut content = self.disk.content(path).unwrap();
        content[position] ^= 0x10;
        self.disk.replace(path, Some(content));
    }
}

/// Segments so small that a few commits fill one.
fn small() -> LogOptions {
    LogOptions {
        segment_bytes: 2048,
        ..LogOptions::default()
    }
}

fn payload(number: u64) -> Vec<u8> {
    let mut payload = format!("{number} ").into_bytes();
    payload.extend(MARKER.iter().cycle().take((number as usize * 37) % 700));
    payload
}

fn append(log: &Log, number: u64) -> Result<Durable, LogError> {
    let durable = log.append(&payload(number))?.wait()?;
    assert_eq!(durable.commit_id.value(), number);
    Ok(durable)
}

fn records(log: &Log, first: u64) -> Vec<LogRecord> {
    log.records_from(CommitId::new(first))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn assert_holds(log: &Log, first: u64, last: u64) {
    let records = records(log, first);
    assert_eq!(records.len() as u64, (last + 1).saturating_sub(first));
    for (record, number) in records.iter().zip(first..) {
        assert_eq!((record.commit_id.value(), &record.payload), (number, &payload(number)));
    }
}

#[test]
fn reads_back_what_was_appended_over_several_openings_and_segments() {
    let machine = Machine::new();
    for round in 0..3_u64 {
        let (log, recovery) = machine.open().unwrap();
        assert_eq!((recovery.last_commit.value(), recovery.torn_tail), (round * 20, None));
        for number in round * 20 + 1..=round * 20 + 20 {
            append(&log, number).unwrap();
        }
        assert_holds(&log, 1, round * 20 + 20);
        assert_holds(&log, 17, round * 20 + 20);
        log.close().unwrap();
        assert!(matches!(log.append(b"late"), Err(LogError::Closed)));
    }
    assert!(machine.segments().len() > 5);
    let times: Vec<_> = records(&machine.open().unwrap().0, 1)
        .iter()
        .map(|record| record.time_ms)
        .collect();
    assert!(times.is_sorted());
}

#[test]
fn leaves_no_plaintext_on_the_disk() {
    let machine = Machine::new();
    let (log, _) = machine.open().unwrap();
    for number in 1..=30 {
        append(&log, number).unwrap();
    }
    for file in machine.disk.files() {
        let content = machine.disk.content(&file).unwrap();
        assert!(
            !content.windows(9).any(|window| window == &MARKER[..9]),
            "{}",
            file.display()
        );
    }
}

/// Appends until the machine stops or all are durable; returns the number of the last acknowledged commit.
fn run_until_crash(machine: &Machine, commits: u64) -> u64 {
    let mut acknowledged = 0;
    if let Ok((log, _)) = machine.open() {
        for number in 1..=commits {
            match append(&log, number) {
                Ok(_) => acknowledged = number,
                Err(_) => break,
            }
        }
        let _ = log.close();
    }
    acknowledged
}

#[test]
fn keeps_every_acknowledged_commit_whatever_operation_the_crash_hits() {
    let rehearsal = Machine::new();
    assert_eq!(run_until_crash(&rehearsal, 14), 14);
    let operations = rehearsal.disk.operations();
    assert!(operations > 60);
    for operation in 0..operations {
        for fault in [Fault::Crash, Fault::CrashWithin] {
            let survivals = [Survival::Nothing, Survival::Everything].into_iter();
            for survival in survivals.chain((0..6).map(Survival::Some)) {
                let machine = Machine::new();
                machine.disk.fail_at(operation, fault);
                let acknowledged = run_until_crash(&machine, 14);
                machine.disk.restart(survival);
                let context = format!("{fault:?} at {operation}, {survival:?}, {acknowledged} acknowledged");
                let (log, recovery) = machine.open().unwrap_or_else(|error| panic!("{context}: {error:?}"));
                let last = recovery.last_commit.value();
                assert!(
                    last == acknowledged || last == acknowledged + 1,
                    "{context}: {last} found"
                );
                assert_holds(&log, 1, last);
                append(&log, last + 1).unwrap();
                log.close().unwrap();
                drop(log);
                let (log, recovery) = machine.open().unwrap_or_else(|error| panic!("{context}: {error:?}"));
                assert_eq!(
                    (recovery.last_commit.value(), recovery.torn_tail),
                    (last + 1, None),
                    "{context}"
                );
                assert_holds(&log, 1, last + 1);
            }
        }
    }
}

#[test]
fn serves_on_after_every_single_full_disk_and_leaves_no_ghost() {
    let rehearsal = Machine::new();
    run_until_crash(&rehearsal, 12);
    let (mut refused, mut poisoned) = (0, 0);
    for operation in 0..rehearsal.disk.operations() {
        let machine = Machine::new();
        machine.disk.fail_at(operation, Fault::NoSpace);
        let Ok((log, _)) = machine.open() else { continue };
        let mut durable = 0;
        for number in 1..=12 {
            match append(&log, number) {
                Ok(_) => durable = number,
                Err(LogError::Poisoned { .. }) => {
                    poisoned += 1;
                    break;
                }
                Err(error) => {
                    assert!(matches!(error, LogError::DiskFull { .. }), "{error:?}");
                    assert!(matches!(log.append(b"next"), Err(LogError::Suspended { .. })));
                    assert_holds(&log, 1, durable);
                    assert_eq!(log.resume().unwrap().value(), durable);
                    append(&log, number).unwrap();
                    (durable, refused) = (number, refused + 1);
                }
            }
        }
        let _ = log.close();
        drop(log);
        let (log, recovery) = machine.open().unwrap();
        assert_eq!(
            (recovery.last_commit.value(), recovery.torn_tail),
            (durable, None),
            "operation {operation}"
        );
        assert_holds(&log, 1, durable);
    }
    assert!(refused > 20 && poisoned > 5, "{refused} {poisoned}");
}

#[test]
fn a_full_disk_refuses_commits_until_there_is_room() {
    let machine = Machine::new();
    let (log, _) = machine.open().unwrap();
    append(&log, 1).unwrap();
    machine.disk.set_capacity(Some(2048));
    let mut number = 2;
    let error = loop {
        match append(&log, number) {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::DiskFull { .. }), "{error:?}");
    log.resume().unwrap();
    assert!(matches!(append(&log, number), Err(LogError::DiskFull { .. })));
    machine.disk.set_capacity(None);
    assert_eq!(log.resume().unwrap().value(), number - 1);
    append(&log, number).unwrap();
    assert_holds(&log, 1, number);
}

#[test]
fn a_failed_sync_ends_commits_until_the_restart() {
    let machine = Machine::new();
    let (log, _) = machine.open().unwrap();
    append(&log, 1).unwrap();
    machine.disk.fail_at(machine.disk.operations() + 1, Fault::InputOutput);
    assert!(matches!(append(&log, 2), Err(LogError::Poisoned { .. })));
    assert!(matches!(log.append(b"next"), Err(LogError::Poisoned { .. })));
    assert!(matches!(log.resume(), Err(LogError::Poisoned { .. })));
    assert_holds(&log, 1, 1);
    drop(log);
    machine.disk.restart(Survival::Everything);
    let (log, recovery) = machine.open().unwrap();
    assert_eq!(recovery.last_commit.value(), 1);
    append(&log, 2).unwrap();
}

#[test]
fn many_appenders_share_a_sync() {
    let machine = Machine::new();
    let (log, _) = machine
        .open_with(
            CommitId::ZERO,
            LogOptions {
                segment_bytes: 1 << 20,
                ..small()
            },
        )
        .unwrap();
    machine.disk.set_sync_delay(Duration::from_millis(2));
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..20 {
                    log.append(b"payload").unwrap().wait().unwrap();
                }
            });
        }
    });
    assert_eq!(log.durable_commit().value(), 640);
    assert!(
        machine.disk.syncs() < 640 / 5,
        "{} syncs for 640 commits",
        machine.disk.syncs()
    );
    assert_eq!(records(&log, 1).len(), 640);
}

#[test]
fn callbacks_come_in_order_and_a_failure_takes_all_followers_with_it() {
    let machine = Machine::new();
    let (log, _) = machine.open_with(CommitId::ZERO, LogOptions::default()).unwrap();
    let (sender, answers) = std::sync::mpsc::channel();
    machine.disk.set_sync_delay(Duration::from_millis(20));
    let submit = |number: u64| {
        let sender = sender.clone();
        log.append_with(
            &payload(number),
            Box::new(move |result| sender.send((number, result)).unwrap()),
        )
    };
    for number in 1..=3 {
        submit(number).unwrap();
    }
    let answered: Vec<_> = answers
        .iter()
        .take(3)
        .map(|(number, result)| (number, result.is_ok()))
        .collect();
    assert_eq!(answered, [(1, true), (2, true), (3, true)]);
    machine.disk.fail_at(machine.disk.operations(), Fault::NoSpace);
    let accepted = (4..=9).filter(|number| submit(*number).is_ok()).count();
    let failed: Vec<_> = answers.iter().take(accepted).collect();
    assert!(
        failed
            .iter()
            .all(|(_, result)| matches!(result, Err(LogError::DiskFull { .. })))
    );
    assert!(failed.iter().map(|(number, _)| *number).eq(4..4 + accepted as u64));
    assert_eq!(log.resume().unwrap().value(), 3);
}

/// A closed log of twelve commits in several segments, each frame of one commit.
fn closed_log() -> Machine {
    let machine = Machine::new();
    let (log, _) = machine.open().unwrap();
    for number in 1..=12 {
        append(&log, number).unwrap();
    }
    log.close().unwrap();
    machine
}

#[test]
fn names_the_file_of_any_flipped_bit_also_in_the_last_frame() {
    let machine = closed_log();
    let segments = machine.segments();
    assert!(segments.len() >= 3);
    for segment in &segments {
        let content = machine.disk.content(segment).unwrap();
        for position in (0..content.len()).step_by(7) {
            machine.flip(segment, position);
            let error = machine
                .open()
                .expect_err(&format!("{} byte {position}", segment.display()));
            assert!(
                error.to_string().contains(segment.to_str().unwrap()),
                "byte {position}: {error}"
            );
            machine.disk.replace(segment, Some(content.clone()));
        }
    }
    assert_holds(&machine.open().unwrap().0, 1, 12);
}

#[test]
fn names_a_flipped_bit_in_the_last_frame_after_the_process_was_killed() {
    let machine = Machine::new();
    let (log, _) = machine.open().unwrap();
    for number in 1..=3 {
        append(&log, number).unwrap();
    }
    std::mem::forget(log);
    machine.disk.restart(Survival::Everything);
    let segment = machine.segments().pop().unwrap();
    let used = machine
        .disk
        .content(&segment)
        .unwrap()
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap();
    machine.flip(&segment, used - 20);
    assert!(matches!(machine.open(), Err(LogError::Corrupt { file, .. }) if file == segment));
}

#[test]
fn a_damaged_frame_with_another_behind_it_is_no_torn_tail_even_if_the_mark_is_old() {
    let machine = Machine::new();
    let (log, _) = machine.open_with(CommitId::ZERO, LogOptions::default()).unwrap();
    append(&log, 1).unwrap();
    let mark = Path::new("/data/log/mark");
    let old_mark = machine.disk.content(mark);
    let segment = machine.segments().pop().unwrap();
    let used = |machine: &Machine| {
        let content = machine.disk.content(&segment).unwrap();
        content.iter().rposition(|byte| *byte != 0).unwrap()
    };
    let first_end = used(&machine);
    append(&log, 2).unwrap();
    append(&log, 3).unwrap();
    std::mem::forget(log);
    machine.disk.restart(Survival::Everything);
    machine.disk.replace(mark, old_mark);
    machine.flip(&segment, first_end + 100);
    let error = machine.open_with(CommitId::ZERO, LogOptions::default()).unwrap_err();
    assert!(
        matches!(&error, LogError::Corrupt { file, .. } if *file == segment),
        "{error:?}"
    );
}

#[test]
fn refuses_a_missing_or_shortened_segment_and_a_missing_mark() {
    let machine = closed_log();
    for segment in machine.segments() {
        let content = machine.disk.content(&segment).unwrap();
        machine
            .disk
            .replace(&segment, Some(content[..content.len() - 16].to_vec()));
        let error = machine.open().unwrap_err();
        assert!(error.to_string().contains(segment.to_str().unwrap()), "{error}");
        machine.disk.replace(&segment, Some(content));
    }
    let mut machine = machine;
    for index in 0..machine.segments().len() {
        let segment = machine.segments()[index].clone();
        machine.disk.replace(&segment, None);
        let error = machine.open().unwrap_err();
        match error {
            LogError::Removed { .. } if index == 0 => {}
            LogError::MissingSegment { file, .. } => assert_eq!(file, segment),
            error => panic!("{error:?}"),
        }
        machine = closed_log();
    }
    machine.disk.replace(Path::new("/data/log/mark"), None);
    assert!(machine.open().unwrap_err().to_string().contains("/data/log/mark"));
}

#[test]
fn refuses_a_segment_of_another_database_and_another_version() {
    let (machine, other) = (closed_log(), closed_log());
    let segment = machine.segments().remove(0);
    let original = machine.disk.content(&segment).unwrap();
    machine.disk.replace(&segment, other.disk.content(&segment));
    assert!(matches!(machine.open(), Err(LogError::ForeignSegment { .. })));
    let mut newer = original;
    newer[8] = 2;
    machine.disk.replace(&segment, Some(newer));
    assert!(matches!(machine.open(), Err(LogError::UnknownVersion { found: 2, .. })));
}

#[test]
fn removes_whole_segments_and_still_knows_where_the_log_ends() {
    let machine = closed_log();
    let (log, _) = machine.open().unwrap();
    append(&log, 13).unwrap();
    log.remove_before(CommitId::new(9)).unwrap();
    assert!(matches!(
        log.records_from(CommitId::new(1)),
        Err(LogError::Removed { .. })
    ));
    assert_holds(&log, 9, 13);
    log.remove_before(CommitId::new(14)).unwrap();
    drop(log);
    let error = machine.open().unwrap_err();
    assert!(matches!(error, LogError::Removed { .. }), "{error:?}");
    let (log, recovery) = machine.open_with(CommitId::new(13), small()).unwrap();
    assert_eq!(recovery.last_commit.value(), 13);
    assert!(log.records_from(CommitId::new(14)).unwrap().next().is_none());
    append(&log, 14).unwrap();
}

#[test]
fn no_nonce_is_used_twice_under_a_key() {
    // A key belongs to the salt of one segment, a nonce is a frame's number in it. Every frame that ever reaches the disk
    // is collected, also those of failed writes: under one salt and number there must be one frame only.
    let rehearsal = Machine::new();
    run_until_crash(&rehearsal, 8);
    for operation in 0..rehearsal.disk.operations() {
        for fault in [Fault::NoSpace, Fault::CrashWithin, Fault::InputOutput] {
            let machine = Machine::new();
            machine.disk.fail_at(operation, fault);
            let mut seen = BTreeMap::new();
            for round in 0..3 {
                if let Ok((log, _)) = machine.open() {
                    for number in 0..6_u64 {
                        let _ = log.append(&payload(number + round)).and_then(CommitTicket::wait);
                        let _ = log.resume();
                        collect_frames(&machine, &mut seen);
                    }
                }
                machine.disk.restart(Survival::Everything);
                collect_frames(&machine, &mut seen);
            }
        }
    }
}

fn collect_frames(machine: &Machine, seen: &mut BTreeMap<(Vec<u8>, u64), Vec<u8>>) {
    for file in machine.segments() {
        let Some(content) = machine.disk.content(&file).filter(|content| content.len() > 128) else {
            continue;
        };
        for offset in (128..content.len()).step_by(16) {
            let Some(header) = layout::FrameHeader::decode(&content[offset..]) else {
                continue;
            };
            let salt = layout::SegmentHeader::decode(&content).unwrap().salt.to_vec();
            // The first bytes of a body suffice, and are there even of a torn frame.
            let start: Vec<u8> = content[offset + 48..].iter().take(16).copied().collect();
            let before = seen.insert((salt, header.number), start.clone());
            assert!(
                before.is_none_or(|before| before == start),
                "{} at {offset}",
                file.display()
            );
        }
    }
}
