//! Bringing a database back from a backup, while no server is running.
//!
//! The database is built in a folder beside the others, read back, made durable and put in its place in one step. INVARIANT:
//! whenever this is cut off, the place holds the old database or the new one, each whole; what is left of the other is
//! removed at the next start or restore. Must not know how a backup is stored or sealed.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bastide_graph::{ExportedChunk, Graph};
use bastide_model::{GraphError, GraphRead};
use bastide_security::ReadPermit;
use bastide_store::{
    ChunkChange, CommitId, DatabaseStore, FileSystem, KeyError, KeyRing, LocalFileSystem, LockGuard, StoreError,
    StoreOptions, put_folder_in_place, sync_tree,
};

use crate::SYSTEM_DATABASE;
use crate::catalogue::{self, CatalogueEntry};
use crate::open::{OpenError, Opener, random};

/// What the folder of a restore under way begins with.
const FOLDER_PREFIX: &str = ".restore-";
/// The file that keeps a second process out of a database.
const LOCK: &str = "lock";
/// Characters of a database's name.
const NAME_CHARACTERS_MAX: usize = 63;

/// What to restore, and where.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// Folder with the databases of the home.
    pub data_directory: PathBuf,
    /// The file with the key-encryption key of the home; made if the home has no database yet.
    pub key_file: PathBuf,
    /// The name that the database gets.
    pub database: String,
    /// Whether a database of that name may be replaced.
    pub overwrite: bool,
    /// The name that it had in the backup.
    pub backed_up_database: String,
    /// The id that it had, a UUID.
    pub database_id: String,
    /// When it was made.
    pub created: SystemTime,
    /// The commit whose state is restored.
    pub commit: u64,
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreStep {
    /// The folder for building is there, and the backup will be read.
    Prepared,
    /// All of the backup is on disk.
    Written,
    /// It was read back, and is the graph of that commit.
    Verified,
    /// It is durable.
    Durable,
    /// The home has a system database.
    SystemThere,
    /// The database is in its place.
    InPlace,
    /// The system database knows it.
    Entered,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many nodes it has.
    pub nodes: u64,
    /// How many relationships.
    pub relationships: u64,
    /// Whether another database was replaced.
    pub replaced: bool,
    /// Databases that the system database knows and whose folder is missing: no server starts before they are restored.
    pub missing_databases: Vec<String>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is a database of that name.
    #[error("there is a database `{database}` already; `--overwrite-destination` replaces it")]
    Exists {
        /// Its name.
        database: String,
    },
    /// The name cannot be one of a database.
    #[error(
        "`{0}` cannot be a database's name: it takes up to {NAME_CHARACTERS_MAX} letters, digits, dots, dashes and \
         underscores, and begins with a letter"
    )]
    Name(String),
    /// The system database can be restored as itself only.
    #[error(
        "the backup is of the database `{backed_up}`: the system database and others cannot take each other's place"
    )]
    SystemMismatch {
        /// The database in the backup.
        backed_up: String,
    },
    /// A server is running.
    #[error("the database `{database}` is in use: stop the server first")]
    InUse {
        /// Its name.
        database: String,
    },
    /// The backup could not be read.
    #[error("the backup cannot be used")]
    Backup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The key of the home.
    #[error("the encryption key of the home cannot be used")]
    Key(#[from] KeyError),
    /// The new database could not be written.
    #[error("the database cannot be written")]
    Store(#[from] StoreError),
    /// The new database could not be read back.
    #[error("the restored database cannot be read")]
    Graph(#[from] bastide_graph::OpenError),
    /// It is not the graph that it should be.
    #[error("the restored database is not sound: {0}")]
    Unsound(String),
    /// The home's databases.
    #[error("the databases of the home cannot be opened")]
    Home(#[from] OpenError),
    /// The system database.
    #[error("the system database cannot be used")]
    System(#[from] GraphError),
    /// The operating system refused something.
    #[error("`{}` cannot be {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it, in the passive.
        action: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database is in its place, and the system database was not told.
    #[error(
        "the restored database is in its place, but the system database does not know it yet; restore it once more"
    )]
    NotEntered(#[source] Box<RestoreError>),
    /// The caller ended it between two steps.
    #[error("it was ended by the caller")]
    Ended,
}

/// The chunks of a backup. The last one is followed by the end only if the backup was complete.
pub type BackupChunks<'a> = dyn Iterator<Item = Result<ExportedChunk, Box<dyn std::error::Error + Send + Sync>>> + 'a;

/// Restores a database. The caller holds the lock of the home, so that no server starts meanwhile. `on_step` is told each
/// step that is done and can end it there, which leaves things as a crash would. Blocks.
///
/// # Errors
/// [`RestoreError`]; the database that was there, if any, is still there then, but for [`RestoreError::NotEntered`].
pub fn restore(
    request: &RestoreRequest,
    chunks: &mut BackupChunks<'_>,
    on_step: &mut dyn FnMut(RestoreStep) -> ControlFlow<()>,
) -> Result<Restored, RestoreError> {
    let restoring = Restoring::prepare(request)?;
    let result = restoring.run(chunks, &mut |step| match on_step(step) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(RestoreError::Ended),
    });
    if !matches!(result, Err(RestoreError::Ended)) {
        restoring.clean_up();
    }
    result
}

/// Removes what restores left that were cut off. The caller holds the lock of the home.
pub(crate) fn remove_leftovers(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(FOLDER_PREFIX.as_bytes())
        {
            remove(&entry.path());
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "what a restore left could not be removed");
    }
}

struct Restoring<'a> {
    request: &'a RestoreRequest,
    name: String,
    opener: Opener,
    key_ring: Arc<KeyRing>,
    root: PathBuf,
    /// Where the database is built; its folder there has its final name, to which its key is bound.
    workshop: PathBuf,
    /// Keeps everybody out of the database that is there.
    _lock: Option<Box<dyn LockGuard>>,
}

