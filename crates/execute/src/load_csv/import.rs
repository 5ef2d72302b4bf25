//! The import folder and remote sources, by URL scheme.

use std::path::PathBuf;
use std::sync::OnceLock;

use bastide_security::RemoteAllowList;
use bastide_status::Status;

use super::remote::RemoteReader;
use super::{CsvSource, CsvStream, file, refused};

/// The longest URL.
const URL_BYTES_MAX: usize = 8 * 1024;

/// What `LOAD CSV` may read.
#[derive(Clone, Debug)]
pub struct ImportSettings {
    /// The import folder (`server.directories.import`); no files without it.
    pub import_directory: Option<PathBuf>,
    /// Which addresses beside public ones may be read over HTTP; no remote sources without it.
    pub remote: Option<RemoteAllowList>,
    /// The most bytes of a remote source.
    pub remote_bytes_max: u64,
}

impl Default for ImportSettings {
    /// Nothing at all.
    fn default() -> Self {
        Self {
            import_directory: None,
            remote: None,
            remote_bytes_max: 16 << 30,
        }
    }
}

/// Reads what its settings allow.
#[derive(Debug)]
pub struct ImportSource {
    settings: ImportSettings,
    remote: OnceLock<Option<RemoteReader>>,
}

impl ImportSource {
    /// A source with these settings.
    pub fn new(settings: ImportSettings) -> Self {
        Self {
            settings,
            remote: OnceLock::new(),
        }
    }

    fn remote(&self) -> Option<&RemoteReader> {
        let made = || {
            let allowed = self.settings.remote.clone()?;
            Some(RemoteReader::new(allowed, self.settings.remote_bytes_max))
        };
        self.remote.get_or_init(made).as_ref()
    }
}

impl CsvSource for ImportSource {
    fn open(&self, url: &str) -> Result<CsvStream, Status> {
        if url.len() > URL_BYTES_MAX {
            return Err(refused(url).with_advice(format!("a URL has at most {URL_BYTES_MAX} bytes")));
        }
        let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("file") => {
                let directory = self.settings.import_directory.as_deref();
                let directory = directory.ok_or_else(|| {
                    refused(url)
                        .with_advice("files are not allowed: `dbms.security.allow_csv_import_from_file_urls` is off")
                })?;
                let file = file::open(directory, url).ok_or_else(|| {
                    refused(url).with_advice(
                        "only regular files in the import folder can be read, without symbolic links and `..`",
                    )
                })?;
                Ok(CsvStream {
                    name: url.into(),
                    bytes: Box::new(file),
                })
            }
            Some("http" | "https") => {
                let remote = self.remote().ok_or_else(|| {
                    refused(url).with_advice(
                        "remote sources are not allowed: `dbms.security.load_csv.http_enabled=true` allows them",
                    )
                })?;
                let bytes = remote.open(url).ok_or_else(|| {
                    refused(url).with_advice(
                        "the address must answer, and be public or listed in `dbms.security.load_csv.allowed_hosts`",
                    )
                })?;
                Ok(CsvStream {
                    name: url.into(),
                    bytes,
                })
            }
            _ => Err(refused(url).with_advice("write `file:///name.csv` for a file in the import folder")),
        }
    }
}
