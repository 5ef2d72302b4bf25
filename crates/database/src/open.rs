//! Opening everything: keys, stores, graphs, users.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bastide_execute::{CsvSource, ImportSettings, ImportSource, NoCsv, ProcedureRegistry};
use bastide_graph::Graph;
use bastide_model::GraphError;
use bastide_secret::SecretString;
use bastide_security::{Authority, AuthorityConfig, Lockout, PasswordHash, User, UserName};
use bastide_status::{Code, Result, Status};
use bastide_store::{DatabaseStore, FileSystem, KeyError, KeyRing, LocalFileSystem, StoreError, StoreOptions};
use tokio::sync::Semaphore;

use crate::auditor::Auditor;
use crate::catalogue;
use crate::configuration::Configuration;
use crate::dbms::{Database, Dbms};
use crate::plan_cache::PlanCache;
use crate::registry::Registry;
use crate::users::{UserStoreError, Users};
use crate::{SYSTEM_DATABASE, administration, restore};

/// Why the databases could not be opened. The message of each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The key-encryption key.
    #[error("the encryption key cannot be used")]
    Key(#[from] KeyError),
    /// A database's files.
    #[error("database `{database}` cannot be opened")]
    Store {
        /// Which.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A database's content.
    #[error("database `{database}` cannot be recovered")]
    Graph {
        /// Which.
        database: String,
        /// Why.
        #[source]
        source: bastide_graph::OpenError,
    },
    /// The system database.
    #[error("the system database cannot be used")]
    System(#[from] GraphError),
    /// A folder holds another database than the system database.
    #[error(
        "`databases/{SYSTEM_DATABASE}` in the data folder holds another database: put the folders back where they were"
    )]
    NotSystem,
    /// The system database is empty though it was not.
    #[error("`{}` has lost its content, though there are other databases: users and passwords were in it; restore it", folder.display())]
    SystemLost {
        /// Where it should be.
        folder: PathBuf,
    },
    /// A database that was there is gone.
    #[error("`{}` is missing, though the system database knows of it; restore it", folder.display())]
    Missing {
        /// Where it should be.
        folder: PathBuf,
    },
    /// The users in it.
    #[error("the users cannot be read")]
    Users(#[from] UserStoreError),
    /// A folder could not be made.
    #[error("cannot create `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No randomness.
    #[error("the system gives no random numbers")]
    Random,
}

/// The file of a database that holds its sealed key.
const SEALED_KEY: &str = "keys";

pub(crate) struct Opener {
    file_system: Arc<dyn FileSystem>,
    keys: Option<Arc<KeyRing>>,
    root: Option<PathBuf>,
}

impl Opener {
    fn new(configuration: &Configuration) -> std::result::Result<Self, OpenError> {
        let Some(data) = &configuration.data_directory else {
            return Ok(Self {
                file_system: Arc::new(LocalFileSystem),
                keys: None,
                root: None,
            });
        };
        let (keys, root) = keys_and_root(data, &configuration.key_file)?;
        restore::remove_leftovers(&root);
        Ok(Self {
            file_system: Arc::new(LocalFileSystem),
            keys: Some(keys),
            root: Some(root),
        })
    }

    /// Opens databases of a data folder, for a restore; also gives the keys and the folder of the databases.
    pub(crate) fn at(data: &Path, key_file: &Path) -> std::result::Result<(Self, Arc<KeyRing>, PathBuf), OpenError> {
        let (keys, root) = keys_and_root(data, key_file)?;
        let opener = Self {
            file_system: Arc::new(LocalFileSystem),
            keys: Some(Arc::clone(&keys)),
            root: Some(root.clone()),
        };
        Ok((opener, keys, root))
    }

    pub(crate) fn open(&self, name: &str) -> std::result::Result<Graph, OpenError> {
        let (Some(root), Some(keys)) = (&self.root, &self.keys) else {
            return Ok(Graph::in_memory());
        };
        let (store, recovered) = DatabaseStore::open(
            &root.join(name),
            Arc::clone(&self.file_system),
            keys,
            StoreOptions::default(),
        )
        .map_err(|source| OpenError::Store {
            database: name.to_owned(),
            source,
        })?;
        if let Some(torn) = &recovered.torn_tail {
            tracing::warn!(
                database = name,
                ?torn,
                "the log ended in an unfinished record, which was cut off"
            );
        }
        Graph::open(store, recovered).map_err(|source| OpenError::Graph {
            database: name.to_owned(),
            source,
        })
    }
}

impl Opener {
    /// Refuses what cannot be the system database. Its first commit is its own entry, made before any other database is.
    fn check_system(&self, system: &Graph) -> std::result::Result<(), OpenError> {
        let Some(root) = &self.root else { return Ok(()) };
        if system.last_commit_id().0 > 0 {
            let is_system = catalogue::contains(system, SYSTEM_DATABASE)?;
            return if is_system { Ok(()) } else { Err(OpenError::NotSystem) };
        }
        let folder = root.join(SYSTEM_DATABASE);
        if sealed_keys(root).iter().any(|file| !file.starts_with(&folder)) {
            return Err(OpenError::SystemLost { folder });
        }
        Ok(())
    }

    /// Refuses to make a database anew that there was before; it gets its entry only once it is there.
    fn check_present(&self, system: &Graph, name: &str) -> std::result::Result<(), OpenError> {
        let Some(root) = &self.root else { return Ok(()) };
        let folder = root.join(name);
        if catalogue::contains(system, name)? && !folder.exists() {
            return Err(OpenError::Missing { folder });
        }
        Ok(())
    }
}

fn keys_and_root(data: &Path, key_file: &Path) -> std::result::Result<(Arc<KeyRing>, PathBuf), OpenError> {
    let root = data.join("databases");
    create_folder(&root)?;
    // A key made now could not open what an earlier one sealed; it would only hide that the earlier one was lost.
    let keys = if sealed_keys(&root).is_empty() {
        KeyRing::load_or_create(&LocalFileSystem, key_file)?
    } else {
        KeyRing::load(&LocalFileSystem, key_file)?
    };
    Ok((Arc::new(keys), root))
}

/// The keys of databases that are sealed with the key-encryption key.
fn sealed_keys(root: &Path) -> Vec<PathBuf> {
    let databases = std::fs::read_dir(root).into_iter().flatten().flatten();
    databases
        .map(|database| database.path().join(SEALED_KEY))
        .filter(|file| file.exists())
        .collect()
}

fn create_folder(path: &Path) -> std::result::Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| OpenError::Folder {
            path: path.to_owned(),
            source,
        })
}

