//! Cases of loading: good files, every kind of fault, one report.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::value::{ClientAuthentication, TlsLevel};

/// Loads `text` as the file of a scratch home directory.
fn load_with(text: &str, overrides: &[(&str, &str)], options: LoadOptions, mode: u32) -> Result<Settings, Vec<Fault>> {
    let scratch = tempfile::tempdir().unwrap();
    let conf = scratch.path().join("bastide.conf");
    std::fs::write(&conf, text).unwrap();
    std::fs::set_permissions(&conf, std::fs::Permissions::from_mode(mode)).unwrap();
    let overrides: Vec<Override> = overrides
        .iter()
        .map(|(name, value)| Override {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    Settings::load(scratch.path(), &conf, &overrides, options).map_err(|faults| faults.0)
}

fn load(text: &str) -> Result<Settings, Vec<Fault>> {
    load_with(text, &[], LoadOptions::default(), 0o600)
}

fn only_fault(text: &str) -> String {
    let faults = load(text).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].to_string()
}

const EXPAND: LoadOptions = LoadOptions {
    expand_commands: true,
    conf_must_exist: false,
};

#[test]
fn defaults_are_sound_and_closed() {
    let settings = load("").unwrap();
    assert!(settings.warnings().is_empty());
    assert_eq!(settings.value(names::SERVER_BOLT_TLS_LEVEL), TlsLevel::Required);
    assert_eq!(
        settings.listen_address(names::SERVER_BOLT_LISTEN_ADDRESS).to_string(),
        "localhost:7687"
    );
    assert!(settings.listen_address(names::SERVER_BOLT_LISTEN_ADDRESS).is_loopback());
    assert!(!settings.value(names::SERVER_HTTP_ENABLED));
    assert_eq!(
        settings.value(policy::CLUSTER.client_auth),
        ClientAuthentication::Require
    );
    assert!(settings.value(policy::BOLT.private_key_password).is_none());
    assert!(!settings.is_policy_configured(&policy::BOLT));
}

#[test]
fn a_file_sets_values_and_paths_are_taken_from_the_home_directory() {
    let text = "server.directories.data=/var/data\nserver.bolt.listen_address=[::1]:0\ndb.transaction.timeout=1h30m\n\
                dbms.ssl.policy.bolt.enabled=true\ndbms.ssl.policy.bolt.base_directory=tls\n";
    let settings = load(text).unwrap();
    assert_eq!(settings.path(names::SERVER_DIRECTORIES_DATA), Path::new("/var/data"));
    assert_eq!(
        settings.path(names::SERVER_DIRECTORIES_LOGS),
        settings.home().join("logs")
    );
    assert_eq!(
        settings.listen_address(names::SERVER_BOLT_LISTEN_ADDRESS).to_string(),
        "[::1]:0"
    );
    assert_eq!(settings.value(names::DB_TRANSACTION_TIMEOUT).as_secs(), 5400);
    let key = settings.policy_path(&policy::BOLT, policy::BOLT.private_key);
    assert_eq!(key, settings.home().join("tls/private.key"));
    assert!(settings.is_policy_configured(&policy::BOLT) && !settings.is_policy_configured(&policy::HTTPS));
    let advertised = settings.advertised_address(names::SERVER_BOLT_ADVERTISED_ADDRESS);
    assert_eq!((advertised.host.as_str(), advertised.port), ("localhost", None));
}

#[test]
fn a_neo4j_conf_of_the_usual_kind_works_unchanged() {
    let text = "server.directories.import=import\nserver.directories.plugins=plugins\n\
                server.memory.heap.initial_size=512m\nserver.memory.heap.max_size=1G\nserver.memory.pagecache.size=10g\n\
                server.bolt.enabled=true\nserver.http.enabled=true\nserver.https.enabled=false\n\
                db.tx_log.rotation.retention_policy=2 days 2G\nserver.jvm.additional=-XX:+UseG1GC\n\
                server.jvm.additional=-XX:-OmitStackTraceInFastThrow\nserver.windows_service_name=neo4j\n\
                dbms.security.procedures.allowlist=apoc.coll.*,apoc.load.*\n";
    let settings = load(text).unwrap();
    assert_eq!(settings.warnings().len(), 8, "{:?}", settings.warnings());
    assert!(settings.value(names::SERVER_HTTP_ENABLED));
}

#[test]
fn every_fault_is_in_one_report_with_its_place() {
    let text = "server.blot.enabled=true\nserver.bolt.enabled=maybe\nnonsense\n\ndbms.security.ldap.host=x\n\
                server.http.enabled=true\nserver.http.enabled=false\n";
    let faults = load(text).unwrap_err();
    assert_eq!(
        faults.iter().map(|fault| fault.line).collect::<Vec<_>>(),
        [1, 2, 3, 5, 7].map(Some)
    );
    let report = ConfigurationFaults(faults).to_string();
    for part in [
        "5 faults",
        "bastide.conf:1: `server.blot.enabled`: there is no such setting",
        "did you mean `server.bolt.enabled`?",
        "`maybe` is not a boolean",
        "is set twice, first on line 6",
        "LDAP comes in a later release",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
}

#[test]
fn misspelled_policy_settings_are_faults_even_without_strict_validation() {
    let lax = "server.config.strict_validation.enabled=false\n";
    assert!(
        only_fault(&format!("{lax}dbms.ssl.policy.bolt.enable=true"))
            .contains("did you mean `dbms.ssl.policy.bolt.enabled`?")
    );
    assert!(
        only_fault(&format!("{lax}dbms.ssl.policy.blot.enabled=true"))
            .contains("did you mean `dbms.ssl.policy.bolt.enabled`?")
    );
    assert!(only_fault("dbms.ssl.policy.bolt.allow_key_generation=true").contains("any more"));
    assert!(only_fault("dbms.ssl.policy.bolt.tls_level=REQUIRED").contains("server.bolt.tls_level"));
    assert!(only_fault("dbms.ssl.policy.bolt=true").contains("the settings of a policy are"));
    assert!(
        only_fault("dbms.ssl.policy.bolt.client_auth=REQUIRED\ndbms.ssl.policy.bolt.enabled=true")
            .contains("did you mean `REQUIRE`?")
    );
}

#[test]
fn unknown_settings_are_only_warned_of_without_strict_validation() {
    let settings = load("server.config.strict_validation.enabled=false\nmy.own=1\n").unwrap();
    assert_eq!(settings.warnings().len(), 1);
}

#[test]
fn a_policy_that_is_set_but_not_switched_on_is_a_fault() {
    assert!(only_fault("dbms.ssl.policy.bolt.private_key=k.pem").contains("add `dbms.ssl.policy.bolt.enabled=true`"));
    assert!(only_fault("dbms.ssl.policy.bolt.enabled=false").contains("`server.bolt.tls_level` is `REQUIRED`"));
    assert!(load("dbms.ssl.policy.cluster.enabled=false\ndbms.ssl.policy.cluster.private_key=k.pem").is_ok());
}

#[test]
fn metrics_are_told_on_loopback_only() {
    let text = "server.metrics.prometheus.enabled=true\nserver.metrics.prometheus.endpoint=0.0.0.0:2004\n";
    assert!(only_fault(text).contains("server.metrics.prometheus.endpoint"));
    assert!(load("server.metrics.prometheus.enabled=true\n").is_ok());
}

#[test]
fn plain_text_off_loopback_needs_confirmation() {
    let open = "server.default_listen_address=0.0.0.0\n";
    assert!(load(open).is_ok(), "TLS may be offered to everybody");
    for level in ["OPTIONAL", "DISABLED"] {
        let text = format!("{open}server.bolt.tls_level={level}\n");
        assert!(only_fault(&text).contains("server.bolt.plaintext_off_loopback_enabled=true"));
        assert!(load(&format!("{text}server.bolt.plaintext_off_loopback_enabled=true")).is_ok());
        assert!(
            load(&format!(
                "server.bolt.tls_level={level}\nserver.bolt.listen_address=127.0.0.1:7687"
            ))
            .is_ok()
        );
    }
    let http = format!("{open}server.http.enabled=true\n");
    assert!(only_fault(&http).contains("server.http.plaintext_off_loopback_enabled=true"));
    assert!(load(&format!("{http}server.http.plaintext_off_loopback_enabled=true")).is_ok());
}

#[test]
fn no_login_is_for_loopback_only() {
    assert!(load("dbms.security.auth_enabled=false").is_ok());
    assert!(
        only_fault("dbms.security.auth_enabled=false\nserver.bolt.listen_address=0.0.0.0:7687")
            .contains("other machines")
    );
}

#[test]
fn two_connectors_on_one_port_are_a_fault_unless_the_system_chooses_it() {
    assert!(only_fault("server.https.listen_address=:7687").contains("is taken by `server.bolt.listen_address`"));
    assert!(only_fault("server.https.listen_address=0.0.0.0:7687").contains("is taken"));
    assert!(load("server.https.listen_address=:0\nserver.bolt.listen_address=:0").is_ok());
    assert!(load("server.https.listen_address=:7687\nserver.bolt.enabled=false").is_ok());
}

#[test]
fn a_default_address_with_a_port_is_a_fault() {
    assert!(only_fault("server.default_listen_address=localhost:7687").contains("leave the port out"));
}

#[test]
fn the_command_line_wins_over_the_file() {
    let overrides = [("server.bolt.listen_address", ":1")];
    let settings = load_with(
        "server.bolt.listen_address=:2",
        &overrides,
        LoadOptions::default(),
        0o600,
    )
    .unwrap();
    assert_eq!(settings.listen_address(names::SERVER_BOLT_LISTEN_ADDRESS).port, 1);
}

#[test]
fn a_missing_file_is_an_empty_one_unless_it_was_named() {
    let home = Path::new("/no/such/home");
    assert!(Settings::load(home, &home.join("x.conf"), &[], LoadOptions::default()).is_ok());
    let options = LoadOptions {
        conf_must_exist: true,
        expand_commands: false,
    };
    assert!(
        Settings::load(home, &home.join("x.conf"), &[], options)
            .unwrap_err()
            .to_string()
            .contains("no such file")
    );
}

#[test]
fn commands_are_run_only_when_asked_for() {
    let text = "dbms.ssl.policy.bolt.enabled=true\ndbms.ssl.policy.bolt.private_key_password=$(echo hunter2)\n\
                db.transaction.timeout=$(echo 5s)\n";
    let faults = load(text).unwrap_err();
    assert_eq!(faults.len(), 2);
    assert!(faults[0].to_string().contains("--expand-commands"));
    let settings = load_with(text, &[], EXPAND, 0o640).unwrap();
    let password = settings.value(policy::BOLT.private_key_password).unwrap();
    assert_eq!(password.expose(), "hunter2");
    assert_eq!(settings.value(names::DB_TRANSACTION_TIMEOUT).as_secs(), 5);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_file_with_commands_that_is_too_open_runs_none_of_them() {
    let scratch = tempfile::tempdir().unwrap();
    let witness = scratch.path().join("witness");
    let text = format!("db.transaction.timeout=$(touch {})\n", witness.display());
    for mode in [0o644, 0o660, 0o700, 0o641] {
        let faults = load_with(&text, &[], EXPAND, mode).unwrap_err();
        assert_eq!(faults.len(), 1, "{mode:o}");
        assert!(faults[0].to_string().contains("chmod 640"), "{mode:o}");
        assert!(!witness.exists(), "{mode:o}");
    }
    // With a mode that passes it runs, and what it prints is no duration.
    assert_eq!(load_with(&text, &[], EXPAND, 0o640).unwrap_err().len(), 1);
    assert!(witness.exists());
    assert!(
        load_with("db.transaction.timeout=5s", &[], EXPAND, 0o644).is_ok(),
        "no command, no rule"
    );
}

#[test]
fn failing_commands_and_wrong_output_are_faults_that_keep_the_output_secret() {
    for command in ["sh -c 'echo hunter2; exit 1'", "echo hunter2"] {
        let text = format!("db.transaction.timeout=$({command})");
        let faults = load_with(&text, &[], EXPAND, 0o600).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert!(!faults[0].to_string().contains("hunter2"), "{}", faults[0]);
    }
}

#[test]
fn show_settings_masks_secrets_and_lists_everything() {
    let text = "dbms.ssl.policy.bolt.enabled=true\ndbms.ssl.policy.bolt.private_key_password=hunter2";
    let settings = load(text).unwrap();
    let listed: Vec<SettingRow> = settings.iter().collect();
    assert_eq!(listed.len(), rows().count());
    assert!(listed.is_sorted_by_key(|row| row.name));
    let password = listed
        .iter()
        .find(|row| row.name == "dbms.ssl.policy.bolt.private_key_password")
        .unwrap();
    assert_eq!(
        (password.value.as_str(), password.is_explicitly_set),
        ("********", true)
    );
    assert!(!format!("{listed:?}").contains("hunter2"));
    let timeout = listed.iter().find(|row| row.name == "db.transaction.timeout").unwrap();
    assert_eq!(
        (timeout.value.as_str(), timeout.is_dynamic, timeout.is_explicitly_set),
        ("0s", false, false)
    );
}

#[test]
fn a_file_that_anybody_can_write_is_a_fault() {
    let faults = load_with("db.transaction.timeout=5s", &[], LoadOptions::default(), 0o666).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].to_string().contains("write this configuration file"),
        "{}",
        faults[0]
    );
    assert!(load_with("db.transaction.timeout=5s", &[], LoadOptions::default(), 0o664).is_ok());
}

const CIPHERS: &str = "dbms.ssl.policy.bolt.ciphers";

#[test]
fn a_dynamic_setting_can_be_changed_and_a_bad_value_keeps_the_old_one() {
    let settings = load(&format!("dbms.ssl.policy.bolt.enabled=true\n{CIPHERS}=A")).unwrap();
    let ciphers = |settings: &Settings| settings.value(policy::BOLT.ciphers);
    let changed = settings.with_changed(CIPHERS, "B,C").unwrap();
    assert_eq!(ciphers(&changed).unwrap(), ["B", "C"]);
    assert_eq!(ciphers(&changed.with_changed(CIPHERS, "").unwrap()), None);
    for (name, value, problem) in [
        ("dbms.ssl.policy.bolt.trust_all", "perhaps", "`true`"),
        (
            "dbms.ssl.policy.bolt.cipher",
            "A",
            "did you mean `dbms.ssl.policy.bolt.ciphers`?",
        ),
        (
            "dbms.ssl.policy.bolt.enabled",
            "false",
            "cannot be changed while the server runs",
        ),
        (
            "server.bolt.tls_level",
            "DISABLED",
            "cannot be changed while the server runs",
        ),
        (
            "dbms.ssl.policy.bolt.private_key_password",
            "$(cat /etc/shadow)",
            "commands of clients are not run",
        ),
    ] {
        let report = settings.with_changed(name, value).unwrap_err().to_string();
        assert!(report.contains(problem), "{report}");
    }
    assert_eq!(ciphers(&settings).unwrap(), ["A"]);
}

#[test]
fn the_password_of_a_key_is_read_again_from_its_command() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("password");
    std::fs::write(&file, "one\n").unwrap();
    let text = format!(
        "dbms.ssl.policy.bolt.enabled=true\ndbms.ssl.policy.bolt.private_key_password=$(cat {})",
        file.display()
    );
    let settings = load_with(&text, &[], EXPAND, 0o600).unwrap();
    let password = |settings: &Settings| {
        settings
            .value(policy::BOLT.private_key_password)
            .unwrap()
            .expose()
            .clone()
    };
    std::fs::write(&file, "two\n").unwrap();
    assert_eq!(password(&settings), "one");
    assert_eq!(password(&settings.with_key_passwords_read_again().unwrap()), "two");
    std::fs::remove_file(&file).unwrap();
    let report = settings.with_key_passwords_read_again().unwrap_err().to_string();
    assert!(report.contains("its command failed"), "{report}");
}

