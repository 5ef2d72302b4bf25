//! TLS policies as the settings have them, and reading them again when their files change.
//!
//! INVARIANT: a policy that was never switched on is only ever served from the development certificates, and these are
//! only ever served to loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bastide_settings::{
    ClientAuthentication, Fault, HomeDirectory, PathRole, Settings, TlsLevel, TlsVersion, names,
    policy::{self, PolicySettings},
};
use bastide_tls::{DEVELOPMENT_CA_FILE, PolicyConfig, ServerPolicy};

use crate::check::{placed, seconds_now};

/// How often the files of a policy are looked at.
pub(crate) const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// How many files of a folder are looked at for changes.
const FILES_MAX: usize = 4_096;
/// What the issuer of a development certificate says of itself.
const DEVELOPMENT_ISSUER: &str = "development authority, this machine only";

/// The policies of the listeners. A listener that is to have TLS has none only before the first start.
#[derive(Default)]
pub(crate) struct Policies {
    pub(crate) bolt: Option<LoadedPolicy>,
    pub(crate) https: Option<LoadedPolicy>,
    /// Whether development certificates must be made before the policies can be loaded.
    pub(crate) first_start: bool,
}

/// A policy in force, with what it was made from.
pub(crate) struct LoadedPolicy {
    config: PolicyConfig,
    current: ArcSwap<ServerPolicy>,
}

impl LoadedPolicy {
    /// The configuration for the next connection.
    pub(crate) fn server_config(&self) -> Arc<rustls::ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// Whether its certificate was made by the first start.
    pub(crate) fn is_development(&self) -> bool {
        let certificate = self.current.load().certificate();
        certificate.is_some_and(|certificate| certificate.issuer.contains(DEVELOPMENT_ISSUER))
    }

    /// Reads the files again and puts the result in force; whatever is wrong leaves the old policy.
    fn reload(&self) {
        let scope = self.config.scope;
        match ServerPolicy::load(&self.config, seconds_now()) {
            Ok(policy) => {
                let expires = policy.certificate().map(|certificate| certificate.not_after);
                self.current.store(Arc::new(policy));
                tracing::info!(policy = scope, not_after = ?expires, "the certificate files changed and were read again");
            }
            Err(faults) => {
                tracing::error!(policy = scope, %faults, "the changed certificate files cannot be used: the old ones stay in force");
            }
        }
    }

    /// Looks at the files now and then until the runtime ends.
    pub(crate) async fn reload_when_changed(self: Arc<Self>) {
        let mut seen = fingerprint(&self.config);
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let now = fingerprint(&self.config);
            if now != seen {
                // The second look is for files that are still being written.
                tokio::time::sleep(Duration::from_secs(1)).await;
                seen = fingerprint(&self.config);
                self.reload();
            }
        }
    }
}

type Fingerprint = Vec<(PathBuf, Option<SystemTime>, u64)>;

fn fingerprint(config: &PolicyConfig) -> Fingerprint {
    let mut paths = vec![config.private_key.clone(), config.public_certificate.clone()];
    for folder in [&config.trusted_directory, &config.revoked_directory] {
        let entries = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .take(FILES_MAX);
        paths.extend(entries.map(|entry| entry.path()));
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let metadata = std::fs::metadata(&path).ok();
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            (path, modified, metadata.map_or(0, |metadata| metadata.len()))
        })
        .collect()
}

/// Whether Bolt and HTTPS need TLS.
fn wanted(settings: &Settings) -> Vec<PolicySettings> {
    let bolt = settings.value(names::SERVER_BOLT_ENABLED)
        && settings.value(names::SERVER_BOLT_TLS_LEVEL) != TlsLevel::Disabled;
    let https = settings.value(names::SERVER_HTTPS_ENABLED);
    [(bolt, policy::BOLT), (https, policy::HTTPS)]
        .into_iter()
        .filter_map(|(wanted, policy)| wanted.then_some(policy))
        .collect()
}

/// Where the development certificates are.
pub(crate) fn development_folder(settings: &Settings) -> PathBuf {
    settings.path(names::SERVER_DIRECTORIES_CERTIFICATES)
}

