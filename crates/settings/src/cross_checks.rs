//! Contradictions between settings that are each right by themselves.

use crate::fault::Fault;
use crate::load::Settings;
use crate::row::Row;
use crate::table::names::{
    DBMS_SECURITY_AUTH_ENABLED, DBMS_SECURITY_AUTHENTICATION_CERTIFICATE_RULES, SERVER_BACKUP_ENABLED,
    SERVER_BACKUP_LISTEN_ADDRESS, SERVER_BOLT_ENABLED, SERVER_BOLT_LISTEN_ADDRESS,
    SERVER_BOLT_PLAINTEXT_OFF_LOOPBACK_ENABLED, SERVER_BOLT_THREAD_POOL_MAX_SIZE, SERVER_BOLT_THREAD_POOL_MIN_SIZE,
    SERVER_BOLT_TLS_LEVEL, SERVER_HTTP_ENABLED, SERVER_HTTP_LISTEN_ADDRESS, SERVER_HTTP_PLAINTEXT_OFF_LOOPBACK_ENABLED,
    SERVER_HTTPS_ENABLED, SERVER_HTTPS_LISTEN_ADDRESS, SERVER_METRICS_PROMETHEUS_ENABLED,
    SERVER_METRICS_PROMETHEUS_ENDPOINT,
};
use crate::table::policy::{self, PolicySettings};
use crate::value::{ClientAuthentication, ListenAddress, TlsLevel};

/// All contradictions in `settings`.
pub(crate) fn check(settings: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    check_plain_text(settings, &mut faults);
    check_policies(settings, &mut faults);
    check_backup(settings, &mut faults);
    check_certificate_logins(settings, &mut faults);
    check_ports(settings, &mut faults);
    check_metrics(settings, &mut faults);
    check_authentication(settings, &mut faults);
    let (low, high) = (
        settings.value(SERVER_BOLT_THREAD_POOL_MIN_SIZE),
        settings.value(SERVER_BOLT_THREAD_POOL_MAX_SIZE),
    );
    if low > high {
        let problem = format!(
            "{low} is more than the {high} of `{}`",
            SERVER_BOLT_THREAD_POOL_MAX_SIZE.name()
        );
        let row = SERVER_BOLT_THREAD_POOL_MIN_SIZE.row();
        faults.push(fault(settings, row, problem, "lower it, or raise the other"));
    }
    faults
}

fn fault(settings: &Settings, row: &Row, problem: impl Into<String>, advice: impl Into<String>) -> Fault {
    let place = settings
        .stored(row)
        .and_then(|stored| stored.place.clone())
        .unwrap_or_default();
    Fault::new(row.name, problem, advice).at(&place)
}

fn check_plain_text(settings: &Settings, faults: &mut Vec<Fault>) {
    let level = settings.value(SERVER_BOLT_TLS_LEVEL);
    let bolt = settings.listen_address(SERVER_BOLT_LISTEN_ADDRESS);
    if settings.value(SERVER_BOLT_ENABLED)
        && level != TlsLevel::Required
        && !bolt.is_loopback()
        && !settings.value(SERVER_BOLT_PLAINTEXT_OFF_LOOPBACK_ENABLED)
    {
        let problem = format!(
            "`{}` would let other machines send passwords in clear to {bolt}",
            level.word()
        );
        let advice = format!(
            "write `REQUIRED`, listen on loopback, or confirm it with `{}=true`",
            SERVER_BOLT_PLAINTEXT_OFF_LOOPBACK_ENABLED.name()
        );
        faults.push(fault(settings, SERVER_BOLT_TLS_LEVEL.row(), problem, advice));
    }
    let http = settings.listen_address(SERVER_HTTP_LISTEN_ADDRESS);
    if settings.value(SERVER_HTTP_ENABLED)
        && !http.is_loopback()
        && !settings.value(SERVER_HTTP_PLAINTEXT_OFF_LOOPBACK_ENABLED)
    {
        let problem = format!("would offer plain HTTP to other machines on {http}");
        let advice = format!(
            "write `false` and use HTTPS, listen on loopback, or confirm it with `{}=true`",
            SERVER_HTTP_PLAINTEXT_OFF_LOOPBACK_ENABLED.name()
        );
        faults.push(fault(settings, SERVER_HTTP_ENABLED.row(), problem, advice));
    }
}

