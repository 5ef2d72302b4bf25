//! What works with the TLS policies and deserves a thought: said at the start, after a reload and once a day.

use std::sync::Arc;
use std::time::Duration;

use bastide_settings::{Fault, Settings, TlsLevel, names, policy};
use bastide_tls::{Channels, Policy, PolicyWarning, staple_warnings};

use crate::check::seconds_now;
use crate::tls_policies;
use crate::tls_service::TlsService;

const DAY: Duration = Duration::from_secs(86_400);

/// The scopes whose handshakes carry OCSP responses.
pub(crate) fn stapled_scopes(settings: &Settings) -> &'static [&'static str] {
    if settings.value(names::SERVER_BOLT_OCSP_STAPLING_ENABLED) {
        &["bolt", "https"]
    } else {
        &[]
    }
}

fn all(channels: &Channels, settings: &Settings) -> Vec<(&'static str, PolicyWarning)> {
    let mut warnings = Vec::new();
    for channel in channels.iter() {
        let Some(policy) = channel.policy() else { continue };
        warnings.extend(
            policy
                .warnings()
                .iter()
                .map(|warning| (channel.scope(), warning.clone())),
        );
    }
    warnings.extend(staple_warnings(channels, stapled_scopes(settings)));
    warnings
}

/// For the report of the start.
pub(crate) fn report(channels: &Channels, settings: &Settings) -> Vec<Fault> {
    let mut faults: Vec<_> = all(channels, settings)
        .into_iter()
        .map(|(scope, warning)| Fault::new(&policy_name(scope), warning.to_string(), ""))
        .collect();
    faults.extend(of_settings(settings));
    faults
}

fn of_settings(settings: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    let provider = names::DBMS_NETTY_SSL_PROVIDER;
    if settings.is_explicitly_set(provider) {
        let problem = "has no effect: there is one library for TLS (rustls with AWS-LC), whatever is written";
        faults.push(Fault::new(provider.name(), problem, "remove the line"));
    }
    let bolt = policy::BOLT.enabled;
    if settings.value(names::SERVER_BOLT_ENABLED)
        && settings.value(names::SERVER_BOLT_TLS_LEVEL) == TlsLevel::Disabled
        && settings.value(bolt)
    {
        let level = names::SERVER_BOLT_TLS_LEVEL.name();
        let problem = format!("is true, and Bolt is not encrypted all the same, since `{level}` is `DISABLED`");
        faults.push(Fault::new(bolt.name(), problem, format!("write `{level}=REQUIRED`")));
    }
    faults
}

/// For the log, after a reload.
pub(crate) fn log(channels: &Channels, settings: &Settings) {
    for (scope, warning) in all(channels, settings) {
        tracing::warn!(scope, "{warning}");
    }
}

/// Once a day, reads what is on disk as a reload would and says what would come of it.
pub(crate) async fn log_daily(service: Arc<TlsService>) {
    loop {
        tokio::time::sleep(DAY).await;
        let service = Arc::clone(&service);
        if let Err(error) = tokio::task::spawn_blocking(move || look(&service)).await {
            tracing::error!(%error, "the daily look at the certificates did not end");
        }
    }
}

fn look(service: &TlsService) {
    let settings = match service.settings().with_key_passwords_read_again() {
        Ok(settings) => settings,
        Err(faults) => {
            tracing::error!("the passwords of private keys can no longer be read: {faults}");
            return;
        }
    };
    let now = seconds_now();
    for config in tls_policies::configs(&settings) {
        let scope = config.scope;
        match Policy::load(config, now) {
            Ok(policy) => policy
                .warnings()
                .iter()
                .for_each(|warning| tracing::warn!(scope, "{warning}")),
            Err(faults) => tracing::error!(scope, "a restart would fail, and so would a reload: {faults}"),
        }
    }
}

fn policy_name(scope: &str) -> String {
    format!("{}{scope}", policy::PREFIX)
}
