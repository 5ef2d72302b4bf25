//! Putting a folder that was made beside another in its place, at once.
//!
//! INVARIANT: whenever the machine stops, the place holds the old folder or the new one, each whole.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Makes a folder and everything in it durable. Symbolic links are not followed.
///
/// # Errors
/// Any error of the operating system.
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    fs::File::open(folder)?.sync_all()
}

/// Puts `new`, which must be durable, at `place`, durably. If there is a folder, the two are exchanged in one step, and
/// `new` is then the path of the old one; says whether that was so.
///
/// # Errors
/// Any error of the operating system, such as `InvalidInput` or `Unsupported` from a file system that cannot exchange
/// folders; nothing was changed then.
pub fn put_folder_in_place(new: &Path, place: &Path) -> io::Result<bool> {
    let exists = match fs::symlink_metadata(place) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let flags = if exists {
        RenameFlags::EXCHANGE
    } else {
        RenameFlags::NOREPLACE
    };
    renameat_with(CWD, new, CWD, place, flags)?;
    for folder in [place.parent(), new.parent()].into_iter().flatten() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_nothing_or_of_another() {
        let scratch = tempfile::tempdir().unwrap();
        let (place, aside) = (scratch.path().join("place"), scratch.path().join("aside"));
        let make = |path: &Path, content: &str| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), content).unwrap();
            sync_tree(path).unwrap();
        };
        let content = |path: &Path| fs::read_to_string(path.join("file")).unwrap();
        make(&aside, "first");
        assert!(!put_folder_in_place(&aside, &place).unwrap());
        assert!(!aside.exists() && content(&place) == "first");
        make(&aside, "second");
        assert!(put_folder_in_place(&aside, &place).unwrap());
        assert_eq!(
            (content(&place).as_str(), content(&aside).as_str()),
            ("second", "first")
        );
    }
}
