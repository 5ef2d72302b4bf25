//! What works with the TLS policies and deserves a thought: said at the start, after a reload and once a day.

use std::sync::Arc;
use std::time::Duration;

use bastide_settings::{Fault, Settings, TlsLevel, names, policy};
use bastide_tls::{Channels, Policy, PolicyWarning, staple_warnings};

use crate::check::seconds_now;
use crate::tls_service::TlsService;

const DAY: Duration = Duration::from_secs(86_400);
/// From how many days before its end on a certificate is warned of; the same as when it is loaded.
const WARNING_DAYS: i64 = 30;

/// The scopes whose handshakes carry OCSP responses.
pub(crate) fn stapled_scopes(settings: &Settings) -> &'static [&'static str] {
    if settings.value(names::SERVER_BOLT_OCSP_STAPLING_ENABLED) {
        &["bolt", "https"]
    } else {
        &[]
    }
}

/// What is to be said of a policy in force; `now` is in seconds since 1970. How long its certificates last is said as of now,
/// and not as of its last loading.
pub(crate) fn of_policy(policy: &Policy, now: i64) -> Vec<String> {
    let lasting = policy.warnings().iter();
    let lasting = lasting.filter(|warning| !matches!(warning, PolicyWarning::ExpiresSoon { .. }));
    let path = &policy.config().public_certificate;
    let ending = policy.certificates().iter().filter_map(|certificate| {
        let (subject, days) = (certificate.subject.clone(), certificate.days_left(now));
        if certificate.not_after < now {
            let file = path.display();
            return Some(format!(
                "the certificate of {subject} in `{file}` HAS EXPIRED: clients refuse it; renew it"
            ));
        }
        let path = path.clone();
        (days <= WARNING_DAYS).then(|| PolicyWarning::ExpiresSoon { path, subject, days }.to_string())
    });
    lasting.map(ToString::to_string).chain(ending).collect()
}

fn all(channels: &Channels, settings: &Settings) -> Vec<(&'static str, String)> {
    let now = seconds_now();
    let mut warnings = Vec::new();
    for channel in channels.iter() {
        let Some(policy) = channel.policy() else { continue };
        let found = of_policy(&policy, now);
        warnings.extend(found.into_iter().map(|warning| (channel.scope(), warning)));
    }
    let staples = staple_warnings(channels, stapled_scopes(settings));
    warnings.extend(staples.into_iter().map(|(scope, warning)| (scope, warning.to_string())));
    warnings
}

/// For the report of the start.
pub(crate) fn report(channels: &Channels, settings: &Settings) -> Vec<Fault> {
    let mut faults: Vec<_> = all(channels, settings)
        .into_iter()
        .map(|(scope, warning)| Fault::new(&policy_name(scope), warning, ""))
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

/// For the log, after a reload and once a day.
pub(crate) fn log(channels: &Channels, settings: &Settings) {
    for (scope, warning) in all(channels, settings) {
        tracing::warn!(scope, "{warning}");
    }
    let passwords = policy::ALL.map(|policy| policy.private_key_password.name());
    let is_of_password = |fault: &&Fault| fault.setting.as_deref().is_some_and(|name| passwords.contains(&name));
    for warning in settings.warnings().iter().filter(is_of_password) {
        tracing::warn!("{warning}");
    }
}

/// Once a day, says it again; also reads what is on disk as a reload would and says what would come of it.
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
    log(service.channels(), &service.in_force());
    let (policies, faults) = service.look();
    for fault in faults {
        tracing::error!("a restart would fail, and so would a reload: {fault}");
    }
    for policy in policies {
        let scope = policy.config().scope;
        let served = service.channels().channel(scope).and_then(|channel| channel.policy());
        if served.is_some_and(|served| served.certificates() != policy.certificates()) {
            tracing::warn!(
                scope,
                "the certificate on disk is not the one in force; `CALL dbms.security.reloadTLS()`"
            );
        }
    }
}

fn policy_name(scope: &str) -> String {
    format!("{}{scope}", policy::PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls_service::tests::Home;

    #[test]
    fn how_long_a_certificate_lasts_is_told_as_of_now_however_long_ago_it_was_loaded() {
        let home = Home::with_policy();
        let service = home.service();
        let policy = service.channels().channel("bolt").unwrap().policy().unwrap();
        let end = policy.certificates()[0].not_after;
        let told = |now| of_policy(&policy, now).join("\n");
        assert!(!told(seconds_now()).contains("expire"));
        assert!(!told(end - 40 * 86_400).contains("expire"));
        assert!(told(end - 5 * 86_400).contains("expires in 5 days"));
        assert!(told(end + 1).contains("HAS EXPIRED"));
    }
}
