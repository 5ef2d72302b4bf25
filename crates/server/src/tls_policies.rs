//! TLS policies as the settings have them.
//!
//! INVARIANT: a policy that was never switched on is only ever served from the development certificates, and these are
//! only ever served to loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bastide_settings::{
    ClientAuthentication, Fault, HomeDirectory, PathRole, Settings, TlsLevel, TlsVersion, names,
    policy::{self, PolicySettings},
};
use bastide_tls::{Channel, Channels, DEVELOPMENT_CA_FILE, Policy, PolicyConfig};

use crate::check::placed;
use crate::tls_watch::Contents;

/// How many files of a folder are looked at.
const FILES_MAX: usize = 4_096;
/// What the issuer of a development certificate says of itself.
const DEVELOPMENT_ISSUER: &str = r"development authority\, this machine only";

/// The policies of the channels. A channel that is to have TLS has none only before the first start.
#[derive(Default)]
pub(crate) struct Policies {
    pub(crate) channels: Option<Arc<Channels>>,
    /// Whether development certificates must be made before the policies can be loaded.
    pub(crate) first_start: bool,
    /// Their files as they were just before they were read.
    pub(crate) read: Contents,
}

impl Policies {
    /// The channel of a scope, if it has TLS.
    pub(crate) fn channel(&self, scope: &str) -> Option<Arc<Channel>> {
        self.channels.as_ref()?.channel(scope).cloned()
    }

    /// Whether any certificate was made by the first start.
    pub(crate) fn any_development(&self) -> bool {
        let channels = self.channels.iter().flat_map(|channels| channels.iter());
        channels
            .filter_map(|channel| channel.policy())
            .any(|policy| is_development(&policy))
    }
}

pub(crate) fn is_development(policy: &Policy) -> bool {
    let leaf = policy.certificates().first();
    leaf.is_some_and(|certificate| certificate.issuer.contains(DEVELOPMENT_ISSUER))
}

/// The policies in use: those that are switched on, and those of connectors that cannot do without.
fn wanted(settings: &Settings) -> Vec<PolicySettings> {
    let bolt = settings.value(names::SERVER_BOLT_ENABLED)
        && settings.value(names::SERVER_BOLT_TLS_LEVEL) != TlsLevel::Disabled;
    let https = settings.value(names::SERVER_HTTPS_ENABLED);
    policy::ALL
        .into_iter()
        .filter(|policy| {
            let is_needed =
                (policy.scope == policy::BOLT.scope && bolt) || (policy.scope == policy::HTTPS.scope && https);
            is_needed || settings.value(policy.enabled)
        })
        .collect()
}

/// What the policies in use are loaded from.
pub(crate) fn configs(settings: &Settings) -> Vec<PolicyConfig> {
    let wanted = wanted(settings);
    wanted.iter().map(|policy| config(settings, policy)).collect()
}

/// Where the development certificates are.
pub(crate) fn development_folder(settings: &Settings) -> PathBuf {
    settings.path(names::SERVER_DIRECTORIES_CERTIFICATES)
}

/// The files and folders of all policies in use, for the check of their permissions; the keys' are checked where they are read.
pub(crate) fn paths(settings: &Settings, _home: &HomeDirectory) -> Vec<(PathBuf, PathRole)> {
    let mut paths = Vec::new();
    for policy in wanted(settings) {
        let config = config(settings, &policy);
        if let Some(folder) = config.private_key.parent() {
            paths.push((folder.to_owned(), PathRole::CertificateFolder));
        }
        for folder in [&config.trusted_directory, &config.revoked_directory]
            .into_iter()
            .flatten()
        {
            paths.push((folder.clone(), PathRole::CertificateFolder));
            let entries = std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .take(FILES_MAX);
            paths.extend(entries.map(|entry| (entry.path(), PathRole::PublicCertificate)));
        }
        paths.push((config.public_certificate, PathRole::PublicCertificate));
    }
    paths.push((development_folder(settings), PathRole::CertificateFolder));
    paths
}

/// The policies that are configured, or that a start would use with development certificates that are there.
pub fn policy_configs(settings: &Settings) -> Vec<PolicyConfig> {
    let wanted = wanted(settings);
    let is_served = |policy: &PolicySettings| {
        let is_wanted = wanted.iter().any(|wanted| wanted.scope == policy.scope);
        is_wanted && unconfigured_fault(&development_folder(settings), policy).is_none()
    };
    policy::ALL
        .iter()
        .filter(|policy| settings.is_policy_configured(policy) || is_served(policy))
        .map(|policy| config(settings, policy))
        .collect()
}

fn config(settings: &Settings, policy: &PolicySettings) -> PolicyConfig {
    let is_configured = settings.is_policy_configured(policy);
    let path = |setting| {
        if is_configured {
            settings.policy_path(policy, setting)
        } else {
            development_folder(settings)
                .join(policy.scope)
                .join(settings.value(setting))
        }
    };
    PolicyConfig {
        scope: policy.scope,
        private_key: path(policy.private_key),
        public_certificate: path(policy.public_certificate),
        private_key_password: settings.value(policy.private_key_password),
        // Development certificates come without these folders.
        trusted_directory: is_configured.then(|| path(policy.trusted_dir)),
        revoked_directory: is_configured.then(|| path(policy.revoked_dir)),
        trust_all: settings.value(policy.trust_all),
        verify_hostname: settings.value(policy.verify_hostname),
        serves_both_ends: policy.scope == policy::CLUSTER.scope,
        client_authentication: match settings.value(policy.client_auth) {
            ClientAuthentication::None => bastide_tls::ClientAuthentication::None,
            ClientAuthentication::Optional => bastide_tls::ClientAuthentication::Optional,
            ClientAuthentication::Require => bastide_tls::ClientAuthentication::Require,
        },
        ciphers: settings.value(policy.ciphers),
        versions: settings.value(policy.tls_versions).into_iter().map(version).collect(),
        application_protocols: match policy.scope {
            "https" => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            _ => Vec::new(),
        },
    }
}