type OnStep<'a> = dyn FnMut(RestoreStep) -> Result<(), RestoreError> + 'a;

fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Io { path, action, source }
}

impl<'a> Restoring<'a> {
    fn prepare(request: &'a RestoreRequest) -> Result<Self, RestoreError> {
        let name = database_name(&request.database)?;
        if (name == SYSTEM_DATABASE) != (request.backed_up_database == SYSTEM_DATABASE) {
            let backed_up = request.backed_up_database.clone();
            return Err(RestoreError::SystemMismatch { backed_up });
        }
        let (opener, key_ring, root) = Opener::at(&request.data_directory, &request.key_file)?;
        let place = root.join(&name);
        let exists = LocalFileSystem.exists(&place).map_err(io(&place, "examined"))?;
        if exists && !request.overwrite {
            return Err(RestoreError::Exists { database: name });
        }
        let lock = if exists { lock(&place, &name)? } else { None };
        remove_leftovers(&root);
        let workshop = root.join(format!("{FOLDER_PREFIX}{:032x}", u128::from_be_bytes(random()?)));
        Ok(Self {
            request,
            name,
            opener,
            key_ring,
            root,
            workshop,
            _lock: lock,
        })
    }

    fn run(&self, chunks: &mut BackupChunks<'_>, on_step: &mut OnStep<'_>) -> Result<Restored, RestoreError> {
        LocalFileSystem
            .create_directory(&self.workshop)
            .map_err(io(&self.workshop, "made"))?;
        on_step(RestoreStep::Prepared)?;
        let built = self.workshop.join(&self.name);
        self.write(&built, chunks)?;
        on_step(RestoreStep::Written)?;
        let graph = self.verify(&built)?;
        on_step(RestoreStep::Verified)?;
        sync_tree(&self.workshop).map_err(io(&self.workshop, "made durable"))?;
        on_step(RestoreStep::Durable)?;
        // The system database first: a home with others and without it does not start, and where it cannot be used nothing
        // is to be replaced.
        self.ensure_system()?;
        let system = self.system()?;
        on_step(RestoreStep::SystemThere)?;
        let replaced = self.put_in_place(&built, &self.name)?;
        on_step(RestoreStep::InPlace)?;
        let missing_databases = self
            .enter(&graph, system)
            .map_err(|error| RestoreError::NotEntered(Box::new(error)))?;
        on_step(RestoreStep::Entered)?;
        let snapshot = graph.begin_read(&ReadPermit::for_system_startup(&self.name));
        Ok(Restored {
            nodes: snapshot.node_count(None)?,
            relationships: snapshot.relationship_count(None)?,
            replaced,
            missing_databases,
        })
    }

