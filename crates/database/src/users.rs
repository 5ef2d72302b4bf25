//! The users, kept in the `system` graph and mirrored in memory.
//!
//! INVARIANT: the mirror changes only after the commit that changed the graph is durable, and whoever holds a session of a
//! changed user is told before the change is answered. Must not know statements or sockets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bastide_graph::{Graph, WriteOptions};
use bastide_model::{ConstraintKind, GraphError, GraphRead, GraphWrite, NodeId, SchemaTarget, Value};
use bastide_security::{PasswordHash, ReadPermit, SchemaPermit, User, UserName, WritePermit};

use crate::SYSTEM_DATABASE;

/// How many users there may be.
pub const USERS_MAX: usize = 100_000;

const LABEL: &str = "User";
const NAME: &str = "name";
const CREDENTIAL: &str = "credential";
const CHANGE_REQUIRED: &str = "passwordChangeRequired";
const SUSPENDED: &str = "suspended";
const ADMINISTRATOR: &str = "administrator";
const HOME_DATABASE: &str = "homeDatabase";

/// Why users could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserStoreError {
    /// The graph refused.
    #[error("the system database failed")]
    Graph(#[from] GraphError),
    /// A stored record cannot be read.
    #[error("the record of a user in the system database is damaged: {reason}")]
    Damaged {
        /// What is wrong with it.
        reason: String,
    },
    /// There are too many users.
    #[error("there cannot be more than {USERS_MAX} users")]
    TooMany,
}

/// All users.
pub struct Users {
    graph: Arc<Graph>,
    mirror: RwLock<BTreeMap<UserName, User>>,
    /// Changes come one at a time, so that "read, decide, write" is one step.
    changing: Mutex<()>,
}

impl Users {
    /// Reads all users of the system graph; makes the schema if it is new.
    pub fn open(graph: Arc<Graph>) -> Result<Self, UserStoreError> {
        ensure_schema(&graph)?;
        let mut mirror = BTreeMap::new();
        let snapshot = graph.begin_read(&ReadPermit::for_system_startup(SYSTEM_DATABASE));
        if let Some(label) = snapshot.label_id(LABEL) {
            let mut nodes = Vec::new();
            snapshot.scan_label(label, NodeId(0), USERS_MAX, &mut nodes)?;
            for node in nodes {
                let user = read_user(&snapshot, node)?;
                mirror.insert(user.name.clone(), user);
            }
        }
        Ok(Self {
            graph,
            mirror: RwLock::new(mirror),
            changing: Mutex::new(()),
        })
    }

    /// The user with this name.
    pub fn find(&self, name: &str) -> Option<User> {
        let name: UserName = name.parse().ok()?;
        self.mirror
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name)
            .cloned()
    }

    /// All users, by name.
    pub fn all(&self) -> Vec<User> {
        self.mirror
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Whether there is no user at all, as on a first start.
    pub fn is_empty(&self) -> bool {
        self.mirror.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Runs a change alone: nobody else changes users until it returns.
    pub fn exclusively<T>(&self, change: impl FnOnce(&ExclusiveUsers<'_>) -> T) -> T {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        change(&ExclusiveUsers { users: self })
    }
}

/// The users, while nobody else changes them.
pub struct ExclusiveUsers<'a> {
    users: &'a Users,
}

impl ExclusiveUsers<'_> {
    /// The user with this name.
    pub fn find(&self, name: &str) -> Option<User> {
        self.users.find(name)
    }

    /// Creates the user, or replaces the one with the same name; durable on return.
    pub fn put(&self, user: User) -> Result<(), UserStoreError> {
        let users = self.users;
        if users.mirror.read().unwrap_or_else(PoisonError::into_inner).len() >= USERS_MAX {
            return Err(UserStoreError::TooMany);
        }
        let permit = WritePermit::for_system_startup(SYSTEM_DATABASE);
        let mut transaction = users.graph.begin_write(&permit, WriteOptions::default());
        let label = transaction.label_id_or_create(LABEL)?;
        let node = match find_node(&transaction, user.name.as_str())? {
            Some(node) => node,
            None => transaction.create_node(&[label])?,
        };
        let properties = [
            (NAME, Value::from(user.name.as_str())),
            (CREDENTIAL, Value::from(user.credential.as_stored())),
            (CHANGE_REQUIRED, Value::Boolean(user.password_change_required)),
            (SUSPENDED, Value::Boolean(user.suspended)),
            (ADMINISTRATOR, Value::Boolean(user.administrator)),
            (
                HOME_DATABASE,
                user.home_database.as_deref().map_or(Value::Null, Value::from),
            ),
        ];
        for (key, value) in properties {
            let key = transaction.property_key_id_or_create(key)?;
            transaction.set_node_property(node, key, value)?;
        }
        transaction.commit()?;
        users
            .mirror
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(user.name.clone(), user);
        Ok(())
    }

    /// Drops the user if there is one; durable on return.
    pub fn remove(&self, name: &UserName) -> Result<bool, UserStoreError> {
        let users = self.users;
        let permit = WritePermit::for_system_startup(SYSTEM_DATABASE);
        let mut transaction = users.graph.begin_write(&permit, WriteOptions::default());
        let Some(node) = find_node(&transaction, name.as_str())? else {
            return Ok(false);
        };
        transaction.delete_node(node)?;
        transaction.commit()?;
        users
            .mirror
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        Ok(true)
    }

    /// Gives the user another name; durable on return.
    pub fn rename(&self, user: User, name: UserName) -> Result<(), UserStoreError> {
        let users = self.users;
        let permit = WritePermit::for_system_startup(SYSTEM_DATABASE);
        let mut transaction = users.graph.begin_write(&permit, WriteOptions::default());
        if let Some(node) = find_node(&transaction, user.name.as_str())? {
            let key = transaction.property_key_id_or_create(NAME)?;
            transaction.set_node_property(node, key, Value::from(name.as_str()))?;
            transaction.commit()?;
        }
        let mut mirror = users.mirror.write().unwrap_or_else(PoisonError::into_inner);
        mirror.remove(&user.name);
        mirror.insert(name.clone(), User { name, ..user });
        Ok(())
    }
}