fn check_metrics(settings: &Settings, faults: &mut Vec<Fault>) {
    let endpoint = settings.listen_address(SERVER_METRICS_PROMETHEUS_ENDPOINT);
    if settings.value(SERVER_METRICS_PROMETHEUS_ENABLED) && !endpoint.is_loopback() {
        let problem = format!("would tell the metrics to other machines on {endpoint}, in clear and to anybody");
        let advice = "write an address of loopback, such as `localhost:2004`, and let an agent on this machine ask";
        let row = SERVER_METRICS_PROMETHEUS_ENDPOINT.row();
        faults.push(fault(settings, row, problem, advice));
    }
}

fn check_policies(settings: &Settings, faults: &mut Vec<Fault>) {
    for policy in &policy::ALL {
        let explicit: Vec<&Row> = policy
            .rows()
            .into_iter()
            .filter(|row| settings.stored(row).is_some_and(|stored| stored.place.is_some()))
            .collect();
        if let Some(first) = explicit.first()
            && !settings.is_explicitly_set(policy.enabled)
        {
            let problem = "is set, but its policy is not switched on";
            let advice = format!(
                "add `{0}=true`, or `{0}=false` to keep it for later",
                policy.enabled.name()
            );
            faults.push(fault(settings, first, problem, advice));
        }
        check_policy(settings, policy, faults);
    }
    let level = settings.value(SERVER_BOLT_TLS_LEVEL);
    let bolt = policy::BOLT;
    // With no policy at all, development certificates stand in; a policy switched off by hand leaves nothing.
    if level != TlsLevel::Disabled
        && settings.value(SERVER_BOLT_ENABLED)
        && settings.is_explicitly_set(bolt.enabled)
        && !settings.value(bolt.enabled)
    {
        let problem = format!("is false, but `{}` is `{}`", SERVER_BOLT_TLS_LEVEL.name(), level.word());
        faults.push(fault(
            settings,
            bolt.enabled.row(),
            problem,
            "write `true`, or remove the policy's settings",
        ));
    }
    let https = policy::HTTPS;
    if settings.value(SERVER_HTTPS_ENABLED)
        && settings.is_explicitly_set(https.enabled)
        && !settings.value(https.enabled)
    {
        let problem = format!("is false, but `{}` is true", SERVER_HTTPS_ENABLED.name());
        let advice = format!("write `true`, or `{}=false`", SERVER_HTTPS_ENABLED.name());
        faults.push(fault(settings, https.enabled.row(), problem, advice));
    }
}

/// Backups hold everything, so nobody gets one without a certificate.
fn check_backup(settings: &Settings, faults: &mut Vec<Fault>) {
    if !settings.value(SERVER_BACKUP_ENABLED) {
        return;
    }
    let policy = policy::BACKUP;
    if !settings.value(policy.enabled) {
        let problem = "is true, and the backup channel has no TLS policy";
        let advice = format!(
            "put a certificate and the clients' authority into `certificates/backup` and add `{}=true`",
            policy.enabled.name()
        );
        faults.push(fault(settings, SERVER_BACKUP_ENABLED.row(), problem, advice));
        return;
    }
    let wanted = ClientAuthentication::Require;
    if settings.value(policy.client_auth) != wanted {
        let problem = format!(
            "lets clients without a certificate take backups, since `{}` is true",
            SERVER_BACKUP_ENABLED.name()
        );
        let advice = format!("write `{}`", wanted.word());
        faults.push(fault(settings, policy.client_auth.row(), problem, advice));
    }
    let address = settings.listen_address(SERVER_BACKUP_LISTEN_ADDRESS);
    if settings.value(policy.trust_all) && !address.is_loopback() {
        let problem = format!("lets every machine that reaches {address} take backups");
        let advice = "write `false` and put the clients' certificates into the trusted folder, or listen on loopback";
        faults.push(fault(settings, policy.trust_all.row(), problem, advice));
    }
}

