//! `database backup`.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bastide_backup::{TakeError, TakeEvents, TakeRequest, Taken, TlsDialer, take};
use bastide_settings::{ClientAuthentication, Settings, TlsVersion, policy};
use bastide_store::KeyRing;
use bastide_tls::{Channel, Policy, PolicyConfig};
use serde_json::{Value, json};

use crate::arguments::BackupArguments;
use crate::inspect::{described, time_text};
use crate::progress::{Progress, size};
use crate::{Installation, Outcome, Place, Refusal, backup_key, refused, with_causes};

/// The port of the backup channel if none is given.
const PORT: u16 = 6362;
/// The pause before a connection is tried again; each further one is twice as long.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(crate) fn back_up(
    installation: &dyn Installation,
    place: Place<'_>,
    given: &BackupArguments,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    let prepared = match prepare(installation, place, given) {
        Ok(prepared) => prepared,
        Err(refusal) => return refused(errors, &refusal),
    };
    if let Some(notice) = &prepared.notice {
        writeln!(errors, "{notice}")?;
    }
    let mut taken = Vec::new();
    let result = run(&prepared, given, errors, &mut taken);
    let failure = result.as_ref().err().map(|error| error.as_str());
    if given.json {
        let backups: Vec<_> = taken.iter().map(as_json).collect();
        writeln!(output, "{}", json!({"backups": backups, "error": failure}))?;
    } else {
        for taken in &taken {
            print(taken, output)?;
        }
    }
    Ok(match failure {
        None => Outcome::Done,
        Some(failure) => {
            writeln!(errors, "{failure}")?;
            Outcome::Failed
        }
    })
}

struct Prepared {
    channel: std::sync::Arc<Channel>,
    host: String,
    port: u16,
    key_ring: KeyRing,
    notice: Option<String>,
}

fn prepare(installation: &dyn Installation, place: Place<'_>, given: &BackupArguments) -> Result<Prepared, Refusal> {
    let (host, port) = host_and_port(&given.from).ok_or_else(|| {
        let text = format!("`{}` is not an address; write it as `host:port`", given.from);
        Refusal::Other(text)
    })?;
    if !given.to_path.is_dir() {
        let text = format!("there is no folder `{}`", given.to_path.display());
        return Err(Refusal::Other(text));
    }
    let settings = installation.settings(place)?;
    let channel = channel(&settings)?;
    let (key_ring, notice) = backup_key::load_or_create(&settings, given.encryption_key_file.as_deref())?;
    Ok(Prepared {
        channel,
        host,
        port,
        key_ring,
        notice,
    })
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    // An address of version 6 stands in brackets if a port follows.
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok()?,
            None if port.is_empty() => PORT,
            None => return None,
        };
        return Some((host.to_owned(), port));
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some((text.to_owned(), PORT));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, PORT),
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// The backup channel as client: it shows the certificate and believes whom the policy of the home says.
fn channel(settings: &Settings) -> Result<std::sync::Arc<Channel>, Refusal> {
    let policy = &policy::BACKUP;
    if !settings.is_policy_configured(policy) {
        let enabled = policy.enabled.name();
        let text = format!(
            "a backup is taken over mutual TLS, and the home has no policy for it: put `private.key`, `public.crt` and, in the \
             folder `trusted`, what the server is known by into `{}`, and set `{enabled}=true`",
            settings.path(policy.base_directory).display()
        );
        return Err(Refusal::Other(text));
    }
    let existing = |folder: std::path::PathBuf, setting: bool| (setting || folder.exists()).then_some(folder);
    let path = |setting| settings.policy_path(policy, setting);
    let config = PolicyConfig {
        scope: policy.scope,
        private_key: path(policy.private_key),
        private_key_password: settings.value(policy.private_key_password),
        public_certificate: path(policy.public_certificate),
        trusted_directory: existing(path(policy.trusted_dir), !settings.value(policy.trust_all)),
        revoked_directory: existing(path(policy.revoked_dir), settings.is_explicitly_set(policy.revoked_dir)),
        client_authentication: match settings.value(policy.client_auth) {
            ClientAuthentication::None => bastide_tls::ClientAuthentication::None,
            ClientAuthentication::Optional => bastide_tls::ClientAuthentication::Optional,
            ClientAuthentication::Require => bastide_tls::ClientAuthentication::Require,
        },
        trust_all: settings.value(policy.trust_all),
        verify_hostname: settings.value(policy.verify_hostname),
        serves_both_ends: false,
        ciphers: settings.value(policy.ciphers),
        versions: settings.value(policy.tls_versions).into_iter().map(version).collect(),
        application_protocols: Vec::new(),
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let policy = Policy::load(config, i64::try_from(now.as_secs()).unwrap_or_default());
    policy
        .map(Channel::of)
        .map_err(|faults| Refusal::Other(faults.to_string()))
}

fn version(version: TlsVersion) -> bastide_tls::TlsVersion {
    match version {
        TlsVersion::Tls12 => bastide_tls::TlsVersion::Tls12,
        TlsVersion::Tls13 => bastide_tls::TlsVersion::Tls13,
    }
}

fn run(
    prepared: &Prepared,
    given: &BackupArguments,
    errors: &mut dyn Write,
    all: &mut Vec<Taken>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let dialer = TlsDialer::new(
        std::sync::Arc::clone(&prepared.channel),
        prepared.host.clone(),
        prepared.port,
    );
    let source = format!("{}:{}", prepared.host, prepared.port);
    let request = TakeRequest {
        pattern: &given.database,
        folder: &given.to_path,
        source: &source,
        key_ring: &prepared.key_ring,
        retries_max: given.retries,
        retry_pause: RETRY_PAUSE,
    };
    let mut shown = Shown(Progress::new(errors));
    let result = runtime.block_on(take(&dialer, request, &mut shown, &mut |taken| all.push(taken)));
    shown.0.end();
    result.map_err(|error| match &error {
        TakeError::Disk { .. } => with_causes(&error),
        _ => format!("the backup was not taken: {}", with_causes(&error)),
    })
}

struct Shown<'a>(Progress<'a>);

