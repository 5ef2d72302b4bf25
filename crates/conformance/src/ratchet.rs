//! The ratchet: a case that passed must keep passing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The cases that are known to pass, one name a line.
#[derive(Debug)]
pub struct Ratchet {
    path: PathBuf,
    known: BTreeSet<String>,
}

/// How a run compares with the ratchet.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Passed before and fails now.
    pub lost: Vec<String>,
    /// Passes now and is not in the file yet.
    pub gained: Vec<String>,
}

impl Ratchet {
    /// Reads the file; a missing one is empty.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let known = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        Ok(Self {
            path: path.to_owned(),
            known,
        })
    }

    /// Compares a run with the file.
    pub fn compare(&self, passed: &BTreeSet<String>) -> Verdict {
        Verdict {
            lost: self.known.difference(passed).cloned().collect(),
            gained: passed.difference(&self.known).cloned().collect(),
        }
    }

    /// Writes the file anew.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, passed: &BTreeSet<String>) -> Result<()> {
        let mut text = String::from(
            "# TCK cases that pass. `cargo xtask tck --update` adds to it; a line is taken out only with a reason.\n",
        );
        for name in passed {
            text.push_str(name);
            text.push('\n');
        }
        std::fs::write(&self.path, text).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_lost_and_what_was_gained() {
        let folder = std::env::temp_dir().join(format!("ratchet-{}", std::process::id()));
        std::fs::write(&folder, "# note\na\nb\n").unwrap();
        let ratchet = Ratchet::read(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let verdict = ratchet.compare(&["b", "c"].map(str::to_owned).into());
        assert_eq!(
            (verdict.lost, verdict.gained),
            (vec!["a".to_owned()], vec!["c".to_owned()])
        );
    }
}
