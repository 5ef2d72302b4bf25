//! Policies of a running server: changed, reloaded, seen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bastide_model::Value;
use bastide_settings::{LoadOptions, Override};

use super::*;

/// A home with one policy, `bolt`, served from a certificate of its own.
pub(crate) struct Home {
    scratch: tempfile::TempDir,
    pub(crate) folder: PathBuf,
}

impl Home {
    pub(crate) fn with_policy() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("certificates/bolt");
        let home = Self { scratch, folder };
        home.make_certificate(&home.folder);
        home
    }

    pub(crate) fn make_certificate(&self, folder: &Path) {
        let made = tempfile::tempdir_in(self.scratch.path()).unwrap();
        let made = made.path().join("made");
        bastide_tls::create_development_certificates(&made, &["bolt"]).unwrap();
        for name in ["trusted", "revoked"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for name in ["private.key", "public.crt"] {
            let _ = fs::remove_file(folder.join(name));
            fs::copy(made.join("bolt").join(name), folder.join(name)).unwrap();
        }
    }

    pub(crate) fn service(&self) -> Arc<TlsService> {
        self.service_with(&[])
    }

    fn service_with(&self, more: &[(&str, &str)]) -> Arc<TlsService> {
        let given = [
            ("dbms.ssl.policy.bolt.enabled", "true"),
            ("server.https.enabled", "false"),
        ];
        let overrides: Vec<_> = given
            .iter()
            .chain(more)
            .map(|(name, value)| Override {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let none = Path::new("/no/such/file");
        let settings = Settings::load(self.scratch.path(), none, &overrides, LoadOptions::default()).unwrap();
        let configs = tls_policies::configs(&settings);
        let read = Contents::of(&configs);
        let channels = Channels::load(configs, seconds_now()).unwrap();
        TlsService::new(settings, Arc::new(channels), read)
    }
}

fn allow(_name: &'static str, _shown: &str) -> Result<()> {
    Ok(())
}

fn waiting(service: &TlsService) -> Vec<String> {
    let rows = service.tls_policies();
    let Some(Value::List(names)) = rows[0].get("settingsWaiting") else {
        panic!("no list")
    };
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn fingerprint(service: &TlsService) -> String {
    let policy = service.channels.channel("bolt").unwrap().policy().unwrap();
    policy.certificates()[0].fingerprint.clone()
}

#[test]
fn a_new_certificate_is_put_in_force_and_a_bad_one_leaves_the_old() {
    let home = Home::with_policy();
    let service = home.service();
    let before = fingerprint(&service);
    home.make_certificate(&home.folder);
    assert_eq!(service.reload_tls().unwrap(), 2);
    let after = fingerprint(&service);
    assert_ne!(before, after);

    fs::remove_file(home.folder.join("public.crt")).unwrap();
    fs::write(home.folder.join("public.crt"), "nonsense").unwrap();
    let refused = service.reload_tls().unwrap_err();
    assert!(refused.message().contains("public.crt"), "{}", refused.message());
    assert_eq!((fingerprint(&service), service.channels.generation()), (after, 2));
    let reloads = service.reloads();
    assert_eq!((reloads.done, reloads.failed), (1, 1));
    let rows = service.tls_policies();
    let error = rows[0].get("lastReloadError").and_then(Value::as_str).unwrap();
    assert!(error.contains("public.crt"), "{error}");
}

#[test]
fn a_key_that_others_can_read_is_not_reloaded() {
    let home = Home::with_policy();
    let service = home.service();
    let key = home.folder.join("private.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = service.reload_tls().unwrap_err();
    assert!(refused.message().contains("chmod 400"), "{}", refused.message());
    assert_eq!(service.channels.generation(), 1);
}

#[test]
fn a_changed_setting_takes_effect_with_the_next_reload_that_is_asked_for() {
    let home = Home::with_policy();
    let service = home.service();
    let other = home.folder.with_file_name("other");
    home.make_certificate(&other);
    let before = fingerprint(&service);
    let name = "dbms.ssl.policy.bolt.base_directory";
    let shown = |service: &TlsService| {
        let rows = ServerControl::settings(service);
        let row = rows.into_iter().find(|row| row.name == name).unwrap();
        (row.value, row.startup_value, row.is_dynamic)
    };
    let folder = other.to_str().unwrap();
    service.change_setting(name, folder, &allow).unwrap();
    let default = "certificates/bolt".to_owned();
    assert_eq!(shown(&service), (default.clone(), default.clone(), true), "in force");
    assert_eq!(waiting(&service), [name]);
    assert_eq!(service.reload(With::InForce), Ok(2));
    assert_eq!(fingerprint(&service), before);
    assert_eq!(service.reload(With::Current), Ok(3));
    assert_eq!(shown(&service), (folder.to_owned(), default, true));
    assert!(waiting(&service).is_empty());
    assert_ne!(fingerprint(&service), before);
}

#[test]
fn what_cannot_be_changed_or_recorded_is_not_changed() {
    let home = Home::with_policy();
    let service = home.service();
    for (name, value) in [
        ("dbms.ssl.policy.bolt.enabled", "false"),
        ("dbms.ssl.policy.https.trust_all", "true"),
        ("dbms.ssl.policy.bolt.client_auth", "SOMETIMES"),
        ("server.bolt.tls_level", "DISABLED"),
        ("no.such.setting", "x"),
    ] {
        assert!(service.change_setting(name, value, &allow).is_err(), "{name}");
    }
    let refuse = |_: &'static str, _: &str| Err(Status::new(Code::StorageFailed, "no audit"));
    let name = "dbms.ssl.policy.bolt.trust_all";
    assert!(service.change_setting(name, "true", &refuse).is_err());
    assert!(waiting(&service).is_empty());
    let seen = Mutex::new(String::new());
    let remember = |_: &'static str, shown: &str| {
        *seen.lock().unwrap() = shown.to_owned();
        Ok(())
    };
    let name = "dbms.ssl.policy.bolt.private_key_password";
    service.change_setting(name, "hunter2", &remember).unwrap();
    assert_eq!(*seen.lock().unwrap(), "********");
    assert_eq!(waiting(&service), [name]);
    service.change_setting(name, "hunter3", &allow).unwrap();
    assert!(service.reload(With::Current).is_ok(), "the key is not encrypted");
    service.change_setting(name, "hunter4", &allow).unwrap();
    assert_eq!(waiting(&service), [name]);
}

#[test]
fn a_reload_tells_every_reason_at_once() {
    let home = Home::with_policy();
    let service = home.service();
    fs::set_permissions(&home.folder, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(home.folder.join("trusted/note.txt"), "nonsense").unwrap();
    fs::remove_dir(home.folder.join("revoked")).unwrap();
    let reasons = service.reload(With::InForce).unwrap_err();
    for wanted in ["chmod", "trusted/note.txt", "revoked"] {
        assert!(reasons.contains(wanted), "{wanted}: {reasons}");
    }
}

#[test]
fn development_certificates_are_not_put_in_force_where_other_machines_connect() {
    let home = Home::with_policy();
    // The home's certificates are development certificates, which a start would have refused.
    let service = home.service_with(&[("server.bolt.listen_address", "0.0.0.0:7687")]);
    let reasons = service.reload(With::InForce).unwrap_err();
    assert!(reasons.contains("only development certificates"), "{reasons}");
    assert_eq!(service.channels.generation(), 1);
}
