//! Commands on users: checked and hashed when they are sent, applied at once or with the commit.
//!
//! INVARIANT: every change is audited before it takes effect and says who made it; a password is never kept beyond its hash.

use std::sync::Arc;

use bastide_audit::{Action, Event, Outcome};
use bastide_cypher::ast::{AdminCommand, NameOrParameter, Password, UserChanges, UserStatus};
use bastide_model::{Map, Value};
use bastide_secret::SecretString;
use bastide_security::{AccessMode, AdministrationPermit, OwnPasswordPermit, PasswordHash, SALT_BYTES, User, UserName};
use bastide_status::{Code, Result, Status};

use crate::information;
use crate::session::Frame;
use crate::stream::ResultStream;
use crate::users::{ExclusiveUsers, UserStoreError};

/// What became of a command.
pub(crate) enum Command {
    /// It was answered.
    Answer(Box<ResultStream>),
    /// It is to be applied.
    Change(Prepared),
}

/// A checked command, with passwords hashed.
pub(crate) struct Prepared {
    change: Change,
}

enum Change {
    Create {
        name: UserName,
        or_replace: bool,
        if_not_exists: bool,
        changes: HashedChanges,
    },
    Alter {
        name: UserName,
        if_exists: bool,
        changes: HashedChanges,
    },
    Drop {
        name: UserName,
        if_exists: bool,
    },
    Rename {
        from: UserName,
        to: UserName,
        if_exists: bool,
    },
    Administrators {
        names: Vec<UserName>,
        granted: bool,
    },
    OwnPassword {
        name: UserName,
        credential: PasswordHash,
    },
}

/// [`UserChanges`] without a password in it.
#[derive(Clone, Default)]
struct HashedChanges {
    credential: Option<PasswordHash>,
    change_required: Option<bool>,
    suspended: Option<bool>,
    home_database: Option<Option<String>>,
}

/// Runs a command at once.
pub(crate) fn run(frame: &Arc<Frame>, command: &AdminCommand, parameters: &Map) -> Result<ResultStream> {
    match prepare(frame, command, parameters)? {
        Command::Answer(stream) => Ok(*stream),
        Command::Change(prepared) => {
            let updates = prepared.apply(frame)?;
            Ok(done(frame, updates))
        }
    }
}

/// The stream of a command without rows.
pub(crate) fn done(frame: &Arc<Frame>, system_updates: u64) -> ResultStream {
    ResultStream::fixed(Arc::clone(frame), Vec::new(), Vec::new(), system_updates)
}

/// Checks a command and hashes its passwords.
pub(crate) fn prepare(frame: &Arc<Frame>, command: &AdminCommand, parameters: &Map) -> Result<Command> {
    let is_change = !matches!(command, AdminCommand::TerminateTransactions { .. });
    if is_change && frame.access_mode == AccessMode::Read {
        return Err(bastide_execute::read_only_refused());
    }
    if let AdminCommand::AlterCurrentUserPassword { from, to } = command {
        let _permit: OwnPasswordPermit = frame.permit()?;
        return own_password(frame, &password(from, parameters)?, &password(to, parameters)?).map(Command::Change);
    }
    if let AdminCommand::TerminateTransactions { ids } = command {
        return information::terminate(frame, ids, parameters).map(|stream| Command::Answer(Box::new(stream)));
    }
    let _permit: AdministrationPermit = frame.permit()?;
    let change = match command {
        AdminCommand::CreateUser {
            name,
            or_replace,
            if_not_exists,
            changes,
        } => {
            if changes.password.is_none() {
                return Err(Status::new(Code::SyntaxError, "a new user needs a password")
                    .with_advice("write `CREATE USER name SET PASSWORD '…'`"));
            }
            if *or_replace && *if_not_exists {
                return Err(Status::new(
                    Code::SyntaxError,
                    "`OR REPLACE` and `IF NOT EXISTS` exclude each other",
                ));
            }
            let name = user_name(name, parameters)?;
            let changes = hashed(frame, changes, parameters)?;
            Change::Create {
                name,
                or_replace: *or_replace,
                if_not_exists: *if_not_exists,
                changes,
            }
        }
        AdminCommand::AlterUser {
            name,
            if_exists,
            changes,
        } => {
            let name = user_name(name, parameters)?;
            let changes = hashed(frame, changes, parameters)?;
            Change::Alter {
                name,
                if_exists: *if_exists,
                changes,
            }
        }
        AdminCommand::DropUser { name, if_exists } => Change::Drop {
            name: user_name(name, parameters)?,
            if_exists: *if_exists,
        },
        AdminCommand::RenameUser { from, if_exists, to } => Change::Rename {
            from: user_name(from, parameters)?,
            to: user_name(to, parameters)?,
            if_exists: *if_exists,
        },
        AdminCommand::ChangeAdministrators { users, granted } => Change::Administrators {
            names: users
                .iter()
                .map(|name| user_name(name, parameters))
                .collect::<Result<_>>()?,
            granted: *granted,
        },
        AdminCommand::TerminateTransactions { .. } | AdminCommand::AlterCurrentUserPassword { .. } => {
            return Err(Status::new(Code::UnknownError, "unreachable command"));
        }
    };
    Ok(Command::Change(Prepared { change }))
}

