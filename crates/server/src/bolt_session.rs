//! Sessions, transactions and results of the database as Bolt connections see them.

use std::sync::Arc;

use bastide_bolt_server::{
    AccessMode, BatchOutcome, Counters, EntityView, ResultStream, RoutingRequest, RoutingTable, RowSink, Session,
    SinkOutcome, StatementType, Summary, Transaction, TransactionOptions,
};
use bastide_database::{Completion, ExplicitTransaction, RowVisitor, VisitOutcome};
use bastide_execute::Statistics;
use bastide_model::{GraphRead, Map, NodeId, RelationshipId, Value};
use bastide_plan::operator::Access;
use bastide_status::Status;
use tokio::sync::watch;

use crate::bolt_backend::Routing;
use crate::plan_description;

/// Longest address that a client may name as its own way to the server.
const CLIENT_ADDRESS_BYTES_MAX: usize = 300;

/// One user's session.
pub(crate) struct BoltSession {
    pub(crate) session: bastide_database::Session,
    pub(crate) routing: Arc<Routing>,
}

impl Session for BoltSession {
    fn begin(&mut self, options: TransactionOptions) -> Result<Box<dyn Transaction>, Status> {
        let transaction = self.session.begin(for_database(options))?;
        Ok(Box::new(BoltTransaction(transaction)))
    }

    fn run_auto_commit(
        &mut self,
        statement: &str,
        parameters: Map,
        options: TransactionOptions,
    ) -> Result<Box<dyn ResultStream>, Status> {
        let stream = self.session.run(statement, &parameters, for_database(options))?;
        Ok(Box::new(BoltStream::new(stream, statement)))
    }

    fn routing_table(&mut self, request: RoutingRequest) -> Result<RoutingTable, Status> {
        let database = self.session.resolve_database(request.database.as_deref())?;
        let used = request
            .client_address
            .filter(|address| !self.routing.is_address_set && is_host_and_port(address));
        let address = used.unwrap_or_else(|| self.routing.address.clone());
        Ok(RoutingTable::single(
            address,
            database.to_string(),
            self.routing.time_to_live,
        ))
    }

    fn ended(&self) -> watch::Receiver<Option<Status>> {
        self.session.ended()
    }
}

fn is_host_and_port(address: &str) -> bool {
    address.len() <= CLIENT_ADDRESS_BYTES_MAX
        && address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0))
}

fn for_database(options: TransactionOptions) -> bastide_database::TransactionOptions {
    bastide_database::TransactionOptions {
        database: options.database,
        bookmarks: options.bookmarks,
        timeout: options.timeout,
        metadata: options.metadata,
        access_mode: match options.access_mode {
            AccessMode::Read => bastide_database::AccessMode::Read,
            AccessMode::Write => bastide_database::AccessMode::Write,
        },
        impersonated_user: options.impersonated_user,
        interrupt: options.interrupt.flag(),
    }
}

struct BoltTransaction(ExplicitTransaction);

impl Transaction for BoltTransaction {
    fn run(&mut self, statement: &str, parameters: Map) -> Result<Box<dyn ResultStream>, Status> {
        let stream = self.0.run(statement, &parameters)?;
        Ok(Box::new(BoltStream::new(stream, statement)))
    }

    fn database(&self) -> &str {
        self.0.database()
    }

    fn commit(self: Box<Self>) -> Result<Option<String>, Status> {
        self.0.commit().map(Some)
    }

    fn rollback(self: Box<Self>) -> Result<(), Status> {
        self.0.rollback();
        Ok(())
    }
}

/// The rows of one statement.
struct BoltStream {
    stream: bastide_database::ResultStream,
    /// What element ids of nodes and relationships begin with.
    prefixes: ElementIds,
    /// For the places that notifications point at.
    statement: Box<str>,
}

impl BoltStream {
    fn new(stream: bastide_database::ResultStream, statement: &str) -> Self {
        let prefixes = ElementIds::new(stream.element_id_prefix());
        Self {
            stream,
            prefixes,
            statement: statement.into(),
        }
    }
}

