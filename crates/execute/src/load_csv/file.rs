//! Files below the import folder.
//!
//! INVARIANT: each part of the path is opened relative to the folder opened before it, and never through a symbolic link, so that
//! nothing outside the import folder is opened, whatever is renamed meanwhile.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// The most folders on the way to a file.
const DEPTH_MAX: usize = 32;

/// Opens the file that a `file:` URL names below `root`; `None` for whatever reason.
pub(super) fn open(root: &Path, url: &str) -> Option<File> {
    let parts = path_parts(url)?;
    let (name, folders) = parts.split_last()?;
    let folder_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder: OwnedFd = rustix::fs::open(root, folder_flags, Mode::empty()).ok()?;
    for part in folders {
        folder = rustix::fs::openat(&folder, part, folder_flags | OFlags::NOFOLLOW, Mode::empty()).ok()?;
    }
    // Not blocking, as opening a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::openat(&folder, name, flags, Mode::empty()).ok()?);
    file.metadata().ok()?.is_file().then_some(file)
}

/// The parts of the path, decoded; `None` if it is not one below a root.
fn path_parts(url: &str) -> Option<Vec<Vec<u8>>> {
    let rest = url.get(5..)?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_once('/')?;
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            rest.get(host.len()..)?
        }
        None => rest,
    };
    let mut parts = Vec::new();
    for part in path.strip_prefix('/')?.split('/') {
        let part = percent_decoded(part)?;
        match part.as_slice() {
            b"" | b"." => {}
            b".." => return None,
            // A decoded slash would be a way round the check above.
            part if part.contains(&b'/') || part.contains(&0) => return None,
            _ => parts.push(part),
        }
    }
    (!parts.is_empty() && parts.len() <= DEPTH_MAX).then_some(parts)
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("import")).unwrap();
        std::fs::create_dir(folder.path().join("import/sub")).unwrap();
        std::fs::write(folder.path().join("import/a b.csv"), "inside").unwrap();
        std::fs::write(folder.path().join("import/sub/c.csv"), "deeper").unwrap();
        std::fs::write(folder.path().join("secret.csv"), "outside").unwrap();
        std::os::unix::fs::symlink("../secret.csv", folder.path().join("import/link.csv")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("import/up")).unwrap();
        folder
    }

    fn read(url: &str) -> Option<String> {
        let folder = folder();
        let mut text = String::new();
        open(&folder.path().join("import"), url)?
            .read_to_string(&mut text)
            .unwrap();
        Some(text)
    }

    #[test]
    fn reads_files_below_the_folder() {
        assert_eq!(read("file:///a%20b.csv").as_deref(), Some("inside"));
        assert_eq!(read("file:/sub/c.csv").as_deref(), Some("deeper"));
        assert_eq!(read("file://localhost/sub//./c.csv").as_deref(), Some("deeper"));
    }

    #[test]
    fn reads_nothing_outside_the_folder() {
        for url in [
            "file:///../secret.csv",
            "file:///%2e%2e/secret.csv",
            "file:///sub/../../secret.csv",
            "file:///..%2fsecret.csv",
            "file:///link.csv",
            "file:///up/secret.csv",
            "file:///up/import/a%20b.csv",
            "file://elsewhere/a%20b.csv",
            "file:///etc/hostname",
            "file:///sub",
            "file:///",
            "file:///a%00b",
            "file:///a%2",
            "file:",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }

    #[test]
    fn a_pipe_is_no_file_and_does_not_block() {
        let folder = folder();
        let pipe = folder.path().join("import/pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        assert!(open(&folder.path().join("import"), "file:///pipe").is_none());
    }
}
