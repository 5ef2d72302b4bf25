//! Cases of logging in, permits and revocation.

use super::*;
use crate::permit::{AdministrationPermit, LoadPermit, OwnPasswordPermit, ReadPermit, SchemaPermit, WritePermit};

const WRITE: Scope<'static> = Scope {
    database: "neo4j",
    access_mode: AccessMode::Write,
};
const READ: Scope<'static> = Scope {
    database: "neo4j",
    access_mode: AccessMode::Read,
};

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn user(password: &str) -> User {
    User {
        name: "ada".parse().unwrap(),
        credential: PasswordHash::create(&secret(password), &[3; 16]).unwrap(),
        password_change_required: false,
        suspended: false,
        administrator: true,
        home_database: Some("graph".to_owned()),
    }
}

fn authority() -> Authority {
    Authority::new(AuthorityConfig::default(), &[9; 32])
}

fn log_in(authority: &Authority, user: &User, password: &str) -> Result<Principal, AuthenticationFailure> {
    authority
        .authenticate(Some(user), &secret(password), Instant::now())?
        .confirm(Some(user))
}

#[test]
fn the_right_password_logs_in_and_a_wrong_one_does_not() {
    let (authority, user) = (authority(), user("right"));
    let principal = log_in(&authority, &user, "right").unwrap();
    assert_eq!((principal.user(), principal.home_database()), ("ada", Some("graph")));
    assert_eq!(
        log_in(&authority, &user, "wrong").unwrap_err(),
        AuthenticationFailure::WrongPassword
    );
    let nobody = authority.authenticate(None, &secret("right"), Instant::now());
    assert_eq!(nobody.unwrap_err(), AuthenticationFailure::UnknownUser);
}

#[test]
fn a_suspended_user_is_refused_even_with_the_right_password() {
    let (authority, mut user) = (authority(), user("right"));
    user.suspended = true;
    assert_eq!(
        log_in(&authority, &user, "right").unwrap_err(),
        AuthenticationFailure::Suspended
    );
    assert_eq!(
        log_in(&authority, &user, "wrong").unwrap_err(),
        AuthenticationFailure::WrongPassword
    );
}

#[test]
fn who_is_no_administrator_may_do_all_but_administer_until_that_changes() {
    let authority = authority();
    let mut user = User {
        administrator: false,
        ..user("right")
    };
    let principal = log_in(&authority, &user, "right").unwrap();
    assert!(authority.decide::<WritePermit>(&principal, WRITE).is_ok());
    assert!(authority.decide::<OwnPasswordPermit>(&principal, WRITE).is_ok());
    let refused = |principal| match authority.decide::<AdministrationPermit>(principal, WRITE) {
        Err(Denied::NotAdministrator { user }) => user.as_ref() == "ada",
        _ => false,
    };
    assert!(refused(&principal) && !principal.is_administrator());
    user.administrator = true;
    authority.user_changed(&user);
    assert!(authority.decide::<AdministrationPermit>(&principal, WRITE).is_ok());
    user.administrator = false;
    authority.user_changed(&user);
    assert!(refused(&principal));
}

#[test]
fn an_administrator_may_do_everything_in_a_write_session() {
    let authority = authority();
    let principal = log_in(&authority, &user("right"), "right").unwrap();
    let permit: WritePermit = authority.decide(&principal, WRITE).unwrap();
    assert_eq!((permit.user(), permit.database()), ("ada", "neo4j"));
    assert!(authority.decide::<ReadPermit>(&principal, WRITE).is_ok());
    assert!(authority.decide::<SchemaPermit>(&principal, WRITE).is_ok());
    assert!(authority.decide::<AdministrationPermit>(&principal, WRITE).is_ok());
    assert!(authority.decide::<LoadPermit>(&principal, WRITE).is_ok());
    assert!(authority.decide::<OwnPasswordPermit>(&principal, WRITE).is_ok());
}

#[test]
fn a_read_session_gets_no_permit_to_change_anything() {
    let authority = authority();
    let principal = log_in(&authority, &user("right"), "right").unwrap();
    assert!(authority.decide::<ReadPermit>(&principal, READ).is_ok());
    assert!(matches!(
        authority.decide::<WritePermit>(&principal, READ),
        Err(Denied::ReadOnlySession { .. })
    ));
    assert!(matches!(
        authority.decide::<SchemaPermit>(&principal, READ),
        Err(Denied::ReadOnlySession { .. })
    ));
}

