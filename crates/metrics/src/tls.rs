//! The figures of TLS: how long certificates last, what became of handshakes, what is trusted and stapled.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bastide_tls::{Channel, Channels, Policy};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

const SECONDS_OF_DAY: i64 = 86_400;

/// The figures of all channels.
#[derive(Debug)]
pub struct TlsFigures(pub Arc<Channels>);

impl Collector for TlsFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let generation = i64::try_from(self.0.generation()).unwrap_or(i64::MAX);
        let help = "How often policies were put in force, all channels together";
        let generation = ConstGauge::new(generation);
        let kind = generation.metric_type();
        generation.encode(encoder.encode_descriptor("tls_generation", help, None, kind)?)?;
        let mut out = Out(&mut encoder);
        self.certificates(&mut out)?;
        self.trust(&mut out)?;
        self.staples(&mut out)?;
        self.handshakes(&mut out)
    }
}

impl TlsFigures {
    fn policies(&self) -> Vec<(&'static str, Arc<Policy>)> {
        let with_scope = |channel: &Arc<Channel>| Some((channel.scope(), channel.policy()?));
        self.0.iter().filter_map(with_scope).collect()
    }

    /// Of a chain the first to end is told: with it the whole chain ends.
    fn certificates(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let ends: Vec<_> = self
            .policies()
            .iter()
            .filter_map(|(scope, policy)| {
                let chain = policy.certificates().iter();
                Some((
                    [("scope", *scope)],
                    chain.map(|certificate| certificate.not_after).min()?,
                ))
            })
            .collect();
        let now = seconds_now();
        let days = ends
            .iter()
            .map(|(labels, end)| (*labels, (end - now).div_euclid(SECONDS_OF_DAY)));
        out.gauge(
            "certificate_days_left",
            "Whole days until the certificate chain ends",
            days,
        )?;
        out.gauge(
            "certificate_not_after_seconds",
            "When the certificate chain ends, since 1970",
            ends,
        )?;
        let loaded = self
            .policies()
            .into_iter()
            .map(|(scope, policy)| ([("scope", scope)], policy.loaded_at()));
        out.gauge(
            "policy_loaded_seconds",
            "When the policy's files were read, since 1970",
            loaded,
        )
    }

    fn trust(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let policies = self.policies();
        let everybody = policies
            .iter()
            .map(|(scope, policy)| ([("scope", *scope)], i64::from(policy.config().trust_all)));
        out.gauge(
            "trust_all",
            "1 where every certificate is believed, which is for debugging only",
            everybody,
        )?;
        let summaries: Vec<_> = policies
            .iter()
            .map(|(scope, policy)| (*scope, policy.trust_summary()))
            .collect();
        let lists = summaries.iter().flat_map(|(scope, trust)| {
            let lists = trust.lists.iter();
            lists.map(move |list| ([("scope", *scope), ("issuer", list.issuer.as_str())], list.next_update))
        });
        out.gauge(
            "revocation_list_next_update_seconds",
            "When a revocation list ends, since 1970",
            lists,
        )
    }

    fn staples(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let statuses: Vec<_> = self
            .0
            .iter()
            .map(|channel| (channel.scope(), channel.staple_status()))
            .collect();
        let stapled = statuses
            .iter()
            .map(|(scope, status)| ([("scope", *scope)], i64::from(status.stapled)));
        out.gauge("staple_good", "1 where a good OCSP response is stapled", stapled)?;
        let ends = statuses
            .iter()
            .filter_map(|(scope, status)| Some(([("scope", *scope)], status.next_update?)));
        out.gauge(
            "staple_next_update_seconds",
            "When the OCSP response in use ends, since 1970",
            ends,
        )
    }

    fn handshakes(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let statistics: Vec<_> = self
            .0
            .iter()
            .map(|channel| (channel.scope(), channel.statistics()))
            .collect();
        let made = statistics.iter().flat_map(|(scope, counts)| {
            let versions = [("TLSv1.2", counts.tls12), ("TLSv1.3", counts.tls13)];
            versions.map(|(version, count)| ([("scope", *scope), ("version", version)], count))
        });
        out.counter("handshakes", "Handshakes that ended in a connection", made)?;
        let resumed = statistics
            .iter()
            .map(|(scope, counts)| ([("scope", *scope)], counts.resumed));
        out.counter("handshakes_resumed", "Those that resumed an earlier session", resumed)?;
        let failed = statistics.iter().flat_map(|(scope, counts)| {
            let reasons = counts.failures.iter();
            reasons.map(move |(reason, count)| ([("scope", *scope), ("reason", reason.label())], *count))
        });
        out.counter("handshake_failures", "Handshakes that did not, by reason", failed)
    }
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Writes families of figures, all with the prefix `tls_`.
struct Out<'a, 'b>(&'a mut DescriptorEncoder<'b>);

/// Names and values.
type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

impl Out<'_, '_> {
    fn gauge<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl IntoIterator<Item = (Labels<'l, N>, i64)>,
    ) -> fmt::Result {
        let name = format!("tls_{name}");
        let mut family = self.0.encode_descriptor(&name, help, None, MetricType::Gauge)?;
        for (labels, value) in figures {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counter<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let name = format!("tls_{name}");
        let mut family = self.0.encode_descriptor(&name, help, None, MetricType::Counter)?;
        for (labels, value) in figures {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bastide_tls::{ClientAuthentication, PolicyConfig, TlsVersion, create_development_certificates};

    #[test]
    fn tells_of_certificates_handshakes_and_trust() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("certificates");
        create_development_certificates(&folder, &["bolt"]).unwrap();
        let config = PolicyConfig {
            scope: "bolt",
            private_key: folder.join("bolt/private.key"),
            private_key_password: None,
            public_certificate: folder.join("bolt/public.crt"),
            trusted_directory: None,
            revoked_directory: None,
            client_authentication: ClientAuthentication::Optional,
            trust_all: true,
            verify_hostname: true,
            serves_both_ends: false,
            ciphers: None,
            versions: vec![TlsVersion::Tls13],
            application_protocols: Vec::new(),
        };
        let channels = Arc::new(Channels::load(vec![config], seconds_now()).unwrap());
        let text = crate::render(vec![Box::new(TlsFigures(channels))]);
        for line in [
            "bastide_tls_generation 1\n",
            "bastide_tls_certificate_days_left{scope=\"bolt\"} 729\n",
            "bastide_tls_trust_all{scope=\"bolt\"} 1\n",
            "bastide_tls_staple_good{scope=\"bolt\"} 0\n",
            "bastide_tls_handshakes_total{scope=\"bolt\",version=\"TLSv1.3\"} 0\n",
            "bastide_tls_handshake_failures_total{scope=\"bolt\",reason=\"certificate_revoked\"} 0\n",
            "# EOF\n",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}
