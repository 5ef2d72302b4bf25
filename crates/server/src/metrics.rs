//! What the server tells Prometheus of itself.

use std::sync::Arc;

use bastide_audit::AuditLog;
use bastide_bolt_server::BoltServer;
use bastide_database::Dbms;
use bastide_metrics::{Endpoint, Figures, Gauge, TlsFigures};
use tokio::net::TcpListener;

use crate::tls_service::TlsService;

/// Answers Prometheus on each of the listeners.
pub(crate) fn endpoints(
    listeners: Vec<TcpListener>,
    tls: &Arc<TlsService>,
    bolt: Option<&BoltServer>,
    dbms: &Arc<Dbms>,
    audit: &Arc<AuditLog>,
) -> Vec<Endpoint> {
    let start = |listener| {
        let mut figures = figures(bolt, Arc::clone(dbms), Arc::clone(audit));
        figures.extend(reloads(tls));
        let collectors: Vec<Box<dyn bastide_metrics::Collector>> = vec![
            Box::new(Figures(figures)),
            Box::new(TlsFigures(Arc::clone(tls.channels()))),
        ];
        Endpoint::start(listener, collectors)
    };
    listeners.into_iter().map(start).collect()
}

fn reloads(tls: &Arc<TlsService>) -> [Gauge; 2] {
    let (made, failed) = (Arc::clone(tls), Arc::clone(tls));
    [
        Gauge {
            name: "tls_reloads",
            help: "How often certificates and keys were read again and put in force",
            is_counter: true,
            value: Arc::new(move || made.reloads().done),
        },
        Gauge {
            name: "tls_reloads_failed",
            help: "How often they were read again and the old ones stayed in force",
            is_counter: true,
            value: Arc::new(move || failed.reloads().failed),
        },
    ]
}

fn figures(bolt: Option<&BoltServer>, dbms: Arc<Dbms>, audit: Arc<AuditLog>) -> Vec<Gauge> {
    let mut figures = Vec::new();
    if let Some(bolt) = bolt {
        let connections = bolt.connection_count();
        figures.push(Gauge {
            name: "bolt_connections",
            help: "Connections of Bolt, whether logged in or not",
            is_counter: false,
            value: Arc::new(move || u64::try_from(connections()).unwrap_or(u64::MAX)),
        });
    }
    let running = Arc::clone(&dbms);
    figures.push(Gauge {
        name: "transactions_running",
        help: "Transactions of all databases that are open",
        is_counter: false,
        value: Arc::new(move || u64::try_from(running.running_transactions()).unwrap_or(u64::MAX)),
    });
    figures.push(Gauge {
        name: "uptime_seconds",
        help: "Time since the databases were opened",
        is_counter: false,
        value: Arc::new(move || dbms.uptime().as_secs()),
    });
    figures.push(Gauge {
        name: "audit_healthy",
        help: "1 while the audit log can be written; without it nobody logs in",
        is_counter: false,
        value: Arc::new(move || u64::from(audit.is_healthy())),
    });
    figures
}
