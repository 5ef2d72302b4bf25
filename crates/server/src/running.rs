//! The running server: listeners, checkpoints, and stopping in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bastide_audit::AuditLog;
use bastide_backup::BackupServer;
use bastide_bolt_server::BoltServer;
use bastide_database::Dbms;
use bastide_http_api::{Discovery, HttpServer, QueryConfig, QueryLimits};
use bastide_metrics::Endpoint;
use bastide_settings::{AdvertisedAddress, Setting, Settings, SocketAddress, names};
use bastide_tls::{Channel, Channels, DEVELOPMENT_CA_FILE, HttpFetch, Stapler};
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::bolt_backend::{BoltBackend, Routing};
use crate::bolt_events::BoltEvents;
use crate::certificate_identity::certificate_identity;
use crate::check::CheckedConfiguration;
use crate::ready_file::{BoundAddresses, ReadyFile};
use crate::report::{self, Addresses};
use crate::signals::StopSignals;
use crate::start::{StartError, open};
use crate::tls_policies;
use crate::tls_service::{TlsService, With};
use crate::{audit_events, first_start, listeners, metrics, wire_settings};
use crate::{tls_warnings, tls_watch};

/// How long threads that do not listen may keep the process.
pub(crate) const RUNTIME_END_TIME: Duration = Duration::from_secs(5);
/// How long backups that were cut may take to let go of what they hold.
const BACKUP_GRACE: Duration = Duration::from_secs(5);
/// How often it is asked whether a checkpoint is due.
const CHECKPOINT_LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Bound, and not yet served.
struct Bound {
    bolt: Vec<TcpListener>,
    https: Vec<TcpListener>,
    http: Vec<TcpListener>,
    backup: Vec<TcpListener>,
    metrics: Vec<TcpListener>,
    addresses: BoundAddresses,
}

/// Runs until a signal comes.
pub(crate) async fn run(checked: CheckedConfiguration) -> Result<(), StartError> {
    // Addresses first: they fail fast, and a client that comes early waits instead of being refused.
    let bound = bind_all(&checked.settings).await?;
    let addresses = bound.addresses;
    let hangups = StopSignals::hangup().map_err(StartError::Runtime)?;
    let tls = tls_service(&checked)?;
    let opened = Arc::clone(&tls);
    let (checked, audit, dbms) = tokio::task::spawn_blocking(move || {
        open(&checked, &opened, addresses.bolt).map(|(audit, dbms)| (checked, audit, dbms))
    })
    .await
    .map_err(|error| StartError::Runtime(error.into()))??;
    let shown = shown_addresses(&checked, addresses);
    let is_first = tokio::task::block_in_place(|| first_start::user(&dbms, &audit, &checked.settings, &shown))?;
    let mut signals = StopSignals::listen().map_err(StartError::Runtime)?;
    let is_ready = Arc::new(AtomicBool::new(false));
    let _stapler = start_stapling(&checked.settings, &tls).await;
    let servers = Servers::start(bound, checked, &tls, &shown, &dbms, &audit, &is_ready)?;
    look_after_tls(&tls, &audit, hangups);
    tokio::task::block_in_place(|| audit_events::record_started(&audit, addresses))?;
    let checkpoints = tokio::spawn(checkpoint_now_and_then(Arc::clone(&dbms)));
    let run_folder = servers.settings.path(names::SERVER_DIRECTORIES_RUN);
    is_ready.store(true, Ordering::Release);
    let ready_file = ReadyFile::write(&run_folder, addresses).map_err(|source| StartError::Folder {
        path: run_folder.clone(),
        source,
    })?;
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(bolt = ?addresses.bolt, https = ?addresses.https, http = ?addresses.http, backup = ?addresses.backup, "ready");
    // People who closed standard output do not need to read it.
    let _ = if is_first { Ok(()) } else { report::ready(&shown) };

    let signal = signals.next().await;
    tracing::info!(signal, "stopping: no new connections; running transactions may end");
    signals.end_process_at_next();
    notify(&[sd_notify::NotifyState::Stopping]);
    is_ready.store(false, Ordering::Release);
    drop(ready_file);
    checkpoints.abort();
    servers.stop(&dbms).await;
    tokio::task::block_in_place(|| audit_events::record_stopped(&audit, signal))?;
    // Closing the stores blocks.
    let closed = tokio::task::spawn_blocking(move || drop(dbms)).await;
    if let Err(error) = closed {
        tracing::error!(%error, "the databases could not be closed in order; nothing acknowledged is lost");
    }
    tracing::info!("stopped");
    Ok(())
}

fn tls_service(checked: &CheckedConfiguration) -> Result<Arc<TlsService>, StartError> {
    let channels = match &checked.policies.channels {
        Some(channels) => Arc::clone(channels),
        None => {
            let none = Channels::load(Vec::new(), 0);
            Arc::new(none.map_err(|_| StartError::Certificates("there are none".to_owned()))?)
        }
    };
    let read = checked.policies.read.clone();
    Ok(TlsService::new(checked.settings.clone(), channels, read))
}

