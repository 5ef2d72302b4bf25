//! A row of `SHOW TLS POLICIES`.

use std::sync::Arc;

use bastide_model::{DateTime, Duration, Map, Value, Zone};
use bastide_tls::{Channel, ClientAuthentication, Policy, StapleState, TrustedSummary};

use crate::tls_service::Reloads;
use crate::tls_warnings;

/// What is to be seen of a channel; `now` is in seconds since 1970.
pub(crate) fn row(channel: &Channel, generation: u64, reloads: &Reloads, now: i64) -> Option<Map> {
    let policy = channel.policy()?;
    let mut row: Map = [
        ("scope", Value::from(channel.scope())),
        ("enabled", Value::Boolean(true)),
        ("generation", count(generation)),
        ("loadedAt", time(policy.loaded_at())),
        ("lastReload", reloads.last_at.map_or(Value::Null, time)),
        (
            "lastReloadError",
            reloads.last_error.as_deref().map_or(Value::Null, Value::from),
        ),
        ("warnings", texts(tls_warnings::of_policy(&policy, now))),
    ]
    .into_iter()
    .collect();
    certificate(&policy, now, &mut row);
    configured(&policy, &mut row);
    trust(&policy, now, &mut row);
    staple(channel, now, &mut row);
    handshakes(channel, &mut row);
    Some(row)
}

fn certificate(policy: &Policy, now: i64, row: &mut Map) {
    let Some(leaf) = policy.certificates().first() else {
        return;
    };
    let names = leaf.names.iter().chain(&leaf.email_names).chain(&leaf.uri_names);
    row.insert("subject", Value::from(leaf.subject.as_str()));
    row.insert("names", texts(names));
    row.insert("issuer", Value::from(leaf.issuer.as_str()));
    row.insert("fingerprint", Value::from(leaf.fingerprint.as_str()));
    row.insert("serial", Value::from(leaf.serial.as_str()));
    row.insert("notBefore", time(leaf.not_before));
    row.insert("notAfter", time(leaf.not_after));
    row.insert("key", Value::from(leaf.key_algorithm.as_str()));
    // With any certificate of the chain the whole chain ends.
    let days = policy
        .certificates()
        .iter()
        .map(|certificate| certificate.days_left(now));
    row.insert("daysLeft", days.min().map_or(Value::Null, Value::Integer));
}

fn configured(policy: &Policy, row: &mut Map) {
    let config = policy.config();
    let asked = match config.client_authentication {
        ClientAuthentication::None => "NONE",
        ClientAuthentication::Optional => "OPTIONAL",
        ClientAuthentication::Require => "REQUIRE",
    };
    row.insert("clientAuth", Value::from(asked));
    row.insert("trustAll", Value::Boolean(config.trust_all));
    row.insert("verifyHostname", Value::Boolean(config.verify_hostname));
    row.insert("versions", texts(config.versions.iter().map(|version| version.name())));
    let suites = policy.server_config().crypto_provider().cipher_suites.iter();
    row.insert("ciphers", texts(suites.filter_map(|suite| suite_name(suite.suite()))));
}

/// The IANA name, which the library writes in its own way for TLS 1.3.
fn suite_name(suite: rustls::CipherSuite) -> Option<String> {
    suite.as_str().map(|name| name.replace("TLS13_", "TLS_"))
}

fn trust(policy: &Policy, now: i64, row: &mut Map) {
    let trust = policy.trust_summary();
    let subjects = |trusted: &[TrustedSummary]| texts(trusted.iter().map(|trusted| trusted.subject.clone()));
    row.insert("authorities", subjects(&trust.authorities));
    row.insert("trustedLeaves", subjects(&trust.leaves));
    row.insert(
        "revocationLists",
        count(u64::try_from(trust.lists.len()).unwrap_or(u64::MAX)),
    );
    row.insert(
        "revokedCertificates",
        texts(trust.revoked.iter().map(|revoked| revoked.subject.clone())),
    );
    let oldest = trust.lists.iter().map(|list| list.this_update).min();
    row.insert("crlAge", oldest.map_or(Value::Null, |since| age(now - since)));
    let next = trust.lists.iter().map(|list| list.next_update).min();
    row.insert("crlNextUpdate", next.map_or(Value::Null, time));
}

fn staple(channel: &Channel, now: i64, row: &mut Map) {
    let status = channel.staple_status();
    let state = match status.state {
        StapleState::Off => "off".to_owned(),
        StapleState::None => "none".to_owned(),
        StapleState::Good => "good".to_owned(),
        StapleState::Revoked { .. } => "revoked".to_owned(),
        StapleState::Unknown => "unknown".to_owned(),
        StapleState::Failed { reason } => format!("failed: {reason}"),
    };
    row.insert("stapleState", Value::from(state));
    row.insert("stapled", Value::Boolean(status.stapled));
    row.insert(
        "stapleAge",
        status.produced_at.map_or(Value::Null, |since| age(now - since)),
    );
    row.insert("stapleNextUpdate", status.next_update.map_or(Value::Null, time));
}

fn handshakes(channel: &Channel, row: &mut Map) {
    let statistics = channel.statistics();
    let versions: Map = [
        ("TLSv1.2", count(statistics.tls12)),
        ("TLSv1.3", count(statistics.tls13)),
    ]
    .into_iter()
    .collect();
    let met = statistics.failures.iter().filter(|(_, number)| *number > 0);
    let failures: Map = met.map(|(reason, number)| (reason.label(), count(*number))).collect();
    row.insert("handshakes", count(statistics.made()));
    row.insert("handshakesByVersion", Value::map(versions));
    row.insert("resumed", count(statistics.resumed));
    row.insert("failures", Value::map(failures));
}

pub(crate) fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Value {
    let items: Vec<_> = items.into_iter().map(|item| Value::from(item.as_ref())).collect();
    Value::from(items)
}

fn count(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn age(seconds: i64) -> Value {
    Value::Duration(Arc::new(Duration {
        seconds,
        ..Duration::default()
    }))
}

fn time(epoch_seconds: i64) -> Value {
    Value::DateTime(Arc::new(DateTime {
        epoch_seconds,
        nanoseconds: 0,
        zone: Zone::Offset(0),
    }))
}
