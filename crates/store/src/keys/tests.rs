//! Key files and envelopes: what is made, what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::LocalFileSystem;

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path(name);
        let mut content = fs::read(&path).unwrap();
        edit(&mut content);
        fs::remove_file(&path).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    }
}

#[test]
fn creates_a_key_file_for_the_owner_alone_and_reads_it_back() {
    let home = Home::new();
    let made = KeyRing::load_or_create(&LocalFileSystem, &home.path("secrets/key")).unwrap();
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets"), mode("secrets/key")), (0o700, 0o400));
    let read = KeyRing::load_or_create(&LocalFileSystem, &home.path("secrets/key")).unwrap();
    assert_eq!(made.key_id(), read.key_id());
    assert_eq!(made.key.expose(), read.key.expose());
    let printed = format!("{made:?}");
    assert!(!printed.contains(&hex::encode(made.key.expose())), "{printed}");
}

#[test]
fn everybody_who_makes_a_key_at_the_same_time_gets_the_one_that_stays() {
    for _ in 0..100 {
        let home = Home::new();
        let path = home.path("key");
        let start = std::sync::Barrier::new(4);
        let used: Vec<_> = std::thread::scope(|scope| {
            let make = || {
                start.wait();
                KeyRing::load_or_create(&LocalFileSystem, &path).unwrap().key_id()
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let stays = KeyRing::load(&LocalFileSystem, &path).unwrap().key_id();
        assert_eq!(used, [stays; 4]);
        let names: Vec<_> = fs::read_dir(home.directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

#[test]
fn refuses_a_key_file_that_others_may_read() {
    let home = Home::new();
    KeyRing::create(&LocalFileSystem, &home.path("key")).unwrap();
    for mode in [0o440, 0o404, 0o420, 0o401] {
        fs::set_permissions(home.path("key"), fs::Permissions::from_mode(mode)).unwrap();
        let error = KeyRing::load(&LocalFileSystem, &home.path("key")).unwrap_err();
        assert!(
            matches!(error, KeyError::OpenToOthers { mode: found, .. } if found == mode),
            "{error}"
        );
    }
}

#[test]
fn refuses_a_symbolic_link_and_a_missing_file() {
    let home = Home::new();
    KeyRing::create(&LocalFileSystem, &home.path("key")).unwrap();
    std::os::unix::fs::symlink(home.path("key"), home.path("link")).unwrap();
    assert!(matches!(
        KeyRing::load(&LocalFileSystem, &home.path("link")),
        Err(KeyError::Io { .. })
    ));
    assert!(matches!(
        KeyRing::load(&LocalFileSystem, &home.path("none")),
        Err(KeyError::Missing { .. })
    ));
}

#[test]
fn refuses_a_key_file_with_any_byte_changed_and_shows_none_of_it() {
    let home = Home::new();
    KeyRing::create(&LocalFileSystem, &home.path("key")).unwrap();
    let original = fs::read(home.path("key")).unwrap();
    let digits = String::from_utf8(original.clone())
        .unwrap()
        .lines()
        .nth(2)
        .unwrap()
        .to_owned();
    for position in 0..original.len() - 1 {
        home.edit("key", |content| {
            content.clone_from(&original);
            content[position] ^= 0x01;
        });
        let error = KeyRing::load(&LocalFileSystem, &home.path("key")).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "byte {position}: {error}");
        assert!(!error.to_string().contains(digits.get(4..20).unwrap()));
    }
}

#[test]
fn names_both_files_when_the_key_is_the_wrong_one() {
    let home = Home::new();
    let right = KeyRing::create(&LocalFileSystem, &home.path("right")).unwrap();
    let wrong = KeyRing::create(&LocalFileSystem, &home.path("wrong")).unwrap();
    let made = DatabaseKeys::create(&LocalFileSystem, &home.path("keys"), &right).unwrap();
    let read = DatabaseKeys::open(&LocalFileSystem, &home.path("keys"), &right).unwrap();
    assert_eq!((made.key_id(), made.database_id()), (read.key_id(), read.database_id()));
    let error = DatabaseKeys::open(&LocalFileSystem, &home.path("keys"), &wrong)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("wrong` does not open") && error.contains("/keys`"),
        "{error}"
    );
}

#[test]
fn refuses_an_envelope_with_any_byte_changed() {
    let home = Home::new();
    let ring = KeyRing::create(&LocalFileSystem, &home.path("ring")).unwrap();
    DatabaseKeys::create(&LocalFileSystem, &home.path("keys"), &ring).unwrap();
    let original = fs::read(home.path("keys")).unwrap();
    for position in 0..original.len() - 1 {
        home.edit("keys", |content| {
            content.clone_from(&original);
            content[position] ^= 0x01;
        });
        assert!(
            DatabaseKeys::open(&LocalFileSystem, &home.path("keys"), &ring).is_err(),
            "byte {position}"
        );
    }
}

#[test]
fn refuses_an_envelope_in_the_folder_of_another_database() {
    let home = Home::new();
    let ring = KeyRing::create(&LocalFileSystem, &home.path("ring")).unwrap();
    for folder in ["system", "neo4j"] {
        fs::create_dir(home.path(folder)).unwrap();
    }
    let envelope = home.path("system").join("keys");
    DatabaseKeys::create(&LocalFileSystem, &envelope, &ring).unwrap();
    assert!(DatabaseKeys::open(&LocalFileSystem, &envelope, &ring).is_ok());
    let moved = home.path("neo4j").join("keys");
    fs::rename(&envelope, &moved).unwrap();
    let error = DatabaseKeys::open(&LocalFileSystem, &moved, &ring)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("neo4j/keys` was altered, or its folder renamed or swapped"),
        "{error}"
    );
}