impl Prepared {
    /// Applies the command; says how many users it changed.
    pub(crate) fn apply(self, frame: &Frame) -> Result<u64> {
        let dbms = &frame.dbms;
        dbms.users.exclusively(|users| match self.change {
            Change::Create {
                name,
                or_replace,
                if_not_exists,
                changes,
            } => create(frame, users, name, or_replace, if_not_exists, changes),
            Change::Alter {
                name,
                if_exists,
                changes,
            } => match existing(users, &name, if_exists)? {
                Some(user) => alter(frame, users, user, changes),
                None => Ok(0),
            },
            Change::Drop { name, if_exists } => match existing(users, &name, if_exists)? {
                Some(user) => drop_user(frame, users, &user.name),
                None => Ok(0),
            },
            Change::Rename { from, to, if_exists } => match existing(users, &from, if_exists)? {
                Some(user) => rename(frame, users, user, to),
                None => Ok(0),
            },
            Change::Administrators { names, granted } => change_administrators(frame, users, &names, granted),
            Change::OwnPassword { name, credential } => {
                let user = existing(users, &name, false)?.ok_or_else(|| no_such_user(&name))?;
                audit(frame, Action::PasswordChanged, &name)?;
                let user = User {
                    credential,
                    password_change_required: false,
                    ..user
                };
                store(frame, users, user)
            }
        })
    }
}

fn create(
    frame: &Frame,
    users: &ExclusiveUsers<'_>,
    name: UserName,
    or_replace: bool,
    if_not_exists: bool,
    changes: HashedChanges,
) -> Result<u64> {
    if users.find(name.as_str()).is_some() {
        if if_not_exists {
            return Ok(0);
        }
        if !or_replace {
            return Err(Status::new(
                Code::ArgumentError,
                format!("user `{name}` already exists"),
            ));
        }
        frame.dbms.authority.revoke(&name);
        frame.dbms.registry.end_sessions(name.as_str());
    }
    audit(frame, Action::UserCreated, &name)?;
    let Some(credential) = changes.credential else {
        return Err(Status::new(Code::SyntaxError, "a new user needs a password"));
    };
    let user = User {
        name,
        credential,
        password_change_required: changes.change_required.unwrap_or(true),
        suspended: changes.suspended.unwrap_or(false),
        administrator: false,
        home_database: changes.home_database.flatten(),
    };
    store(frame, users, user)
}

fn alter(frame: &Frame, users: &ExclusiveUsers<'_>, user: User, changes: HashedChanges) -> Result<u64> {
    if changes.suspended == Some(true) && user.name.as_str() == frame.principal.user() {
        return Err(Status::new(Code::ArgumentError, "you cannot suspend yourself"));
    }
    let action = match (changes.suspended, &changes.credential) {
        (Some(true), _) => Action::UserSuspended,
        (Some(false), _) if user.suspended => Action::UserActivated,
        (_, Some(_)) => Action::PasswordChanged,
        _ => Action::UserAltered,
    };
    audit(frame, action, &user.name)?;
    let user = User {
        credential: changes.credential.unwrap_or(user.credential),
        password_change_required: changes.change_required.unwrap_or(user.password_change_required),
        suspended: changes.suspended.unwrap_or(user.suspended),
        administrator: user.administrator,
        home_database: changes.home_database.unwrap_or(user.home_database),
        name: user.name,
    };
    store(frame, users, user)
}

/// All of them or, if one does not exist, none.
fn change_administrators(frame: &Frame, users: &ExclusiveUsers<'_>, names: &[UserName], granted: bool) -> Result<u64> {
    let mut changed = Vec::new();
    for name in names {
        if !granted && name.as_str() == frame.principal.user() {
            let problem = "you cannot take the role admin from yourself";
            return Err(Status::new(Code::ArgumentError, problem).with_advice("let another administrator do it"));
        }
        changed.extend(existing(users, name, false)?.filter(|user| user.administrator != granted));
    }
    let action = if granted {
        Action::RoleGranted
    } else {
        Action::RoleRevoked
    };
    let mut updates = 0;
    for user in changed {
        audit(frame, action, &user.name)?;
        updates += store(
            frame,
            users,
            User {
                administrator: granted,
                ..user
            },
        )?;
    }
    Ok(updates)
}

fn drop_user(frame: &Frame, users: &ExclusiveUsers<'_>, name: &UserName) -> Result<u64> {
    if name.as_str() == frame.principal.user() {
        return Err(Status::new(Code::ArgumentError, "you cannot drop yourself"));
    }
    audit(frame, Action::UserDropped, name)?;
    users.remove(name).map_err(store_failed)?;
    frame.dbms.authority.revoke(name);
    frame.dbms.registry.end_sessions(name.as_str());
    Ok(1)
}

