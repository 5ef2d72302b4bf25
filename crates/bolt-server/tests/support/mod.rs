//! A backend of canned answers, for tests and the example server.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "test support, each user needs a part of it"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bastide_bolt_server::*;
use bastide_model::*;
use bastide_status::{Code, Position, Status};
use bastide_tls::{Channel, ClientAuthentication, Policy, PolicyConfig, TlsVersion};
use tokio::sync::watch;

/// Lets in `neo4j` with `secret`, and `expired` with anything.
pub struct FakeBackend {
    pub end_sessions: watch::Sender<Option<Status>>,
    pub logins: Mutex<Vec<ConnectionDetails>>,
    pub batches: Arc<AtomicU64>,
    pub committed: Arc<AtomicU64>,
    pub open_transactions: Arc<AtomicU64>,
}

impl Default for FakeBackend {
    fn default() -> Self {
        Self {
            end_sessions: watch::Sender::new(None),
            logins: Mutex::default(),
            batches: Arc::default(),
            committed: Arc::default(),
            open_transactions: Arc::default(),
        }
    }
}

#[async_trait]
impl Backend for FakeBackend {
    async fn authenticate(
        &self,
        request: AuthenticationRequest,
        connection: &ConnectionDetails,
    ) -> Result<Authenticated, Status> {
        let good = request
            .credentials
            .is_some_and(|credentials| credentials.matches(b"secret"));
        if !good || request.scheme != "basic" {
            return Err(Status::new(
                Code::Unauthorized,
                "the client is unauthorized due to authentication failure",
            ));
        }
        self.logins.lock().unwrap().push(connection.clone());
        let session = FakeSession {
            ended: self.end_sessions.subscribe(),
            batches: Arc::clone(&self.batches),
            committed: Arc::clone(&self.committed),
            open: Arc::clone(&self.open_transactions),
        };
        let credentials_expired = request.principal.as_deref() == Some("expired");
        Ok(Authenticated {
            session: Box::new(session),
            credentials_expired,
        })
    }
}

struct FakeSession {
    ended: watch::Receiver<Option<Status>>,
    batches: Arc<AtomicU64>,
    committed: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
}

impl Session for FakeSession {
    fn begin(&mut self, options: TransactionOptions) -> Result<Box<dyn Transaction>, Status> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let (batches, committed, open) = (self.batches.clone(), self.committed.clone(), self.open.clone());
        Ok(Box::new(FakeTransaction {
            options,
            batches,
            committed,
            open,
        }))
    }

    fn run_auto_commit(
        &mut self,
        statement: &str,
        parameters: Map,
        options: TransactionOptions,
    ) -> Result<Box<dyn ResultStream>, Status> {
        stream(
            statement,
            &parameters,
            options.interrupt,
            Some("bm:auto".to_owned()),
            self.batches.clone(),
        )
    }

    fn routing_table(&mut self, request: RoutingRequest) -> Result<RoutingTable, Status> {
        let address = request.client_address.unwrap_or_else(|| "localhost:7687".to_owned());
        Ok(RoutingTable::single(
            address,
            "neo4j".to_owned(),
            Duration::from_secs(300),
        ))
    }

    fn ended(&self) -> watch::Receiver<Option<Status>> {
        self.ended.clone()
    }
}

struct FakeTransaction {
    options: TransactionOptions,
    batches: Arc<AtomicU64>,
    committed: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
}

impl Drop for FakeTransaction {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Transaction for FakeTransaction {
    fn run(&mut self, statement: &str, parameters: Map) -> Result<Box<dyn ResultStream>, Status> {
        stream(
            statement,
            &parameters,
            self.options.interrupt.clone(),
            None,
            self.batches.clone(),
        )
    }

    fn database(&self) -> &str {
        "neo4j"
    }

    fn commit(self: Box<Self>) -> Result<Option<String>, Status> {
        let number = self.committed.fetch_add(1, Ordering::SeqCst);
        Ok(Some(format!("bm:{number}")))
    }