    fn write(&self, built: &Path, chunks: &mut BackupChunks<'_>) -> Result<(), RestoreError> {
        let mut failed = None;
        let changes = std::iter::from_fn(|| match chunks.next()? {
            Ok((key, chunk)) => Some(ChunkChange::Put { key, chunk }),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let commit = CommitId::new(self.request.commit);
        let written = create(built, &self.key_ring, commit, changes);
        // What is wrong with the backup comes before what came of it.
        match failed {
            Some(error) => Err(RestoreError::Backup(error)),
            None => written,
        }
    }

    fn verify(&self, built: &Path) -> Result<Graph, RestoreError> {
        let file_system: Arc<dyn FileSystem> = Arc::new(LocalFileSystem);
        let (store, recovered) = DatabaseStore::open(built, file_system, &self.key_ring, StoreOptions::default())?;
        let graph = Graph::read_from(&store, recovered)?;
        store.close()?;
        let commit = graph.last_commit_id().0;
        if commit != self.request.commit {
            let text = format!("it is at commit {commit}, and the backup at {}", self.request.commit);
            return Err(RestoreError::Unsound(text));
        }
        if self.name == SYSTEM_DATABASE && !catalogue::contains(&graph, SYSTEM_DATABASE)? {
            return Err(RestoreError::Unsound("it is not a system database".to_owned()));
        }
        Ok(graph)
    }

    /// Gives a home that has none a system database without users, as a first start does.
    fn ensure_system(&self) -> Result<(), RestoreError> {
        let place = self.root.join(SYSTEM_DATABASE);
        if self.name == SYSTEM_DATABASE || LocalFileSystem.exists(&place).map_err(io(&place, "examined"))? {
            return Ok(());
        }
        let system = Graph::in_memory();
        catalogue::entry(&system, SYSTEM_DATABASE, random()?)?;
        let export = system.export(&ReadPermit::for_system_startup(SYSTEM_DATABASE));
        let changes = export.chunks_after(None, usize::MAX).into_iter();
        let changes = changes.map(|(key, chunk)| ChunkChange::Put { key, chunk });
        let built = self.workshop.join(SYSTEM_DATABASE);
        create(&built, &self.key_ring, CommitId::new(export.commit_id().0), changes)?;
        sync_tree(&built).map_err(io(&built, "made durable"))?;
        self.put_in_place(&built, SYSTEM_DATABASE).map(drop)
    }

    fn put_in_place(&self, built: &Path, name: &str) -> Result<bool, RestoreError> {
        let place = self.root.join(name);
        put_folder_in_place(built, &place).map_err(io(&place, "replaced in one step"))
    }

    /// The system database of the home; `None` if it is what is restored.
    fn system(&self) -> Result<Option<Graph>, RestoreError> {
        let is_itself = self.name == SYSTEM_DATABASE;
        Ok((!is_itself).then(|| self.opener.open(SYSTEM_DATABASE)).transpose()?)
    }

    /// Lets the system database know the restored one, under the id that it had unless the name has one already. Returns
    /// what is missing.
    fn enter(&self, restored: &Graph, system: Option<Graph>) -> Result<Vec<String>, RestoreError> {
        let is_missing = |name: &String| !self.root.join(name).exists();
        let Some(system) = system else {
            return Ok(catalogue::names(restored)?.into_iter().filter(is_missing).collect());
        };
        let new = CatalogueEntry {
            id: self.request.database_id.as_str().into(),
            created: self.request.created,
        };
        catalogue::entry_or(&system, &self.name, new)?;
        Ok(catalogue::names(&system)?.into_iter().filter(is_missing).collect())
    }

    fn clean_up(&self) {
        if self.workshop.exists() {
            remove(&self.workshop);
        }
    }
}

fn create(
    folder: &Path,
    key_ring: &KeyRing,
    commit: CommitId,
    changes: impl IntoIterator<Item = ChunkChange>,
) -> Result<(), RestoreError> {
    let file_system: Arc<dyn FileSystem> = Arc::new(LocalFileSystem);
    let created = DatabaseStore::create_at(folder, file_system, key_ring, StoreOptions::default(), commit, changes);
    Ok(created?)
}

fn lock(place: &Path, name: &str) -> Result<Option<Box<dyn LockGuard>>, RestoreError> {
    match LocalFileSystem.lock(&place.join(LOCK)) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            let database = name.to_owned();
            Err(RestoreError::InUse { database })
        }
        Err(error) => Err(io(place, "locked")(error)),
    }
}

/// The folder name of a database. Names are case-insensitive.
fn database_name(name: &str) -> Result<String, RestoreError> {
    let lowercase = name.to_ascii_lowercase();
    let fits = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let begins = lowercase.starts_with(|first: char| first.is_ascii_alphabetic());
    if begins && lowercase.chars().all(fits) && lowercase.len() <= NAME_CHARACTERS_MAX {
        Ok(lowercase)
    } else {
        Err(RestoreError::Name(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
