//! What must hold of every row.

use std::collections::HashSet;

use super::*;
use crate::row::{Kind, Setting, SettingType};
use crate::value::{self, Value};

pub(crate) fn assert_default_reads<T: SettingType>(setting: Setting<T>) {
    let value = crate::load::default_value(setting.row());
    assert!(
        T::from_value(&value).is_some(),
        "{} cannot be read as its type",
        setting.name()
    );
}

#[test]
fn names_are_unique() {
    let mut names = HashSet::new();
    for row in rows() {
        assert!(names.insert(row.name), "{}", row.name);
    }
}

#[test]
fn every_row_has_help_in_whole_sentences() {
    for row in rows() {
        let help = row.help.trim();
        assert!(
            help.len() > 20 && help.ends_with('.') && !help.contains("  "),
            "{}: {help}",
            row.name
        );
    }
}

#[test]
fn every_default_passes_its_own_validator_and_survives_being_shown() {
    for row in rows() {
        let Some(default) = row.default else { continue };
        let value = value::parse(row.kind, default).unwrap_or_else(|invalid| panic!("{}: {invalid:?}", row.name));
        let shown = value.to_string();
        let again = value::parse(row.kind, &shown).unwrap_or_else(|invalid| panic!("{}: {invalid:?}", row.name));
        assert_eq!(again.to_string(), shown, "{}", row.name);
    }
}

#[test]
fn every_default_reads_as_the_type_of_its_handle() {
    server::handles::assert_defaults_read_as_their_types();
    connectors::handles::assert_defaults_read_as_their_types();
    security::handles::assert_defaults_read_as_their_types();
    database::handles::assert_defaults_read_as_their_types();
    for policy in policy::ALL {
        assert_default_reads(policy.enabled);
        assert_default_reads(policy.base_directory);
        assert_default_reads(policy.private_key);
        assert_default_reads(policy.private_key_password);
        assert_default_reads(policy.public_certificate);
        assert_default_reads(policy.trusted_dir);
        assert_default_reads(policy.revoked_dir);
        assert_default_reads(policy.verify_hostname);
        assert_default_reads(policy.ciphers);
        assert_default_reads(policy.tls_versions);
        assert_default_reads(policy.client_auth);
        assert_default_reads(policy.trust_all);
    }
}

#[test]
fn handles_of_whole_numbers_that_cannot_be_negative_have_no_negative_limit() {
    for row in rows() {
        if let Kind::Integer(low, high) = row.kind {
            assert!(low >= 0 && low < high, "{}", row.name);
        }
    }
}

#[test]
fn there_are_four_policies_of_the_same_suffixes() {
    assert_eq!(policy::rows().count(), 48);
    for scope in policy::SCOPES {
        for suffix in policy::suffixes() {
            let name = format!("{}{scope}.{suffix}", policy::PREFIX);
            assert!(rows().any(|row| row.name == name), "{name}");
        }
    }
}

#[test]
fn what_differs_from_neo4j_is_the_safe_way_round() {
    let default = |name: &str| rows().find(|row| row.name == name).unwrap().default.unwrap();
    assert_eq!(default("server.bolt.tls_level"), "REQUIRED");
    assert_eq!(default("server.http.enabled"), "false");
    assert_eq!(default("server.https.enabled"), "true");
    assert_eq!(default("server.default_listen_address"), "localhost");
    assert_eq!(default("dbms.security.load_csv.http_enabled"), "false");
    assert!(matches!(value::parse(Kind::Secret, "x"), Ok(Value::Secret(_))));
}
