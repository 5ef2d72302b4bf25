//! From the command line to a running server.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bastide_audit::{AuditError, AuditLog};
use bastide_database::{Dbms, OpenError};
use bastide_settings::{ConfigurationFaults, HomeDirectory, HomeError, Settings, names};
use bastide_status::Status;
use tracing::Level;

use crate::check::{CheckedConfiguration, check_configuration};
use crate::exit::ExitStatus;
use crate::initial_password::InitialPasswordError;
use crate::ready_file::{HomeLock, ReadyFile};
use crate::tls_service::TlsService;
use crate::{VERSION, audit_events, first_start, folders, logging, running, wire_settings};

/// Parser and planner go deep on deep queries; both have limits that fit this stack.
const THREAD_STACK_BYTES: usize = 8 << 20;

/// How to start.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// `--home`.
    pub home: Option<PathBuf>,
    /// `--expand-commands`.
    pub expand_commands: bool,
    /// `--verbose`: log more than `server.logs.level` says.
    pub verbose: bool,
}

/// Why the server did not start, or did not stop in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Everything that is wrong with the configuration.
    #[error(transparent)]
    Configuration(#[from] ConfigurationFaults),
    /// The home cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A folder cannot be made or a file in it not be used.
    #[error("cannot use `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another server has the home.
    #[error("another server is running on the home `{}`", home.display())]
    HomeInUse {
        /// The home.
        home: PathBuf,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (`{setting}`)")]
    Listen {
        /// The address as configured.
        address: String,
        /// The setting that names it.
        setting: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A listener cannot be started.
    #[error("cannot start a listener")]
    Listener(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Development certificates could not be made.
    #[error("the development certificates could not be made: {0}")]
    Certificates(String),
    /// The audit log.
    #[error("the audit log cannot be used, and nothing runs without it")]
    Audit(#[from] AuditError),
    /// The databases.
    #[error("the data cannot be opened")]
    Open(#[from] OpenError),
    /// The initial password.
    #[error("the initial password cannot be used")]
    InitialPassword(#[from] InitialPasswordError),
    /// The first user could not be made.
    #[error("the first user could not be made: {0}")]
    FirstUser(Status),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// Standard output is closed, so a generated password could not be shown.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The runtime or signals.
    #[error("the runtime cannot be started")]
    Runtime(#[source] io::Error),
}

impl StartError {
    /// What the process ends with.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Configuration(_) => ExitStatus::ConfigurationRefused,
            Self::HomeInUse { .. } => ExitStatus::InUse,
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => ExitStatus::InUse,
            Self::Audit(AuditError::InUse { .. }) => ExitStatus::InUse,
            Self::Audit(_) | Self::Open(_) | Self::InitialPassword(_) => ExitStatus::DataRefused,
            _ => ExitStatus::Failure,
        }
    }
}

/// Runs a server until it is told to stop.
///
/// # Errors
/// Why it did not start; nothing is left running then.
pub fn start(options: &StartOptions) -> Result<(), StartError> {
    let home = HomeDirectory::from_environment(options.home.as_deref())?;
    let checked = check_configuration(&home, options.expand_commands)?;
    folders::create(&home, &checked.settings).map_err(|(path, source)| StartError::Folder { path, source })?;
    let run_folder = checked.settings.path(names::SERVER_DIRECTORIES_RUN);
    let in_run_folder = |source| StartError::Folder {
        path: run_folder.clone(),
        source,
    };
    // The lock lies in the home itself, since `run` may be anywhere.
    let lock = HomeLock::take(home.path()).map_err(|source| StartError::Folder {
        path: home.path().to_owned(),
        source,
    })?;
    let _lock = lock.ok_or_else(|| StartError::HomeInUse {
        home: home.path().to_owned(),
    })?;
    ReadyFile::remove_stale(&run_folder).map_err(in_run_folder)?;
    start_logging(&checked.settings, options)?;
    tracing::info!(version = VERSION, pid = std::process::id(), home = %home.path().display(), "starting");
    let checked = first_start::certificates(&home, checked, options.expand_commands)?;
    for warning in checked.warnings() {
        tracing::warn!("{warning}");
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime
        .enable_all()
        .thread_name("bastide")
        .thread_stack_size(THREAD_STACK_BYTES);
    if let Some(workers) = checked.settings.value(names::SERVER_THREADS_WORKER_COUNT) {
        runtime.worker_threads(usize::try_from(workers).unwrap_or(1));
    }
    let runtime = runtime.build().map_err(StartError::Runtime)?;
    let result = runtime.block_on(running::run(checked));
    // Whatever still runs holds nothing that was acknowledged.
    runtime.shutdown_timeout(running::RUNTIME_END_TIME);
    result
}

fn start_logging(settings: &Settings, options: &StartOptions) -> Result<(), StartError> {
    let level = logging::level(&settings.value(names::SERVER_LOGS_LEVEL));
    let level = if options.verbose {
        level.max(Level::DEBUG)
    } else {
        level
    };
    let folder = wire_settings::log_folder(settings);
    let to_file = settings.value(names::SERVER_LOGS_DEBUG_ENABLED);
    logging::start(level, to_file.then_some(&*folder)).map_err(|source| StartError::Folder {
        path: folder.to_path_buf(),
        source,
    })
}

/// Opens the audit log and, under it, the databases.
pub(crate) fn open(
    checked: &CheckedConfiguration,
    tls: &Arc<TlsService>,
    bolt_address: Option<std::net::SocketAddr>,
) -> Result<(Arc<AuditLog>, Arc<Dbms>), StartError> {
    let settings = &checked.settings;
    let audit = Arc::new(AuditLog::open(&wire_settings::log_folder(settings))?);
    audit_events::record_configuration(&audit, settings)?;
    let configuration = wire_settings::database(settings, tls, bolt_address);
    let began = std::time::Instant::now();
    let dbms = Dbms::open(configuration, Arc::clone(&audit) as Arc<dyn bastide_database::Auditor>)?;
    tracing::info!(
        milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "the databases are open"
    );
    Ok((audit, dbms))
}