/// The files and folders of all policies in use, for the check of their permissions.
pub(crate) fn paths(settings: &Settings, _home: &HomeDirectory) -> Vec<(PathBuf, PathRole)> {
    let mut paths = Vec::new();
    for policy in wanted(settings) {
        let config = config(settings, &policy);
        if let Some(folder) = config.private_key.parent() {
            paths.push((folder.to_owned(), PathRole::CertificateFolder));
        }
        for folder in [&config.trusted_directory, &config.revoked_directory] {
            paths.push((folder.clone(), PathRole::CertificateFolder));
            let entries = std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .take(FILES_MAX);
            paths.extend(entries.map(|entry| (entry.path(), PathRole::PublicCertificate)));
        }
        paths.push((config.private_key, PathRole::PrivateKey));
        paths.push((config.public_certificate, PathRole::PublicCertificate));
    }
    paths.push((development_folder(settings), PathRole::CertificateFolder));
    paths
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
        trusted_directory: path(policy.trusted_dir),
        revoked_directory: path(policy.revoked_dir),
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
        let loaded = load_one(settings, &policy, now, faults);
        if is_configured
            && loaded.as_ref().is_some_and(LoadedPolicy::is_development)
            && let Some(fault) = development_fault(settings, conf)
        {
            faults.push(fault);
        }
        match policy.scope {
            "https" => policies.https = loaded,
            _ => policies.bolt = loaded,
        }
    }
    // Bolt and HTTPS may both have asked for the same.
    faults.dedup();
    policies
}

fn load_one(settings: &Settings, policy: &PolicySettings, now: i64, faults: &mut Vec<Fault>) -> Option<LoadedPolicy> {
    let config = config(settings, policy);
    match ServerPolicy::load(&config, now) {
        Ok(current) => Some(LoadedPolicy {
            config,
            current: ArcSwap::from_pointee(current),
        }),
        Err(found) => {
            let name = format!("{}{}", policy::PREFIX, policy.scope);
            faults.extend(
                found
                    .faults
                    .iter()
                    .map(|fault| Fault::new(&name, fault.to_string(), "")),
            );
            None
        }
    }
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
fn development_fault(settings: &Settings, conf: &Path) -> Option<Fault> {
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

    fn home_with_certificates() -> (tempfile::TempDir, HomeDirectory, Settings) {
        let scratch = tempfile::tempdir().unwrap();
        let home = HomeDirectory::resolve(Some(&scratch.path().join("home")), None, Path::new("/"));
        home.create(false).unwrap();
        let settings = Settings::defaults(home.path());
        bastide_tls::create_development_certificates(&development_folder(&settings), &["bolt", "https"]).unwrap();
        (scratch, home, settings)
    }

    #[test]
    fn changed_files_are_noticed_and_a_bad_one_leaves_the_old_policy() {
        let (scratch, _, settings) = home_with_certificates();
        let mut faults = Vec::new();
        let policy = load_one(&settings, &policy::BOLT, seconds_now(), &mut faults).unwrap();
        let (before, served) = (fingerprint(&policy.config), policy.server_config());
        let fresh = scratch.path().join("fresh");
        bastide_tls::create_development_certificates(&fresh, &["bolt"]).unwrap();

        std::fs::remove_file(&policy.config.public_certificate).unwrap();
        std::fs::copy(fresh.join("bolt/public.crt"), &policy.config.public_certificate).unwrap();
        assert_ne!(fingerprint(&policy.config), before);
        policy.reload();
        assert!(
            Arc::ptr_eq(&served, &policy.server_config()),
            "a certificate without its key was taken"
        );

        std::fs::remove_file(&policy.config.private_key).unwrap();
        std::fs::copy(fresh.join("bolt/private.key"), &policy.config.private_key).unwrap();
        policy.reload();
        assert!(!Arc::ptr_eq(&served, &policy.server_config()));
        assert!(policy.is_development() && faults.is_empty());
    }

    #[test]
    fn a_missing_development_certificate_is_a_fault_and_not_a_first_start() {
        let (_scratch, home, settings) = home_with_certificates();
        std::fs::remove_dir_all(development_folder(&settings).join("https")).unwrap();
        let mut faults = Vec::new();
        let policies = load(&settings, &home, &home.conf_file(), seconds_now(), &mut faults);
        assert!(!policies.first_start && policies.bolt.is_some() && policies.https.is_none());
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].to_string().contains("dbms.ssl.policy.https.enabled"),
            "{}",
            faults[0]
        );
    }
}