fn ensure_schema(graph: &Graph) -> Result<(), UserStoreError> {
    let snapshot = graph.begin_read(&ReadPermit::for_system_startup(SYSTEM_DATABASE));
    if !snapshot.constraints().is_empty() {
        return Ok(());
    }
    // The permit to change the schema is asked for by name, so that a search for it finds this place.
    let _permit = SchemaPermit::for_system_startup(SYSTEM_DATABASE);
    let permit = WritePermit::for_system_startup(SYSTEM_DATABASE);
    let mut transaction = graph.begin_write(&permit, WriteOptions::default());
    let label = transaction.label_id_or_create(LABEL)?;
    let name = transaction.property_key_id_or_create(NAME)?;
    transaction.create_constraint(
        Some("user_name"),
        ConstraintKind::Unique,
        SchemaTarget::Label(label),
        &[name],
    )?;
    transaction.commit()?;
    Ok(())
}

fn find_node(graph: &dyn GraphRead, name: &str) -> Result<Option<NodeId>, GraphError> {
    let (Some(label), Some(key)) = (graph.label_id(LABEL), graph.property_key_id(NAME)) else {
        return Ok(None);
    };
    let mut nodes = Vec::new();
    graph.scan_label(label, NodeId(0), USERS_MAX, &mut nodes)?;
    for node in nodes {
        if graph.node_property(node, key)?.as_str() == Some(name) {
            return Ok(Some(node));
        }
    }
    Ok(None)
}

fn read_user(graph: &dyn GraphRead, node: NodeId) -> Result<User, UserStoreError> {
    let property = |name: &str| match graph.property_key_id(name) {
        Some(key) => graph.node_property(node, key),
        None => Ok(Value::Null),
    };
    let damaged = |reason: String| UserStoreError::Damaged { reason };
    let name = property(NAME)?;
    let name = name.as_str().unwrap_or_default();
    let credential = property(CREDENTIAL)?;
    Ok(User {
        name: name
            .parse()
            .map_err(|error: bastide_security::InvalidUserName| damaged(error.to_string()))?,
        credential: PasswordHash::from_stored(credential.as_str().unwrap_or_default())
            .map_err(|error| damaged(error.to_string()))?,
        password_change_required: property(CHANGE_REQUIRED)?.as_boolean().unwrap_or(true),
        suspended: property(SUSPENDED)?.as_boolean().unwrap_or(true),
        administrator: property(ADMINISTRATOR)?.as_boolean().unwrap_or(false),
        home_database: property(HOME_DATABASE)?.as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bastide_secret::SecretString;

    fn user(name: &str) -> User {
        let password = SecretString::new("correct horse battery".to_owned());
        User {
            name: name.parse().unwrap(),
            credential: PasswordHash::create(&password, &[7; bastide_security::SALT_BYTES]).unwrap(),
            password_change_required: false,
            suspended: false,
            administrator: true,
            home_database: Some("neo4j".to_owned()),
        }
    }

    #[test]
    fn users_are_there_again_when_the_graph_is_opened_again() {
        let graph = Arc::new(Graph::in_memory());
        let users = Users::open(Arc::clone(&graph)).unwrap();
        assert!(users.is_empty());
        users
            .exclusively(|users| users.put(user("ada")).and_then(|()| users.put(user("bob"))))
            .unwrap();
        users.exclusively(|all| all.remove(&"bob".parse().unwrap())).unwrap();
        users
            .exclusively(|all| all.rename(user("ada"), "eve".parse().unwrap()))
            .unwrap();
        let again = Users::open(graph).unwrap();
        assert_eq!(again.all(), users.all());
        let names: Vec<_> = again.all().into_iter().map(|user| user.name.to_string()).collect();
        assert_eq!(names, ["eve"]);
    }

    #[test]
    fn a_changed_user_replaces_the_former_one() {
        let users = Users::open(Arc::new(Graph::in_memory())).unwrap();
        users.exclusively(|all| all.put(user("ada"))).unwrap();
        users
            .exclusively(|all| {
                all.put(User {
                    suspended: true,
                    ..user("ada")
                })
            })
            .unwrap();
        assert!(users.find("ada").unwrap().suspended);
        assert_eq!(users.all().len(), 1);
    }
}
