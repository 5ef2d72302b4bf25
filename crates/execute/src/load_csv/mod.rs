//! `LOAD CSV`: where its bytes come from, and how they become rows.
//!
//! INVARIANT: nothing is read but regular files below the import folder and, if allowed, public addresses; and what is
//! refused looks the same whether it exists or not.

mod file;
mod import;
mod reader;
mod remote;

use std::io::Read;
use std::sync::Arc;

use bastide_status::{Code, Status};

pub use import::{ImportSettings, ImportSource};
pub(crate) use reader::CsvRows;

/// Where `LOAD CSV` reads. Implementors decide what may be read.
pub trait CsvSource: Send + Sync {
    /// Opens a URL as written in the query.
    fn open(&self, url: &str) -> Result<CsvStream, Status>;
}

/// An open source.
pub struct CsvStream {
    /// What `file()` answers.
    pub name: Arc<str>,
    /// The bytes.
    pub bytes: Box<dyn Read + Send>,
}

/// Reads nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCsv;

impl CsvSource for NoCsv {
    fn open(&self, url: &str) -> Result<CsvStream, Status> {
        Err(refused(url).with_advice("LOAD CSV is not available here"))
    }
}

/// The one answer to everything that cannot or may not be read.
pub(crate) fn refused(url: &str) -> Status {
    Status::new(
        Code::ExternalResourceFailed,
        format!("cannot load from URL '{}'", shortened(url)),
    )
}

/// The longest part of a URL that errors repeat, in characters.
const URL_SHOWN_CHARACTERS: usize = 200;

fn shortened(url: &str) -> String {
    let mut shown: String = url.chars().take(URL_SHOWN_CHARACTERS).collect();
    if shown.len() < url.len() {
        shown.push('…');
    }
    shown
}