fn rename(frame: &Frame, users: &ExclusiveUsers<'_>, user: User, to: UserName) -> Result<u64> {
    if users.find(to.as_str()).is_some() {
        return Err(Status::new(Code::ArgumentError, format!("user `{to}` already exists")));
    }
    let from = user.name.clone();
    audit(frame, Action::UserRenamed, &from)?;
    users.rename(user, to).map_err(store_failed)?;
    frame.dbms.authority.revoke(&from);
    frame.dbms.registry.end_sessions(from.as_str());
    Ok(1)
}

fn store(frame: &Frame, users: &ExclusiveUsers<'_>, user: User) -> Result<u64> {
    users.put(user.clone()).map_err(store_failed)?;
    frame.dbms.authority.user_changed(&user);
    if user.suspended {
        frame.dbms.registry.end_sessions(user.name.as_str());
    }
    Ok(1)
}

fn existing(users: &ExclusiveUsers<'_>, name: &UserName, if_exists: bool) -> Result<Option<User>> {
    match users.find(name.as_str()) {
        Some(user) => Ok(Some(user)),
        None if if_exists => Ok(None),
        None => Err(no_such_user(name)),
    }
}

fn no_such_user(name: &UserName) -> Status {
    Status::new(Code::ArgumentError, format!("user `{name}` does not exist"))
        .with_advice("`SHOW USERS` lists all users")
}

fn store_failed(error: UserStoreError) -> Status {
    match error {
        UserStoreError::Graph(error) => crate::error::graph_error(error),
        other => Status::new(Code::StorageFailed, other.to_string()),
    }
}

fn audit(frame: &Frame, action: Action, subject: &UserName) -> Result<()> {
    let event = Event::new(action, Outcome::Success)
        .with_user(frame.principal.user())
        .with_database(crate::SYSTEM_DATABASE)
        .with_detail("subject", subject.as_str());
    frame.dbms.auditor.record(event)
}

fn own_password(frame: &Frame, from: &SecretString, to: &SecretString) -> Result<Prepared> {
    let user = frame.dbms.users.find(frame.principal.user());
    let Some(user) = user.filter(|user| user.credential.verify(from)) else {
        return Err(Status::new(
            Code::ArgumentError,
            "the current password is not the one given",
        ));
    };
    let policy = frame.dbms.configuration.password_policy;
    policy
        .check_change(from, to)
        .map_err(|violation| Status::new(Code::ArgumentError, violation.to_string()))?;
    let credential = hash(to)?;
    Ok(Prepared {
        change: Change::OwnPassword {
            name: user.name,
            credential,
        },
    })
}

fn hashed(frame: &Frame, changes: &UserChanges, parameters: &Map) -> Result<HashedChanges> {
    let credential = match &changes.password {
        None => None,
        Some(given) => {
            let given = password(given, parameters)?;
            if changes.password_encrypted {
                let stored = PasswordHash::from_stored(given.expose());
                Some(stored.map_err(|error| Status::new(Code::ArgumentError, error.to_string()))?)
            } else {
                let policy = frame.dbms.configuration.password_policy;
                policy
                    .check(&given)
                    .map_err(|violation| Status::new(Code::ArgumentError, violation.to_string()))?;
                Some(hash(&given)?)
            }
        }
    };
    let home_database = match &changes.home_database {
        Some(name) => Some(Some(text(name, parameters)?.to_ascii_lowercase())),
        None if changes.remove_home_database => Some(None),
        None => None,
    };
    Ok(HashedChanges {
        credential,
        change_required: changes.change_required,
        suspended: changes.status.map(|status| status == UserStatus::Suspended),
        home_database,
    })
}

/// Hashes a new password with a salt of its own.
pub(crate) fn hash(password: &SecretString) -> Result<PasswordHash> {
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt)
        .map_err(|_| Status::new(Code::UnknownError, "the system gives no random numbers"))?;
    PasswordHash::create(password, &salt).map_err(|error| Status::new(Code::ArgumentError, error.to_string()))
}

fn password(given: &Password, parameters: &Map) -> Result<SecretString> {
    match given {
        Password::Literal(secret) => Ok(secret.clone()),
        Password::Parameter(name) => match parameters.get(&name.text) {
            Some(Value::String(text)) => Ok(SecretString::new(text.to_string())),
            Some(_) => Err(Status::new(
                Code::TypeError,
                format!("parameter `{name}` must be a text"),
            )),
            None => Err(Status::new(
                Code::ParameterMissing,
                format!("expected parameter(s): {name}"),
            )),
        },
    }
}

fn user_name(name: &NameOrParameter, parameters: &Map) -> Result<UserName> {
    let text = text(name, parameters)?;
    text.parse()
        .map_err(|error: bastide_security::InvalidUserName| Status::new(Code::ArgumentError, error.to_string()))
}

fn text(name: &NameOrParameter, parameters: &Map) -> Result<String> {
    match name {
        NameOrParameter::Name(name) => Ok(name.text.to_string()),
        NameOrParameter::Parameter(name) => match parameters.get(&name.text) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(_) => Err(Status::new(
                Code::TypeError,
                format!("parameter `{name}` must be a text"),
            )),
            None => Err(Status::new(
                Code::ParameterMissing,
                format!("expected parameter(s): {name}"),
            )),
        },
    }
}