/// Asks for OCSP responses before anybody is accepted; what it returns keeps asking while it lives.
async fn start_stapling(settings: &Settings, tls: &TlsService) -> Option<Stapler> {
    let scopes = tls_warnings::stapled_scopes(settings).to_vec();
    if scopes.is_empty() {
        return None;
    }
    Some(Stapler::start(Arc::clone(tls.channels()), scopes, Arc::new(HttpFetch)).await)
}

/// Reads certificates again when their files change and on SIGHUP, and says daily what ends soon.
fn look_after_tls(tls: &Arc<TlsService>, audit: &Arc<AuditLog>, mut hangups: Signal) {
    tokio::spawn(tls_warnings::log_daily(Arc::clone(tls)));
    let is_enabled = tls.is_reload_enabled();
    if is_enabled {
        tokio::spawn(tls_watch::reload_when_changed(Arc::clone(tls), Arc::clone(audit)));
    }
    let (tls, audit) = (Arc::clone(tls), Arc::clone(audit));
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            if !is_enabled {
                let setting = names::DBMS_SECURITY_TLS_RELOAD_ENABLED.name();
                tracing::warn!("SIGHUP: certificates are not read again, since `{setting}` is false");
                continue;
            }
            tracing::info!("SIGHUP: certificates are read again");
            let (tls, audit) = (Arc::clone(&tls), Arc::clone(&audit));
            let reloading = tokio::task::spawn_blocking(move || {
                tls_watch::reload_and_record(&tls, With::Current, "SIGHUP", &audit)
            });
            if let Err(error) = reloading.await {
                tracing::error!(%error, "a reload did not end");
            }
        }
    });
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    // Without systemd there is nobody to tell, which is no error.
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be notified");
    }
}

async fn bind_all(settings: &Settings) -> Result<Bound, StartError> {
    let bind = async |enabled: Setting<bool>, setting: Setting<SocketAddress>| {
        if !settings.value(enabled) {
            return Ok(Vec::new());
        }
        let address = settings.listen_address(setting);
        listeners::bind(&address).await.map_err(|source| StartError::Listen {
            address: address.to_string(),
            setting: setting.name(),
            source,
        })
    };
    let bolt = bind(names::SERVER_BOLT_ENABLED, names::SERVER_BOLT_LISTEN_ADDRESS).await?;
    let https = bind(names::SERVER_HTTPS_ENABLED, names::SERVER_HTTPS_LISTEN_ADDRESS).await?;
    let http = bind(names::SERVER_HTTP_ENABLED, names::SERVER_HTTP_LISTEN_ADDRESS).await?;
    let backup = bind(names::SERVER_BACKUP_ENABLED, names::SERVER_BACKUP_LISTEN_ADDRESS).await?;
    let metrics = bind(
        names::SERVER_METRICS_PROMETHEUS_ENABLED,
        names::SERVER_METRICS_PROMETHEUS_ENDPOINT,
    )
    .await?;
    let addresses = BoundAddresses {
        bolt: first(&bolt),
        https: first(&https),
        http: first(&http),
        backup: first(&backup),
        metrics: first(&metrics),
    };
    Ok(Bound {
        bolt,
        https,
        http,
        backup,
        metrics,
        addresses,
    })
}

fn first(listeners: &[TcpListener]) -> Option<SocketAddr> {
    listeners.first().and_then(|listener| listener.local_addr().ok())
}

fn shown_addresses(checked: &CheckedConfiguration, bound: BoundAddresses) -> Addresses {
    let settings = &checked.settings;
    let shown = |setting, bound: Option<SocketAddr>| {
        let address: AdvertisedAddress = settings.advertised_address(setting);
        bound.map(|bound| wire_settings::advertised(&address, bound))
    };
    let is_development = checked.policies.any_development();
    let authority = tls_policies::development_folder(settings).join(DEVELOPMENT_CA_FILE);
    Addresses {
        bolt: shown(names::SERVER_BOLT_ADVERTISED_ADDRESS, bound.bolt),
        bolt_encrypted: checked.policies.channel("bolt").is_some(),
        https: shown(names::SERVER_HTTPS_ADVERTISED_ADDRESS, bound.https),
        http: shown(names::SERVER_HTTP_ADVERTISED_ADDRESS, bound.http),
        development_authority: is_development.then_some(authority),
    }
}

/// What serves clients.
struct Servers {
    settings: Settings,
    bolt: Option<BoltServer>,
    http: HttpServer,
    backup: Option<BackupServer>,
    _metrics: Vec<Endpoint>,
}