fn version(version: TlsVersion) -> bastide_tls::TlsVersion {
    match version {
        TlsVersion::Tls12 => bastide_tls::TlsVersion::Tls12,
        TlsVersion::Tls13 => bastide_tls::TlsVersion::Tls13,
    }
}

/// Loads the policies that the listeners need; what is wrong with them goes to `faults`.
pub(crate) fn load(
    settings: &Settings,
    home: &HomeDirectory,
    conf: &Path,
    now: i64,
    faults: &mut Vec<Fault>,
) -> Policies {
    let mut policies = Policies::default();
    let folder = development_folder(settings);
    let wanted = wanted(settings);
    let any_configured = policy::ALL.iter().any(|policy| settings.is_policy_configured(policy));
    let mut wanted_configs = Vec::new();
    let is_first_start = !any_configured && !folder.exists() && !home.has_certificates();
    for policy in wanted {
        let is_configured = settings.is_policy_configured(&policy);
        if !is_configured {
            if let Some(fault) = development_fault(settings, conf) {
                faults.push(fault);
            }
            if is_first_start {
                policies.first_start = true;
                continue;
            }
            if let Some(fault) = unconfigured_fault(&folder, &policy) {
                faults.push(fault);
                continue;
            }
        }
        wanted_configs.push(config(settings, &policy));
    }
    policies.read = Contents::of(&wanted_configs);
    match Channels::load(wanted_configs, now) {
        Ok(channels) => policies.channels = Some(Arc::new(channels)),
        Err(found) => faults.extend(found.iter().flat_map(|policy| {
            let name = format!("{}{}", policy::PREFIX, policy.scope);
            policy
                .faults
                .iter()
                .map(move |fault| Fault::new(&name, fault.to_string(), ""))
        })),
    }
    if any_configured
        && policies.any_development()
        && let Some(fault) = development_fault(settings, conf)
    {
        faults.push(fault);
    }
    // Several policies may have asked for the same.
    faults.dedup();
    policies
}

/// Why a policy that was never switched on cannot be served from the certificate folder.
fn unconfigured_fault(folder: &Path, policy: &PolicySettings) -> Option<Fault> {
    let key = folder.join(policy.scope).join("private.key");
    if folder.join(DEVELOPMENT_CA_FILE).exists() && key.exists() {
        return None;
    }
    let problem = format!(
        "TLS needs a certificate, this policy is not switched on, and `{}` has no development certificate for it",
        folder.display()
    );
    let advice = format!(
        "put `private.key` and `public.crt` into `{}` and add `{}=true`; or remove the folder `{}`, and the next start \
         makes development certificates",
        folder.join(policy.scope).display(),
        policy.enabled.name(),
        folder.display()
    );
    Some(Fault::new(policy.enabled.name(), problem, advice))
}

/// Development certificates vouch for this machine to itself only.
pub(crate) fn development_fault(settings: &Settings, conf: &Path) -> Option<Fault> {
    let listeners = [
        (names::SERVER_BOLT_ENABLED, names::SERVER_BOLT_LISTEN_ADDRESS),
        (names::SERVER_HTTPS_ENABLED, names::SERVER_HTTPS_LISTEN_ADDRESS),
        (names::SERVER_HTTP_ENABLED, names::SERVER_HTTP_LISTEN_ADDRESS),
    ];
    let (_, setting) = listeners
        .into_iter()
        .find(|(enabled, setting)| settings.value(*enabled) && !settings.listen_address(*setting).is_loopback())?;
    let address = settings.listen_address(setting);
    let problem = format!("other machines can connect to {address}, and there are only development certificates");
    let scopes: Vec<_> = wanted(settings).iter().map(|policy| policy.scope).collect();
    let lines: Vec<_> = scopes
        .iter()
        .map(|scope| format!("`dbms.ssl.policy.{scope}.enabled=true`"))
        .collect();
    let folders: Vec<_> = scopes
        .iter()
        .map(|scope| format!("`{}`", development_folder(settings).join(scope).display()))
        .collect();
    let advice = format!(
        "install real certificates: put `private.key` (chmod 400) and `public.crt` (the server's own certificate first) into \
         {} and add {}; or listen on loopback only",
        folders.join(" and "),
        lines.join(" and ")
    );
    let name = if settings.is_explicitly_set(setting) {
        setting.name()
    } else {
        names::SERVER_DEFAULT_LISTEN_ADDRESS.name()
    };
    Some(placed(Fault::new(name, problem, advice), conf))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::seconds_now;

    fn home_with_certificates() -> (tempfile::TempDir, HomeDirectory, Settings) {
        let scratch = tempfile::tempdir().unwrap();
        let home = HomeDirectory::resolve(Some(&scratch.path().join("home")), None, Path::new("/"));
        home.create(false).unwrap();
        let settings = Settings::defaults(home.path());
        bastide_tls::create_development_certificates(&development_folder(&settings), &["bolt", "https"]).unwrap();
        (scratch, home, settings)
    }

    #[test]
    fn a_missing_development_certificate_is_a_fault_and_not_a_first_start() {
        let (_scratch, home, settings) = home_with_certificates();
        std::fs::remove_dir_all(development_folder(&settings).join("https")).unwrap();
        let mut faults = Vec::new();
        let policies = load(&settings, &home, &home.conf_file(), seconds_now(), &mut faults);
        assert!(!policies.first_start && policies.channel("https").is_none());
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].to_string().contains("dbms.ssl.policy.https.enabled"),
            "{}",
            faults[0]
        );
    }
}