#[test]
fn a_password_encrypted_with_the_certificate_is_warned_of() {
    let scratch = tempfile::tempdir().unwrap();
    let certificate = scratch.path().join("public.crt");
    std::fs::write(&certificate, "certificate").unwrap();
    let line = format!(
        "base64 -w 0 {} | sh -c 'cat > /dev/null; echo hunter2 # openssl -d -pass stdin'",
        certificate.display()
    );
    let text = format!("dbms.ssl.policy.bolt.enabled=true\ndbms.ssl.policy.bolt.private_key_password=$({line})");
    let settings = load_with(&text, &[], EXPAND, 0o600).unwrap();
    let warning = settings.warnings()[0].to_string();
    assert!(
        warning.contains("protects nothing") && warning.contains("LoadCredential") && !warning.contains("hunter2"),
        "{warning}"
    );
}

#[test]
fn the_backup_channel_needs_a_policy_that_asks_for_certificates() {
    let fault = only_fault("server.backup.enabled=true");
    assert!(fault.contains("dbms.ssl.policy.backup.enabled=true"), "{fault}");
    let enabled = "server.backup.enabled=true\ndbms.ssl.policy.backup.enabled=true\n";
    assert!(load(enabled).is_ok());
    let fault = only_fault(&format!("{enabled}dbms.ssl.policy.backup.client_auth=OPTIONAL"));
    assert!(fault.contains("write `REQUIRE`"), "{fault}");
    let trusting = format!("{enabled}dbms.ssl.policy.backup.trust_all=true\n");
    assert!(load(&trusting).is_ok());
    let fault = only_fault(&format!("{trusting}server.backup.listen_address=0.0.0.0:6362"));
    assert!(fault.contains("take backups"), "{fault}");
}

#[test]
fn certificates_are_no_logins_where_they_are_not_verified() {
    let rules = "dbms.security.authentication.certificate.rules=cn:alice=alice\n";
    let fault = only_fault(rules);
    assert!(fault.contains("no client is asked for one"), "{fault}");
    let text = format!("{rules}dbms.ssl.policy.bolt.enabled=true\n");
    let settings = load(&text).unwrap();
    let fault = only_fault(&format!("{text}dbms.ssl.policy.bolt.trust_all=true\n"));
    assert!(fault.contains("log in as anybody"), "{fault}");
    assert!(settings.with_changed("dbms.ssl.policy.bolt.trust_all", "true").is_err());
}
