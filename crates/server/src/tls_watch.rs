//! Reading the policies again by itself when the content of their files changes.
//!
//! Content counts, not times: a mounted folder is swapped by a symbolic link, and a file may be written again with what it had.
//! INVARIANT: content is hashed only if something about a file looks different, and what was found wrong is tried again
//! only once it has changed again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bastide_audit::{Action, AuditLog, Event, Outcome};
use bastide_tls::{Channels, PolicyConfig};

use crate::tls_service::{TlsService, With};

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// Files that look the same for so long are written completely.
const SETTLE_TIME: Duration = Duration::from_millis(500);
/// Files that never rest are read at last; what is half-written fails and changes nothing.
const SETTLE_TRIES: usize = 10;
/// How many files of a folder are looked at; the policy itself refuses more.
const FILES_MAX: usize = 10_000;
/// How much of a file is hashed; the policy itself refuses larger ones.
const BYTES_MAX: u64 = 64 << 20;

/// What tells cheaply that a file is as it was: where it really is, and what the system says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    target: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    mode: u32,
    owner: u32,
    is_file: bool,
}

type Looks = BTreeMap<PathBuf, Option<Look>>;

/// What the files of policies hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents(BTreeMap<PathBuf, Option<Content>>);

/// What a reload depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    hash: Vec<u8>,
    mode: u32,
    owner: u32,
}

impl Contents {
    /// What the files that `configs` name hold now. Blocks.
    pub(crate) fn of(configs: &[PolicyConfig]) -> Self {
        Self::seen(&looks(configs.iter()))
    }

    fn seen(looks: &Looks) -> Self {
        let content = |look: &Look| {
            Some(Content {
                hash: hash_of(look)?,
                mode: look.mode,
                owner: look.owner,
            })
        };
        let contents = looks
            .iter()
            .map(|(path, look)| (path.clone(), look.as_ref().and_then(content)));
        Self(contents.collect())
    }
}

/// What was seen last.
#[derive(Default)]
struct Watch {
    looks: Looks,
}

impl Watch {
    /// What the files of the policies in force hold, if any of them looks different since the last call. Blocks.
    fn touched(&mut self, channels: &Channels) -> Option<Contents> {
        let policies: Vec<_> = channels.iter().filter_map(|channel| channel.policy()).collect();
        let looks = looks(policies.iter().map(|policy| policy.config()));
        if looks == self.looks {
            return None;
        }
        self.looks = looks;
        Some(Contents::seen(&self.looks))
    }

    /// What the files hold, if that is new and something else than what was read last. Blocks.
    fn changed(&mut self, service: &TlsService) -> Option<Contents> {
        self.touched(service.channels())
            .filter(|contents| !service.has_read(contents))
    }
}

/// Looks at the files of the policies in force until the runtime ends.
pub(crate) async fn reload_when_changed(service: Arc<TlsService>, audit: Arc<AuditLog>) {
    let mut watch = Watch::default();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let (service, audit) = (Arc::clone(&service), Arc::clone(&audit));
        let looked = tokio::task::spawn_blocking(move || {
            look(&mut watch, &service, &audit);
            watch
        });
        match looked.await {
            Ok(seen) => watch = seen,
            Err(error) => {
                tracing::error!(%error, "the certificate files are no longer watched");
                return;
            }
        }
    }
}

fn look(watch: &mut Watch, service: &TlsService, audit: &AuditLog) {
    let Some(mut contents) = watch.changed(service) else {
        return;
    };
    for _ in 0..SETTLE_TRIES {
        std::thread::sleep(SETTLE_TIME);
        match watch.touched(service.channels()) {
            Some(newer) => contents = newer,
            None => break,
        }
    }
    // Somebody may have been faster, or has put the old ones back.
    if service.has_read(&contents) {
        return;
    }
    tracing::info!("certificate files have changed and are read again");
    reload_and_record(service, With::InForce, "files have changed", audit);
}

/// Reads the policies again for another reason than a user's, and records what came of it. Blocks.
pub(crate) fn reload_and_record(service: &TlsService, with: With, reason: &str, audit: &AuditLog) {
    let outcome = service.reload(with);
    let event = match &outcome {
        Ok(generation) => {
            Event::new(Action::TlsPoliciesReloaded, Outcome::Success).with_detail("generation", &generation.to_string())
        }
        Err(reasons) => Event::new(Action::TlsPoliciesReloaded, Outcome::Failure).with_detail("reason", reasons),
    };
    if let Err(error) = audit.record(event.with_detail("trigger", reason)) {
        tracing::error!(%error, "a reload of the TLS policies could not be audited");
    }
}

fn looks<'a>(configs: impl Iterator<Item = &'a PolicyConfig>) -> Looks {
    let paths = configs.flat_map(paths);
    paths
        .map(|path| {
            let seen = look_at(&path);
            (path, seen)
        })
        .collect()
}

