//! The first user and the development certificates.
//!
//! INVARIANT: a generated password is on standard output before it opens anything, so that a crash cannot lose it; and it
//! is nowhere else.

use bastide_audit::AuditLog;
use bastide_database::Dbms;
use bastide_secret::SecretString;
use bastide_security::{GENERATED_PASSWORD_RANDOM_BYTES, generate_password};
use bastide_settings::{HomeDirectory, Settings};
use bastide_tls::create_development_certificates;
use zeroize::Zeroizing;

use crate::audit_events;
use crate::check::{CheckedConfiguration, check_configuration};
use crate::initial_password::InitialPassword;
use crate::report::{self, Addresses};
use crate::start::StartError;
use crate::tls_policies;

/// The user that is there from the start.
pub(crate) const FIRST_USER: &str = "neo4j";
/// The scopes that get development certificates.
const SCOPES: [&str; 2] = ["bolt", "https"];

/// Makes development certificates if this is the first start, and checks the configuration again with them.
pub(crate) fn certificates(
    home: &HomeDirectory,
    checked: CheckedConfiguration,
    expand_commands: bool,
) -> Result<CheckedConfiguration, StartError> {
    if !checked.policies.first_start {
        return Ok(checked);
    }
    let folder = tls_policies::development_folder(&checked.settings);
    create_development_certificates(&folder, &SCOPES).map_err(|error| StartError::Certificates(error.to_string()))?;
    Ok(check_configuration(home, expand_commands)?)
}

/// Makes the first user if there is none, and says how to log in.
pub(crate) fn user(
    dbms: &Dbms,
    audit: &AuditLog,
    settings: &Settings,
    addresses: &Addresses,
) -> Result<bool, StartError> {
    if !dbms.has_no_users() {
        InitialPassword::remove(settings);
        return Ok(false);
    }
    let given = InitialPassword::read(settings)?;
    let generated = given.is_none();
    let (hash, change_required) = match given {
        Some(given) => {
            report::first_start(addresses, None).map_err(StartError::Output)?;
            (given.hash, given.change_required)
        }
        None => {
            let password = random_password()?;
            let hash = Dbms::hash_password(&password).map_err(StartError::FirstUser)?;
            report::first_start(addresses, Some(&password)).map_err(StartError::Output)?;
            (hash, false)
        }
    };
    audit_events::record_first_user(audit, FIRST_USER, generated)?;
    dbms.create_first_user(FIRST_USER, hash, change_required)
        .map_err(StartError::FirstUser)?;
    InitialPassword::remove(settings);
    Ok(true)
}

fn random_password() -> Result<SecretString, StartError> {
    let mut random = Zeroizing::new([0; GENERATED_PASSWORD_RANDOM_BYTES]);
    aws_lc_rs::rand::fill(random.as_mut()).map_err(|_| StartError::Random)?;
    Ok(generate_password(&random))
}