    fn rollback(self: Box<Self>) -> Result<(), Status> {
        Ok(())
    }
}

enum Rows {
    Fixed(std::vec::IntoIter<Vec<Value>>),
    Count(u64, u64),
    Wide(u64),
    Forever,
}

struct FakeStream {
    columns: Vec<String>,
    rows: Rows,
    interrupt: Interrupt,
    summary: Summary,
    batches: Arc<AtomicU64>,
}

/// `RETURN 1`, `echo` (gives `$x`), `rows` (`$n` integers), `wide` (`$n` rows of 4 KiB), `graph`, `fail`, `slow`, `create`.
fn stream(
    statement: &str,
    parameters: &Map,
    interrupt: Interrupt,
    bookmark: Option<String>,
    batches: Arc<AtomicU64>,
) -> Result<Box<dyn ResultStream>, Status> {
    let count = parameters
        .get("n")
        .and_then(Value::as_integer)
        .unwrap_or_default()
        .unsigned_abs();
    let one = |value| Rows::Fixed(vec![vec![value]].into_iter());
    let mut summary = Summary {
        bookmark,
        ..Summary::default()
    };
    let (columns, rows) = match statement {
        "RETURN 1" | "RETURN 1 AS n" => (vec!["n"], one(Value::Integer(1))),
        "echo" => (vec!["x"], one(parameters.get("x").cloned().unwrap_or_default())),
        "rows" => (vec!["i"], Rows::Count(0, count)),
        "wide" => (vec!["text"], Rows::Wide(count)),
        "graph" => (vec!["n", "r", "p"], Rows::Fixed(vec![graph_row()].into_iter())),
        "slow" => (vec!["x"], Rows::Forever),
        "create" => {
            summary.statement_type = StatementType::Write;
            summary.counters.nodes_created = 2;
            summary.notifications.push(Notification {
                code: "Neo.ClientNotification.Statement.CartesianProduct".to_owned(),
                gql_status: "03N90".to_owned(),
                title: "t".to_owned(),
                description: "d".to_owned(),
                severity: Severity::Information,
                category: "PERFORMANCE".to_owned(),
                position: None,
            });
            (vec![], Rows::Fixed(vec![].into_iter()))
        }
        _ => {
            let position = Position {
                offset: 0,
                line: 1,
                column: 1,
            };
            return Err(Status::new(Code::SyntaxError, "invalid input").with_position(position));
        }
    };
    let columns = columns.into_iter().map(str::to_owned).collect();
    Ok(Box::new(FakeStream {
        columns,
        rows,
        interrupt,
        summary,
        batches,
    }))
}

fn graph_row() -> Vec<Value> {
    let step = PathStep {
        relationship: RelationshipId(7),
        forward: false,
        node: NodeId(1),
    };
    let path = Path {
        start: NodeId(2),
        steps: vec![step],
    };
    vec![
        Value::Node(NodeId(1)),
        Value::Relationship(RelationshipId(7)),
        Value::Path(Arc::new(path)),
    ]
}

impl ResultStream for FakeStream {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn database(&self) -> &str {
        "neo4j"
    }

    fn next_batch(&mut self, rows_max: usize, sink: &mut dyn RowSink) -> Result<BatchOutcome, Status> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        for _ in 0..rows_max {
            let row = match &mut self.rows {
                Rows::Fixed(rows) => rows.next(),
                Rows::Count(next, count) => {
                    *next += 1;
                    (*next <= *count).then(|| vec![Value::Integer((*next).cast_signed())])
                }
                Rows::Wide(count) => {
                    let more = *count > 0;
                    *count = count.saturating_sub(1);
                    more.then(|| vec![Value::from("x".repeat(4096))])
                }
                Rows::Forever => loop {
                    if self.interrupt.is_triggered() {
                        return Err(Status::new(Code::TransactionTerminated, "interrupted"));
                    }
                    std::thread::sleep(Duration::from_millis(2));
                },
            };
            let Some(row) = row else {
                return Ok(BatchOutcome::Finished);
            };
            if sink.row(&row, &TinyGraph)? == SinkOutcome::Full {
                break;
            }
        }
        Ok(BatchOutcome::More)
    }

    fn finish(self: Box<Self>) -> Result<Summary, Status> {
        Ok(self.summary)
    }
}

/// `(:Person {name: "n<id>"})` for every id, `(1)-[7:KNOWS {since: 1999}]->(2)`.
struct TinyGraph;

impl EntityView for TinyGraph {
    fn graph(&self) -> &dyn GraphRead {
        self
    }

    fn node_element_id(&self, node: NodeId, text: &mut String) {
        text.push_str(&format!("4:test:{node}"));
    }

    fn relationship_element_id(&self, relationship: RelationshipId, text: &mut String) {
        text.push_str(&format!("5:test:{relationship}"));
    }
}

type Read<T> = Result<T, GraphError>;