impl Servers {
    fn start(
        bound: Bound,
        checked: CheckedConfiguration,
        tls: &Arc<TlsService>,
        shown: &Addresses,
        dbms: &Arc<Dbms>,
        audit: &Arc<AuditLog>,
        is_ready: &Arc<AtomicBool>,
    ) -> Result<Self, StartError> {
        let CheckedConfiguration { settings, policies } = checked;
        let (bolt_tls, https_tls) = (policies.channel("bolt"), policies.channel("https"));
        let bolt = match &shown.bolt {
            Some(address) => Some(start_bolt(bound.bolt, &settings, address, bolt_tls, dbms, audit)?),
            None => None,
        };
        let listeners = bound
            .https
            .into_iter()
            .map(|listener| (listener, https_tls.clone()))
            .chain(bound.http.into_iter().map(|listener| (listener, None)))
            .collect();
        let backup = match policies.channel("backup") {
            Some(channel) if !bound.backup.is_empty() => {
                let config = bastide_backup::Config::default();
                let server = BackupServer::start(bound.backup, channel, config, Arc::clone(dbms));
                Some(server.map_err(|error| StartError::Listener(error.into()))?)
            }
            _ => None,
        };
        let metrics = metrics::endpoints(bound.metrics, tls, bolt.as_ref(), dbms, audit);
        let config = Arc::new(http_config(&settings, shown, dbms, audit, is_ready));
        let http = HttpServer::start(listeners, &config).map_err(|error| StartError::Listener(error.into()))?;
        Ok(Self {
            settings,
            bolt,
            http,
            backup,
            _metrics: metrics,
        })
    }

    /// Closes the listeners, lets transactions end for the grace period and ends them after it.
    async fn stop(self, dbms: &Arc<Dbms>) {
        let grace = wire_settings::grace(&self.settings);
        let ending = Arc::clone(dbms);
        let ends = tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            let running = ending.running_transactions();
            if running > 0 {
                tracing::warn!(transactions = running, "the grace period is over: ending transactions");
                ending.terminate_transactions();
            }
        });
        let bolt = async {
            if let Some(bolt) = self.bolt {
                bolt.stop(grace).await;
            }
        };
        let backup = async {
            if let Some(backup) = self.backup {
                backup.stop(BACKUP_GRACE).await;
            }
        };
        futures::join!(bolt, self.http.stop(grace), backup);
        ends.abort();
    }
}

fn start_bolt(
    listeners: Vec<TcpListener>,
    settings: &Settings,
    address: &str,
    tls: Option<Arc<Channel>>,
    dbms: &Arc<Dbms>,
    audit: &Arc<AuditLog>,
) -> Result<BoltServer, StartError> {
    let is_address_set = settings.is_explicitly_set(names::SERVER_BOLT_ADVERTISED_ADDRESS)
        || settings.is_explicitly_set(names::SERVER_DEFAULT_ADVERTISED_ADDRESS);
    let routing = Routing {
        address: address.to_owned(),
        is_address_set,
        time_to_live: settings.value(names::DBMS_ROUTING_TTL),
    };
    let backend = BoltBackend {
        dbms: Arc::clone(dbms),
        authentication_enabled: settings.value(names::DBMS_SECURITY_AUTH_ENABLED),
        certificates: tls.clone().filter(|_| wire_settings::certificates_log_in(settings)),
        routing: Arc::new(routing),
    };
    let config = bastide_bolt_server::Config {
        tls,
        advertised_address: Some(address.to_owned()),
        ..wire_settings::bolt(settings)
    };
    let events = Arc::new(BoltEvents::new(Arc::clone(audit)));
    BoltServer::start(listeners, config, Arc::new(backend), events).map_err(|error| StartError::Listener(error.into()))
}

fn http_config(
    settings: &Settings,
    shown: &Addresses,
    dbms: &Arc<Dbms>,
    audit: &Arc<AuditLog>,
    is_ready: &Arc<AtomicBool>,
) -> bastide_http_api::Config {
    let (audit, is_ready) = (Arc::clone(audit), Arc::clone(is_ready));
    bastide_http_api::Config {
        discovery: Discovery {
            bolt_routing: shown.uri("neo4j"),
            bolt_direct: shown.uri("bolt"),
            neo4j_version: wire_settings::neo4j_version(settings),
            neo4j_edition: "community".to_owned(),
        },
        ready: Arc::new(move || is_ready.load(Ordering::Acquire) && audit.is_healthy()),
        security_contact: None,
        https_address: shown.https.clone(),
        http_address: shown.http.clone(),
        strict_transport_security: wire_settings::strict_transport_security(settings),
        limits: wire_settings::http_limits(settings),
        query: QueryConfig {
            dbms: Arc::clone(dbms),
            authentication_enabled: settings.value(names::DBMS_SECURITY_AUTH_ENABLED),
            certificate_identity: wire_settings::certificates_log_in(settings).then_some(certificate_identity),
            limits: QueryLimits::default(),
        },
    }
}

/// Writes checkpoints when so many commits were made, and of whatever changed when so much time went by.
async fn checkpoint_now_and_then(dbms: Arc<Dbms>) {
    let mut ticks = interval(CHECKPOINT_LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        ticks.tick().await;
        let is_time = last.elapsed() >= dbms.checkpoint_interval();
        if is_time {
            last = Instant::now();
        }
        let working = Arc::clone(&dbms);
        match tokio::task::spawn_blocking(move || working.checkpoint(!is_time)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(databases)) => tracing::info!(databases, "checkpoint written"),
            Ok(Err((database, error))) => {
                tracing::error!(%database, %error, "a checkpoint failed; the former one and the log are whole");
            }
            Err(error) => tracing::error!(%error, "a checkpoint did not end"),
        }
    }
}
