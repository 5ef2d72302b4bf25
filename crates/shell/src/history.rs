//! The history of what was typed.
//!
//! INVARIANT: no password reaches the file or the memory of the history; the file is the person's alone (0600).

use std::fs::OpenOptions;
use std::path::Path;

use bastide_cypher::redact;
use reedline::{
    FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchDirection, SearchQuery,
};

/// Entries that are kept.
const ENTRIES_MAX: usize = 10_000;
/// Entries that `:history` shows.
const ENTRIES_SHOWN: i64 = 50;

/// Keeps entries in a file, with passwords taken out.
pub struct RedactingHistory(FileBackedHistory);

impl RedactingHistory {
    /// A history in this file, which is created if need be.
    ///
    /// # Errors
    /// A file that cannot be created or read.
    pub fn in_file(path: &Path) -> std::io::Result<Self> {
        create_private(path)?;
        FileBackedHistory::with_file(ENTRIES_MAX, path.to_owned())
            .map(Self)
            .map_err(std::io::Error::other)
    }

    /// A history that ends with the shell.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn in_memory() -> std::io::Result<Self> {
        FileBackedHistory::new(ENTRIES_MAX)
            .map(Self)
            .map_err(std::io::Error::other)
    }
}

/// The latest entries, oldest first.
pub fn latest(history: &dyn History) -> Vec<String> {
    let mut query = SearchQuery::everything(SearchDirection::Backward, None);
    query.limit = Some(ENTRIES_SHOWN);
    let mut entries: Vec<String> = history
        .search(query)
        .unwrap_or_default()
        .into_iter()
        .map(|item| item.command_line)
        .collect();
    entries.reverse();
    entries
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path).map(drop)
}

impl History for RedactingHistory {
    fn save(&mut self, mut item: HistoryItem) -> Result<HistoryItem> {
        item.command_line = redact(&item.command_line);
        self.0.save(item)
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.0.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.0.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.0.search(query)
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.0.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.0.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.0.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.0.session()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_passwords_and_a_file_that_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("history");
        let mut history = RedactingHistory::in_file(&path).unwrap();
        for text in [
            "RETURN 'kept';",
            "ALTER CURRENT USER SET PASSWORD FROM 'old-one' TO 'new-one';",
        ] {
            history.save(HistoryItem::from_command_line(text)).unwrap();
        }
        history.sync().unwrap();
        let content = std::fs::read_to_string(&path).unwrap();
        assert!(content.contains("RETURN 'kept';"), "{content}");
        assert!(
            !content.contains("old-one") && !content.contains("new-one"),
            "{content}"
        );
        assert!(latest(&history).iter().all(|entry| !entry.contains("new-one")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
