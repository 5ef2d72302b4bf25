//! Which databases there are, kept in the `system` graph: name, id and time of creation.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bastide_graph::{Graph, WriteOptions};
use bastide_model::{GraphError, GraphRead, GraphWrite, NodeId, Value};
use bastide_security::{ReadPermit, WritePermit};

use crate::SYSTEM_DATABASE;

const LABEL: &str = "Database";
const NAME: &str = "name";
const IDENTIFIER: &str = "id";
const CREATED: &str = "createdSeconds";
/// How many databases there may be.
const DATABASES_MAX: usize = 10_000;

/// One entry.
pub(crate) struct CatalogueEntry {
    /// A UUID, made once.
    pub(crate) id: Arc<str>,
    /// When it was made.
    pub(crate) created: SystemTime,
}

/// The entry of a database, made if it is new. `random` is used for the id of a new one.
pub(crate) fn entry(system: &Graph, name: &str, random: [u8; 16]) -> Result<CatalogueEntry, GraphError> {
    let new = CatalogueEntry {
        id: uuid(random).into(),
        created: SystemTime::now(),
    };
    entry_or(system, name, new)
}

/// The entry of a database; `new` is made its entry if there is none.
pub(crate) fn entry_or(system: &Graph, name: &str, new: CatalogueEntry) -> Result<CatalogueEntry, GraphError> {
    let snapshot = system.begin_read(&ReadPermit::for_system_startup(SYSTEM_DATABASE));
    if let Some(found) = find(&snapshot, name)? {
        return Ok(found);
    }
    let entry = new;
    let since = entry.created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let permit = WritePermit::for_system_startup(SYSTEM_DATABASE);
    let mut transaction = system.begin_write(&permit, WriteOptions::default());
    let label = transaction.label_id_or_create(LABEL)?;
    let node = transaction.create_node(&[label])?;
    let properties = [
        (NAME, Value::from(name)),
        (IDENTIFIER, Value::from(entry.id.as_ref())),
        (
            CREATED,
            Value::Integer(i64::try_from(since.as_secs()).unwrap_or_default()),
        ),
    ];
    for (key, value) in properties {
        let key = transaction.property_key_id_or_create(key)?;
        transaction.set_node_property(node, key, value)?;
    }
    transaction.commit()?;
    Ok(entry)
}

/// Whether there is an entry of that name.
pub(crate) fn contains(system: &Graph, name: &str) -> Result<bool, GraphError> {
    let snapshot = system.begin_read(&ReadPermit::for_system_startup(SYSTEM_DATABASE));
    Ok(find(&snapshot, name)?.is_some())
}

/// The names of all entries.
pub(crate) fn names(system: &Graph) -> Result<Vec<String>, GraphError> {
    let snapshot = system.begin_read(&ReadPermit::for_system_startup(SYSTEM_DATABASE));
    let (Some(label), Some(key)) = (snapshot.label_id(LABEL), snapshot.property_key_id(NAME)) else {
        return Ok(Vec::new());
    };
    let mut nodes = Vec::new();
    snapshot.scan_label(label, NodeId(0), DATABASES_MAX, &mut nodes)?;
    let mut names = Vec::new();
    for node in nodes {
        names.extend(snapshot.node_property(node, key)?.as_str().map(str::to_owned));
    }
    Ok(names)
}

fn find(graph: &dyn GraphRead, name: &str) -> Result<Option<CatalogueEntry>, GraphError> {
    let keys = [NAME, IDENTIFIER, CREATED].map(|key| graph.property_key_id(key));
    let (Some(label), [Some(name_key), Some(id_key), Some(created_key)]) = (graph.label_id(LABEL), keys) else {
        return Ok(None);
    };
    let mut nodes = Vec::new();
    graph.scan_label(label, NodeId(0), DATABASES_MAX, &mut nodes)?;
    for node in nodes {
        if graph.node_property(node, name_key)?.as_str() != Some(name) {
            continue;
        }
        let id = graph.node_property(node, id_key)?;
        let seconds = graph.node_property(node, created_key)?.as_integer().unwrap_or_default();
        let created = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        return Ok(id.as_str().map(|id| CatalogueEntry { id: id.into(), created }));
    }
    Ok(None)
}

/// A random UUID, version 4 of RFC 9562.
fn uuid(random: [u8; 16]) -> String {
    let bits = (u128::from_be_bytes(random) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hexadecimal = format!("{bits:032x}");
    let part = |from: usize, to: usize| hexadecimal.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once() {
        let system = Graph::in_memory();
        let first = entry(&system, "neo4j", [1; 16]).unwrap();
        let again = entry(&system, "neo4j", [2; 16]).unwrap();
        let other = entry(&system, "system", [3; 16]).unwrap();
        assert_eq!(first.id, again.id);
        assert_ne!(first.id, other.id);
    }

    #[test]
    fn ids_are_uuids_of_version_4() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