pub(crate) fn random<const N: usize>() -> std::result::Result<[u8; N], OpenError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| OpenError::Random)?;
    Ok(bytes)
}

impl Dbms {
    /// Opens, or on a first start makes, all databases. Blocks until they are recovered.
    ///
    /// # Errors
    /// What cannot be opened, with the file and the reason; nothing is changed then.
    pub fn open(configuration: Configuration, auditor: Arc<dyn Auditor>) -> std::result::Result<Arc<Self>, OpenError> {
        let opener = Opener::new(&configuration)?;
        let system = Arc::new(opener.open(SYSTEM_DATABASE)?);
        opener.check_system(&system)?;
        opener.check_present(&system, &configuration.default_database)?;
        let mut databases = BTreeMap::new();
        for name in [SYSTEM_DATABASE, &configuration.default_database] {
            let graph = if name == SYSTEM_DATABASE {
                Graph::clone(&system)
            } else {
                opener.open(name)?
            };
            let entry = catalogue::entry(&system, name, random()?)?;
            let name: Arc<str> = name.into();
            databases.insert(
                Arc::clone(&name),
                Arc::new(Database::new(name, entry.id, entry.created, graph)),
            );
        }
        let users = Users::open(system)?;
        let cache = AuthorityConfig {
            cache_capacity: configuration.login_cache_capacity,
            cache_time_to_live: configuration.login_cache_time_to_live,
        };
        let empty = Database::new(
            SYSTEM_DATABASE.into(),
            "".into(),
            std::time::SystemTime::now(),
            Graph::in_memory(),
        );
        Ok(Arc::new(Self {
            databases,
            empty: Arc::new(empty),
            users,
            authority: Authority::new(cache, &random()?),
            lockout: Lockout::new(configuration.lockout),
            auditor,
            plans: PlanCache::new(configuration.plan_cache_capacity),
            registry: Registry::new(configuration.transactions_max),
            procedures: Arc::new(allowed_procedures(&configuration.procedures_allowed)),
            csv_source: csv_source(&configuration),
            logins: Semaphore::new(configuration.login_queue_max),
            started: Instant::now(),
            configuration,
        }))
    }