fn paths(config: &PolicyConfig) -> Vec<PathBuf> {
    let mut paths = vec![config.private_key.clone(), config.public_certificate.clone()];
    let folders = [&config.trusted_directory, &config.revoked_directory];
    for folder in folders.into_iter().flatten() {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        paths.extend(entries.take(FILES_MAX).map(|entry| entry.path()));
        // Without the folder a reload would fail.
        paths.push(folder.clone());
    }
    paths
}

fn look_at(path: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    let is_folder = metadata.is_dir();
    // What a folder holds is looked at by itself.
    let of_file = |value: i64| if is_folder { 0 } else { value };
    Some(Look {
        target: fs::canonicalize(path).ok()?,
        device: metadata.dev(),
        inode: metadata.ino(),
        size: if is_folder { 0 } else { metadata.size() },
        modified: (of_file(metadata.mtime()), of_file(metadata.mtime_nsec())),
        changed: (of_file(metadata.ctime()), of_file(metadata.ctime_nsec())),
        mode: metadata.mode(),
        owner: metadata.uid(),
        is_file: metadata.is_file(),
    })
}

/// `None` for what cannot be read. Of folders, pipes and the like nothing is read: no policy accepts them as files.
fn hash_of(look: &Look) -> Option<Vec<u8>> {
    if !look.is_file {
        return Some(Vec::new());
    }
    let mut context = Context::new(&SHA256);
    let mut buffer = zeroize::Zeroizing::new([0; 8 * 1024]);
    let mut file = File::open(&look.target).ok()?.take(BYTES_MAX);
    loop {
        let count = file.read(buffer.as_mut()).ok()?;
        if count == 0 {
            return Some(context.finish().as_ref().to_vec());
        }
        context.update(buffer.get(..count)?);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::tls_service::tests::Home;

    #[test]
    fn only_content_and_permissions_count() {
        let home = Home::with_policy();
        let service = home.service();
        let mut watch = Watch::default();
        let mut is_new = || {
            let is_new = watch.changed(&service).is_some();
            assert!(watch.changed(&service).is_none(), "once is enough");
            is_new
        };
        assert!(!is_new());
        let certificate = home.folder.join("public.crt");
        let text = fs::read(&certificate).unwrap();
        fs::remove_file(&certificate).unwrap();
        fs::write(&certificate, &text).unwrap();
        fs::set_permissions(&certificate, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(!is_new(), "the same content");
        fs::write(&certificate, "other").unwrap();
        assert!(is_new());
        fs::write(&certificate, &text).unwrap();
        assert!(!is_new(), "what is in force is back");
        fs::set_permissions(home.folder.join("private.key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(is_new());
        fs::write(home.folder.join("revoked/list.crl"), "").unwrap();
        assert!(is_new());
        fs::remove_dir_all(home.folder.join("revoked")).unwrap();
        assert!(is_new());
    }

    #[test]
    fn what_changed_while_the_server_started_is_noticed_and_what_somebody_else_reloaded_is_not() {
        let home = Home::with_policy();
        let service = home.service();
        home.make_certificate(&home.folder);
        let mut watch = Watch::default();
        assert!(watch.changed(&service).is_some());
        assert_eq!(service.reload(With::Current), Ok(2));
        assert!(Watch::default().changed(&service).is_none());
        fs::write(home.folder.join("public.crt"), "other").unwrap();
        assert!(service.reload(With::InForce).is_err());
        assert!(watch.changed(&service).is_none(), "it failed already");
    }

    #[test]
    fn a_reload_by_somebody_else_while_files_come_to_rest_is_not_repeated() {
        let home = Home::with_policy();
        let service = home.service();
        let scratch = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(scratch.path()).unwrap();
        home.make_certificate(&home.folder);
        let mut watch = Watch::default();
        std::thread::scope(|scope| {
            scope.spawn(|| look(&mut watch, &service, &audit));
            std::thread::sleep(SETTLE_TIME / 2);
            assert_eq!(service.reload(With::Current), Ok(2));
        });
        assert_eq!(service.channels().generation(), 2);
    }

    #[test]
    fn a_folder_that_is_swapped_by_a_link_is_noticed() {
        let home = Home::with_policy();
        let mounted = home.folder.with_file_name("..2026_1");
        fs::rename(&home.folder, &mounted).unwrap();
        let data = home.folder.with_file_name("..data");
        symlink("..2026_1", &data).unwrap();
        symlink("..data", &home.folder).unwrap();
        let service = home.service();
        let mut watch = Watch::default();
        assert!(watch.changed(&service).is_none());
        let next = home.folder.with_file_name("..2026_2");
        home.make_certificate(&next);
        let staged = home.folder.with_file_name("..data_new");
        symlink("..2026_2", &staged).unwrap();
        fs::rename(&staged, &data).unwrap();
        assert!(watch.changed(&service).is_some());
        assert_eq!(service.reload(With::InForce), Ok(2));
    }
}