impl TakeEvents for Shown<'_> {
    fn begins(&mut self, database: &str, chunks: u64, passed: u64) {
        self.0.begin(&format!("{database} "), chunks, passed);
    }

    fn advances(&mut self, chunks: u64, file_bytes: u64) {
        self.0.advance(chunks, file_bytes);
    }

    fn verifies(&mut self, file_bytes: u64) {
        self.0.begin("reading back ", file_bytes, 0);
    }

    fn verified(&mut self, file_bytes: u64) {
        self.0.move_to(file_bytes);
    }

    fn notice(&mut self, text: &str) {
        // Whoever closed standard error does not want to be told.
        let _ = self.0.notice(text);
    }
}

fn print(taken: &Taken, output: &mut dyn Write) -> io::Result<()> {
    let verified = &taken.verified;
    writeln!(
        output,
        "backed up {} at commit {} to `{}`: {} ({} before compression), read back and found whole",
        verified.header.database,
        verified.header.commit,
        taken.path.display(),
        size(verified.file_bytes),
        size(verified.totals.bytes)
    )
}

fn as_json(taken: &Taken) -> Value {
    let mut described = described(&taken.path, &taken.verified);
    if let Some(fields) = described.as_object_mut() {
        fields.insert("resumed".to_owned(), taken.resumed.into());
    }
    described
}

/// For messages of the other verbs.
pub(crate) fn origin(path: &Path, header: &bastide_backup::Header) -> String {
    format!(
        "`{}` ({} of {})",
        path.display(),
        header.database,
        time_text(header.time_ms)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_leave_out_the_port() {
        for (text, host, port) in [
            ("db.example.org:7000", "db.example.org", 7000),
            ("db.example.org", "db.example.org", 6362),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:7000", "::1", 7000),
            ("[::1]", "::1", 6362),
            ("::1", "::1", 6362),
        ] {
            assert_eq!(host_and_port(text), Some((host.to_owned(), port)), "{text}");
        }
        for text in ["", ":6362", "a:b", "a:99999", "[::1", "[::1]x"] {
            assert_eq!(host_and_port(text), None, "{text}");
        }
    }
}