/// A certificate is a login only if it was verified.
fn check_certificate_logins(settings: &Settings, faults: &mut Vec<Fault>) {
    let rules = DBMS_SECURITY_AUTHENTICATION_CERTIFICATE_RULES;
    if settings.value(rules).is_none() {
        return;
    }
    let policies = [policy::BOLT, policy::HTTPS];
    for policy in &policies {
        if settings.value(policy.trust_all) {
            let problem = format!(
                "lets everybody log in as anybody, since `{}` takes certificates for logins",
                rules.name()
            );
            let advice = "write `false`, or remove the rules";
            faults.push(fault(settings, policy.trust_all.row(), problem, advice));
        }
    }
    let asks = |policy: &PolicySettings| {
        settings.value(policy.enabled) && settings.value(policy.client_auth) != ClientAuthentication::None
    };
    if !policies.iter().any(asks) {
        let problem = "has rules for client certificates, and no client is asked for one";
        let advice = format!(
            "switch a policy on with `{}=true`, and let its `client_auth` be `OPTIONAL` or `REQUIRE`",
            policy::BOLT.enabled.name()
        );
        faults.push(fault(settings, rules.row(), problem, advice));
    }
}

fn check_policy(settings: &Settings, policy: &PolicySettings, faults: &mut Vec<Fault>) {
    if settings.value(policy.trust_all) && settings.is_explicitly_set(policy.trusted_dir) {
        let problem = format!("is ignored, since `{}` is true", policy.trust_all.name());
        faults.push(fault(
            settings,
            policy.trusted_dir.row(),
            problem,
            "remove one of the two",
        ));
    }
    if let Some(ciphers) = settings.value(policy.ciphers)
        && ciphers.is_empty()
    {
        faults.push(fault(
            settings,
            policy.ciphers.row(),
            "names no cipher suite",
            "name one, or remove the line",
        ));
    }
}

fn check_ports(settings: &Settings, faults: &mut Vec<Fault>) {
    let connectors = [
        (SERVER_BOLT_ENABLED, SERVER_BOLT_LISTEN_ADDRESS),
        (SERVER_HTTP_ENABLED, SERVER_HTTP_LISTEN_ADDRESS),
        (SERVER_HTTPS_ENABLED, SERVER_HTTPS_LISTEN_ADDRESS),
        (SERVER_BACKUP_ENABLED, SERVER_BACKUP_LISTEN_ADDRESS),
        (SERVER_METRICS_PROMETHEUS_ENABLED, SERVER_METRICS_PROMETHEUS_ENDPOINT),
    ];
    let mut taken: Vec<(ListenAddress, &str)> = Vec::new();
    for (enabled, setting) in connectors {
        if !settings.value(enabled) {
            continue;
        }
        let address = settings.listen_address(setting);
        if let Some((_, other)) = taken.iter().find(|(other, _)| clash(other, &address)) {
            let problem = format!("{address} is taken by `{other}`");
            faults.push(fault(
                settings,
                setting.row(),
                problem,
                "give one of the two another port",
            ));
        }
        taken.push((address, setting.name()));
    }
}

/// Whether two listeners cannot both be bound. Host names that mean the same address are left to the operating system.
fn clash(left: &ListenAddress, right: &ListenAddress) -> bool {
    let anywhere = |host: &str| matches!(host, "0.0.0.0" | "::");
    left.port == right.port
        && left.port != 0
        && (left.host.eq_ignore_ascii_case(&right.host)
            || anywhere(&left.host)
            || anywhere(&right.host)
            || (left.is_loopback() && right.is_loopback() && (left.host == "localhost" || right.host == "localhost")))
}

fn check_authentication(settings: &Settings, faults: &mut Vec<Fault>) {
    if settings.value(DBMS_SECURITY_AUTH_ENABLED) {
        return;
    }
    let connectors = [
        (SERVER_BOLT_ENABLED, SERVER_BOLT_LISTEN_ADDRESS),
        (SERVER_HTTP_ENABLED, SERVER_HTTP_LISTEN_ADDRESS),
        (SERVER_HTTPS_ENABLED, SERVER_HTTPS_LISTEN_ADDRESS),
        (SERVER_BACKUP_ENABLED, SERVER_BACKUP_LISTEN_ADDRESS),
    ];
    for (enabled, setting) in connectors {
        let address = settings.listen_address(setting);
        if settings.value(enabled) && !address.is_loopback() {
            let problem = format!(
                "is false, and `{}` lets other machines connect to {address}",
                setting.name()
            );
            let advice = "write `true`, or listen on loopback only";
            faults.push(fault(settings, DBMS_SECURITY_AUTH_ENABLED.row(), problem, advice));
            return;
        }
    }
}
