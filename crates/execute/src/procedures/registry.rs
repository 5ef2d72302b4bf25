//! The procedures that can be called, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use bastide_plan::{ProcedureLookup, ProcedureSignature};

use super::signature::Declaration;
use super::{Procedure, configuration, database, dbms, schema, show, transaction};

/// The prefix of what `SHOW` commands run; not to be called by name, nor listed.
pub(super) const SHOW_PREFIX: &str = "show.";

/// Procedures by name.
pub struct ProcedureRegistry {
    procedures: BTreeMap<Arc<str>, Arc<dyn Procedure>>,
}

impl ProcedureRegistry {
    /// No procedure.
    pub fn empty() -> Self {
        Self {
            procedures: BTreeMap::new(),
        }
    }

    /// Every procedure that comes with the engine.
    pub fn built_in() -> Self {
        let mut registry = Self::empty();
        let families: [&[Declaration]; 6] = [
            configuration::DECLARATIONS,
            database::DECLARATIONS,
            dbms::DECLARATIONS,
            schema::DECLARATIONS,
            show::DECLARATIONS,
            transaction::DECLARATIONS,
        ];
        for declaration in families.into_iter().flatten() {
            registry.register(declaration.procedure());
        }
        registry
    }

    /// Adds a procedure, in place of one with the same name.
    pub fn register(&mut self, procedure: Arc<dyn Procedure>) {
        self.procedures
            .insert(Arc::clone(&procedure.signature().name), procedure);
    }

    /// Leaves out the procedures whose name does not pass. What `SHOW` commands run stays.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.procedures
            .retain(|name, _| name.starts_with(SHOW_PREFIX) || keep(name));
    }

    /// The procedure with this name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Procedure>> {
        self.procedures.get(name)
    }

    /// All procedures that `CALL` may name, by name.
    pub fn procedures(&self) -> impl Iterator<Item = &Arc<dyn Procedure>> {
        self.procedures
            .iter()
            .filter(|(name, _)| !name.starts_with(SHOW_PREFIX))
            .map(|(_, procedure)| procedure)
    }
}

impl std::fmt::Debug for ProcedureRegistry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.procedures.keys()).finish()
    }
}

impl ProcedureLookup for ProcedureRegistry {
    fn procedure(&self, name: &str) -> Option<ProcedureSignature> {
        self.find(name).map(|procedure| procedure.signature().as_ref().clone())
    }

    fn procedure_names(&self) -> Vec<Arc<str>> {
        self.procedures()
            .map(|procedure| Arc::clone(&procedure.signature().name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_drivers_and_tools_call_on_connecting() {
        let registry = ProcedureRegistry::built_in();
        for name in [
            "dbms.components",
            "db.labels",
            "db.relationshipTypes",
            "db.propertyKeys",
            "db.ping",
            "dbms.clientConfig",
            "dbms.routing.getRoutingTable",
            "dbms.showCurrentUser",
            "db.schema.visualization",
            "show.indexes",
        ] {
            assert!(registry.find(name).is_some(), "{name}");
        }
        assert!(
            registry
                .procedures()
                .all(|procedure| !procedure.signature().name.starts_with("show."))
        );
    }
}