#[test]
fn expired_credentials_allow_only_the_change_of_password() {
    let (authority, mut user) = (authority(), user("right"));
    user.password_change_required = true;
    let principal = log_in(&authority, &user, "right").unwrap();
    assert!(principal.password_change_required());
    assert!(matches!(
        authority.decide::<ReadPermit>(&principal, READ),
        Err(Denied::CredentialsExpired { .. })
    ));
    assert!(matches!(
        authority.decide::<AdministrationPermit>(&principal, WRITE),
        Err(Denied::CredentialsExpired { .. })
    ));
    assert!(authority.decide::<OwnPasswordPermit>(&principal, WRITE).is_ok());
    user.password_change_required = false;
    authority.user_changed(&user);
    assert!(authority.decide::<ReadPermit>(&principal, READ).is_ok());
}

#[test]
fn sessions_of_a_dropped_or_suspended_user_lose_everything_at_once() {
    let (authority, mut user) = (authority(), user("right"));
    let dropped = log_in(&authority, &user, "right").unwrap();
    authority.revoke(&user.name);
    assert!(dropped.is_revoked());
    assert!(matches!(
        authority.decide::<ReadPermit>(&dropped, READ),
        Err(Denied::Revoked { .. })
    ));
    let suspended = log_in(&authority, &user, "right").unwrap();
    assert!(
        !suspended.is_revoked(),
        "a user created again under the name starts afresh"
    );
    user.suspended = true;
    authority.user_changed(&user);
    assert!(suspended.is_revoked());
}

#[test]
fn a_user_suspended_while_the_password_was_checked_does_not_slip_in() {
    let (authority, mut user) = (authority(), user("right"));
    let unconfirmed = authority
        .authenticate(Some(&user), &secret("right"), Instant::now())
        .unwrap();
    user.suspended = true;
    assert_eq!(
        unconfirmed.confirm(Some(&user)).unwrap_err(),
        AuthenticationFailure::ChangedMeanwhile
    );
    user.suspended = false;
    let unconfirmed = authority
        .authenticate(Some(&user), &secret("right"), Instant::now())
        .unwrap();
    authority.revoke(&user.name);
    assert_eq!(
        unconfirmed.confirm(Some(&user)).unwrap_err(),
        AuthenticationFailure::ChangedMeanwhile
    );
    let unconfirmed = authority
        .authenticate(Some(&user), &secret("right"), Instant::now())
        .unwrap();
    assert_eq!(
        unconfirmed.confirm(None).unwrap_err(),
        AuthenticationFailure::ChangedMeanwhile
    );
}

#[test]
fn the_cache_lets_only_the_proven_password_in_and_only_for_a_while() {
    let (authority, user, now) = (authority(), user("right"), Instant::now());
    let cached = |password: &str, when| {
        authority
            .authenticate_from_cache(&user, &secret(password), when)
            .is_some()
    };
    assert!(!cached("right", now), "nothing is cached before a login");
    let _ = authority.authenticate(Some(&user), &secret("right"), now).unwrap();
    assert!(cached("right", now));
    assert!(!cached("wrong", now));
    assert!(!cached("right", now + Duration::from_secs(600)));
    authority.user_changed(&user);
    assert!(!cached("right", now));
}

#[test]
fn a_cached_password_is_worthless_once_it_changed_or_the_user_is_suspended() {
    let (authority, mut user, now) = (authority(), user("right"), Instant::now());
    let _ = authority.authenticate(Some(&user), &secret("right"), now).unwrap();
    user.suspended = true;
    assert!(
        authority
            .authenticate_from_cache(&user, &secret("right"), now)
            .is_none()
    );
    user.suspended = false;
    user.credential = PasswordHash::create(&secret("new"), &[4; 16]).unwrap();
    assert!(
        authority
            .authenticate_from_cache(&user, &secret("right"), now)
            .is_none()
    );
}

#[test]
fn a_cache_of_no_capacity_holds_nothing() {
    let config = AuthorityConfig {
        cache_capacity: 0,
        cache_time_to_live: None,
    };
    let (authority, user, now) = (Authority::new(config, &[1; 32]), user("right"), Instant::now());
    let _ = authority.authenticate(Some(&user), &secret("right"), now).unwrap();
    assert!(
        authority
            .authenticate_from_cache(&user, &secret("right"), now)
            .is_none()
    );
}