impl GraphRead for TinyGraph {
    fn label_id(&self, _: &str) -> Option<LabelId> {
        Some(LabelId(0))
    }
    fn label_name(&self, _: LabelId) -> Option<Arc<str>> {
        Some("Person".into())
    }
    fn relationship_type_id(&self, _: &str) -> Option<RelationshipTypeId> {
        Some(RelationshipTypeId(0))
    }
    fn relationship_type_name(&self, _: RelationshipTypeId) -> Option<Arc<str>> {
        Some("KNOWS".into())
    }
    fn property_key_id(&self, _: &str) -> Option<PropertyKeyId> {
        None
    }
    fn property_key_name(&self, key: PropertyKeyId) -> Option<Arc<str>> {
        Some(if key.0 == 0 { "name" } else { "since" }.into())
    }
    fn label_names(&self) -> Vec<Arc<str>> {
        vec!["Person".into()]
    }
    fn relationship_type_names(&self) -> Vec<Arc<str>> {
        vec!["KNOWS".into()]
    }
    fn property_key_names(&self) -> Vec<Arc<str>> {
        vec!["name".into(), "since".into()]
    }
    fn node_exists(&self, _: NodeId) -> Read<bool> {
        Ok(true)
    }
    fn node_has_label(&self, _: NodeId, _: LabelId) -> Read<bool> {
        Ok(true)
    }
    fn node_labels(&self, _: NodeId, labels: &mut Vec<LabelId>) -> Read<()> {
        labels.push(LabelId(0));
        Ok(())
    }
    fn node_property(&self, _: NodeId, _: PropertyKeyId) -> Read<Value> {
        Ok(Value::Null)
    }
    fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Read<()> {
        properties.push((PropertyKeyId(0), Value::from(format!("n{node}"))));
        Ok(())
    }
    fn relationship(&self, _: RelationshipId) -> Read<Option<RelationshipRecord>> {
        let relationship_type = RelationshipTypeId(0);
        Ok(Some(RelationshipRecord {
            relationship_type,
            start: NodeId(1),
            end: NodeId(2),
        }))
    }
    fn relationship_property(&self, _: RelationshipId, _: PropertyKeyId) -> Read<Value> {
        Ok(Value::Null)
    }
    fn relationship_properties(&self, _: RelationshipId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Read<()> {
        properties.push((PropertyKeyId(1), Value::Integer(1999)));
        Ok(())
    }
    fn expand(&self, _: NodeId, _: Direction, _: &[RelationshipTypeId], _: &mut Vec<Adjacent>) -> Read<()> {
        Ok(())
    }
    fn degree(&self, _: NodeId, _: Direction, _: &[RelationshipTypeId]) -> Read<u64> {
        Ok(0)
    }
    fn scan_nodes(&self, _: NodeId, _: usize, _: &mut Vec<NodeId>) -> Read<()> {
        Ok(())
    }
    fn scan_label(&self, _: LabelId, _: NodeId, _: usize, _: &mut Vec<NodeId>) -> Read<()> {
        Ok(())
    }
    fn scan_relationships(
        &self,
        _: Option<RelationshipTypeId>,
        _: RelationshipId,
        _: usize,
        _: &mut Vec<RelationshipId>,
    ) -> Read<()> {
        Ok(())
    }
    fn node_count(&self, _: Option<LabelId>) -> Read<u64> {
        Ok(0)
    }
    fn relationship_count(&self, _: Option<RelationshipTypeId>) -> Read<u64> {
        Ok(0)
    }
    fn indexes(&self) -> Vec<IndexDescription> {
        vec![]
    }
    fn constraints(&self) -> Vec<ConstraintDescription> {
        vec![]
    }
    fn index_seek_nodes(&self, _: IndexId, _: &Seek, _: &mut Vec<NodeId>) -> Read<()> {
        Ok(())
    }
    fn index_seek_relationships(&self, _: IndexId, _: &Seek, _: &mut Vec<RelationshipId>) -> Read<()> {
        Ok(())
    }
    fn schema_version(&self) -> u64 {
        0
    }
}

/// Remembers why connections were refused.
#[derive(Default)]
pub struct Refusals(pub Mutex<Vec<RefusalReason>>);

impl ConnectionEvents for Refusals {
    fn refused(&self, _: ConnectionPoint<'_>, reason: &RefusalReason) {
        self.0.lock().unwrap().push(reason.clone());
    }
}

/// TLS with certificates made on the spot, and the authority that issued them.
pub fn tls() -> (Arc<Channel>, rustls::pki_types::CertificateDer<'static>) {
    use rustls::pki_types::pem::PemObject as _;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("certificates");
    let made = bastide_tls::create_development_certificates(&folder, &["bolt"]).unwrap();
    let authority = rustls::pki_types::CertificateDer::from_pem_file(made.authority).unwrap();
    let config = PolicyConfig {
        scope: "bolt",
        private_key: folder.join("bolt/private.key"),
        private_key_password: None,
        public_certificate: folder.join("bolt/public.crt"),
        trusted_directory: None,
        revoked_directory: None,
        client_authentication: ClientAuthentication::Optional,
        trust_all: false,
        verify_hostname: true,
        serves_both_ends: false,
        ciphers: None,
        versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        application_protocols: Vec::new(),
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let policy = Policy::load(config, i64::try_from(now.as_secs()).unwrap()).unwrap();
    (Channel::of(policy), authority)
}