    /// Creates the first user. For a first start only.
    ///
    /// # Errors
    /// If there are users already, or the name cannot be one.
    pub fn create_first_user(&self, name: &str, credential: PasswordHash, change_required: bool) -> Result<()> {
        let name: UserName = name
            .parse()
            .map_err(|error: bastide_security::InvalidUserName| Status::new(Code::ArgumentError, error.to_string()))?;
        self.users.exclusively(|users| {
            if !self.users.is_empty() {
                return Err(Status::new(Code::ArgumentError, "there are users already"));
            }
            let user = User {
                name,
                credential,
                password_change_required: change_required,
                suspended: false,
                administrator: true,
                home_database: None,
            };
            users
                .put(user)
                .map_err(|error| Status::new(Code::StorageFailed, error.to_string()))
        })
    }

    /// Hashes a password for [`Dbms::create_first_user`].
    ///
    /// # Errors
    /// If it is longer than any password may be.
    pub fn hash_password(password: &SecretString) -> Result<PasswordHash> {
        administration::hash(password)
    }

    /// Writes a checkpoint of every database that changed enough since its last one. Blocks; to be called now and then.
    ///
    /// # Errors
    /// What failed, with the database's name; the former checkpoint and the log are whole then.
    pub fn checkpoint(&self, only_if_due: bool) -> std::result::Result<u32, (Arc<str>, GraphError)> {
        let mut written = 0;
        for database in self.databases.values() {
            let (bytes, commits) = (
                database.graph.bytes_since_checkpoint(),
                database.commits_since_checkpoint(),
            );
            let is_due =
                bytes >= self.configuration.checkpoint_bytes || commits >= self.configuration.checkpoint_commits;
            if bytes == 0 || (only_if_due && !is_due) {
                continue;
            }
            let commit = database
                .graph
                .checkpoint()
                .map_err(|error| (Arc::clone(&database.name), error))?;
            database.checkpointed.store(commit.0, Ordering::Relaxed);
            written += 1;
        }
        Ok(written)
    }

    /// How often [`Dbms::checkpoint`] should be called for whatever changed.
    pub fn checkpoint_interval(&self) -> std::time::Duration {
        self.configuration.checkpoint_interval
    }
}

/// The built-in procedures that the patterns let through; `SHOW` commands are none of theirs.
fn allowed_procedures(patterns: &[String]) -> ProcedureRegistry {
    let mut allowed = ProcedureRegistry::built_in();
    allowed.retain(|name| patterns.iter().any(|pattern| matches_pattern(pattern, name)));
    allowed
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(name),
        Some((before, after)) => {
            let Some(rest) = name.strip_prefix(before) else {
                return false;
            };
            rest.char_indices()
                .map(|(place, _)| place)
                .chain([rest.len()])
                .any(|place| rest.get(place..).is_some_and(|tail| matches_pattern(after, tail)))
        }
    }
}

fn csv_source(configuration: &Configuration) -> Arc<dyn CsvSource> {
    if configuration.import_directory.is_none() && configuration.remote_import.is_none() {
        return Arc::new(NoCsv);
    }
    Arc::new(ImportSource::new(ImportSettings {
        import_directory: configuration.import_directory.clone(),
        remote: configuration.remote_import.clone(),
        ..ImportSettings::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_procedures_may_hold_stars_anywhere() {
        for (pattern, name, fits) in [
            ("*", "db.labels", true),
            ("db.*", "db.labels", true),
            ("db.*", "dbms.info", false),
            ("*.info", "dbms.info", true),
            ("d*.l*s", "db.labels", true),
            ("db.labels", "db.labels2", false),
            ("", "db.labels", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn procedures_that_are_not_allowed_are_not_there() {
        let registry = allowed_procedures(&["db.l*".to_owned()]);
        assert!(registry.find("db.labels").is_some());
        assert!(registry.find("dbms.components").is_none());
        assert!(registry.find("show.indexes").is_some());
    }
}