impl ResultStream for BoltStream {
    fn columns(&self) -> &[String] {
        self.stream.columns()
    }

    fn database(&self) -> &str {
        self.stream.database()
    }

    fn next_batch(&mut self, rows_max: usize, sink: &mut dyn RowSink) -> Result<BatchOutcome, Status> {
        let mut visitor = ToSink {
            sink,
            prefixes: &self.prefixes,
        };
        let more = self.stream.next_batch(rows_max, &mut visitor)?;
        Ok(if more {
            BatchOutcome::More
        } else {
            BatchOutcome::Finished
        })
    }

    fn finish(self: Box<Self>) -> Result<Summary, Status> {
        let completion = self.stream.finish()?;
        Ok(summary(completion, &self.statement))
    }
}

struct ToSink<'a> {
    sink: &'a mut dyn RowSink,
    prefixes: &'a ElementIds,
}

impl RowVisitor for ToSink<'_> {
    fn visit(&mut self, row: &[Value], graph: &dyn GraphRead) -> Result<VisitOutcome, Status> {
        let entities = Entities {
            graph,
            prefixes: self.prefixes,
        };
        Ok(match self.sink.row(row, &entities)? {
            SinkOutcome::Continue => VisitOutcome::Continue,
            SinkOutcome::Full => VisitOutcome::Full,
        })
    }
}

/// How element ids are written: `4:<database>:<id>` for nodes and `5:<database>:<id>` for relationships.
struct ElementIds {
    node: String,
    relationship: String,
}

impl ElementIds {
    /// `prefix` is that of nodes.
    fn new(prefix: &str) -> Self {
        let rest = prefix.strip_prefix('4').unwrap_or(prefix);
        Self {
            node: prefix.to_owned(),
            relationship: format!("5{rest}"),
        }
    }
}

struct Entities<'a> {
    graph: &'a dyn GraphRead,
    prefixes: &'a ElementIds,
}

impl EntityView for Entities<'_> {
    fn graph(&self) -> &dyn GraphRead {
        self.graph
    }

    fn node_element_id(&self, node: NodeId, text: &mut String) {
        text.push_str(&self.prefixes.node);
        text.push_str(&node.0.to_string());
    }

    fn relationship_element_id(&self, relationship: RelationshipId, text: &mut String) {
        text.push_str(&self.prefixes.relationship);
        text.push_str(&relationship.0.to_string());
    }
}

fn summary(completion: Completion, statement: &str) -> Summary {
    let plan = completion.plan.as_deref();
    Summary {
        statement_type: match completion.access {
            Access::Read => StatementType::Read,
            Access::ReadWrite => StatementType::ReadWrite,
            Access::Write => StatementType::Write,
            Access::Schema => StatementType::Schema,
        },
        counters: counters(&completion.statistics),
        plan: plan.and_then(|plan| plan_description::describe(plan, completion.profile.as_deref())),
        notifications: plan.map_or_else(Vec::new, |plan| plan_description::notifications(plan, statement)),
        bookmark: completion.bookmark,
    }
}

fn counters(statistics: &Statistics) -> Counters {
    Counters {
        nodes_created: statistics.nodes_created,
        nodes_deleted: statistics.nodes_deleted,
        relationships_created: statistics.relationships_created,
        relationships_deleted: statistics.relationships_deleted,
        properties_set: statistics.properties_set,
        labels_added: statistics.labels_added,
        labels_removed: statistics.labels_removed,
        indexes_added: statistics.indexes_added,
        indexes_removed: statistics.indexes_removed,
        constraints_added: statistics.constraints_added,
        constraints_removed: statistics.constraints_removed,
        system_updates: statistics.system_updates,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_with_a_port_is_taken_for_the_way_a_client_came() {
        assert!(is_host_and_port("db.example.com:7687") && is_host_and_port("[::1]:1"));
        assert!(!is_host_and_port("db.example.com") && !is_host_and_port(":7687") && !is_host_and_port("a:0"));
        assert!(!is_host_and_port(&format!(
            "{}:1",
            "a".repeat(CLIENT_ADDRESS_BYTES_MAX)
        )));
    }
}
