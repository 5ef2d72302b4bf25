//! Summaries, failures and routing tables as the maps that travel.

use bastide_bolt::{Failure, NotificationFilter, Version, WireMap, WireValue};
use bastide_status::{Classification, Position, Status};

use crate::backend::RoutingTable;
use crate::summary::{Counters, Notification, PlanDescription, Severity, StatementType, Summary};

/// Pairs whose keys are fixed words.
pub(crate) type Pairs = Vec<(&'static str, WireValue)>;

/// What a stream turned out to hold, for the status that every summary carries from 5.6 on.
#[derive(Clone, Copy)]
pub(crate) struct StreamShape {
    pub(crate) has_columns: bool,
    pub(crate) has_rows: bool,
}

/// An error in the shape that FAILURE carries.
pub(crate) fn failure(status: &Status) -> Failure {
    let code = status.code();
    let classification = match code.classification() {
        Classification::ClientError => "CLIENT_ERROR",
        Classification::TransientError => "TRANSIENT_ERROR",
        Classification::DatabaseError => "DATABASE_ERROR",
    };
    let mut diagnostics = vec![("_classification".to_owned(), classification.into())];
    if let Some(at) = status.position() {
        diagnostics.push(("_position".to_owned(), position(at)));
    }
    Failure {
        neo4j_code: code.neo4j_code().to_owned(),
        gql_status: code.gql_status().to_owned(),
        message: status.client_message(),
        description: code.gql_description().to_owned(),
        diagnostics,
        cause: status.cause().map(|cause| Box::new(failure(cause))),
    }
}

/// What ends a stream.
pub(crate) fn summary(
    summary: &Summary,
    shape: StreamShape,
    version: Version,
    filters: [&NotificationFilter; 2],
    pairs: &mut Pairs,
) {
    let statement_type = match summary.statement_type {
        StatementType::Read => "r",
        StatementType::ReadWrite => "rw",
        StatementType::Write => "w",
        StatementType::Schema => "s",
    };
    pairs.push(("type", statement_type.into()));
    let counters = counters(&summary.counters);
    if !counters.is_empty() {
        pairs.push(("stats", counters.into()));
    }
    if let Some(plan) = &summary.plan {
        pairs.push((
            if plan.measured.is_some() { "profile" } else { "plan" },
            self::plan(plan),
        ));
    }
    if let Some(bookmark) = &summary.bookmark {
        pairs.push(("bookmark", bookmark.as_str().into()));
    }
    let wanted = summary
        .notifications
        .iter()
        .filter(|notification| is_wanted(notification, filters));
    if version.has_statuses() {
        let statuses = std::iter::once(own_status(shape))
            .chain(wanted.map(status))
            .collect::<Vec<_>>();
        pairs.push(("statuses", statuses.into()));
    } else {
        let notifications = wanted.map(notification).collect::<Vec<_>>();
        if !notifications.is_empty() {
            pairs.push(("notifications", notifications.into()));
        }
    }
}

/// What ROUTE is answered with.
pub(crate) fn routing_table(table: &RoutingTable) -> WireValue {
    let servers = [
        ("WRITE", &table.writers),
        ("READ", &table.readers),
        ("ROUTE", &table.routers),
    ];
    let servers = servers
        .into_iter()
        .filter(|(_, addresses)| !addresses.is_empty())
        .map(|(role, addresses)| {
            let addresses: Vec<WireValue> = addresses.iter().map(|address| address.as_str().into()).collect();
            map([("addresses", addresses.into()), ("role", role.into())])
        });
    map([
        ("ttl", number(table.time_to_live.as_secs())),
        ("db", table.database.as_str().into()),
        ("servers", servers.collect::<Vec<_>>().into()),
    ])
}

/// A number that is never negative.
pub(crate) fn number(value: u64) -> WireValue {
    WireValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A map value of fixed keys.
pub(crate) fn map<const N: usize>(pairs: [(&str, WireValue); N]) -> WireValue {
    WireValue::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn counters(counters: &Counters) -> WireMap {
    let system = counters.system_updates;
    let values = [
        ("nodes-created", counters.nodes_created),
        ("nodes-deleted", counters.nodes_deleted),
        ("relationships-created", counters.relationships_created),
        ("relationships-deleted", counters.relationships_deleted),
        ("properties-set", counters.properties_set),
        ("labels-added", counters.labels_added),
        ("labels-removed", counters.labels_removed),
        ("indexes-added", counters.indexes_added),
        ("indexes-removed", counters.indexes_removed),
        ("constraints-added", counters.constraints_added),
        ("constraints-removed", counters.constraints_removed),
        ("system-updates", system),
    ];
    let mut pairs: WireMap = values
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(key, count)| (key.to_owned(), number(count)))
        .collect();
    if system > 0 {
        pairs.push(("contains-system-updates".to_owned(), true.into()));
    }
    if pairs.len() > usize::from(system > 0) * 2 {
        pairs.push(("contains-updates".to_owned(), true.into()));
    }
    pairs
}

fn plan(plan: &PlanDescription) -> WireValue {
    let arguments = plan
        .arguments
        .iter()
        .map(|(key, value)| (key.clone(), plain(value)))
        .collect::<WireMap>();
    let identifiers: Vec<WireValue> = plan.identifiers.iter().map(|name| name.as_str().into()).collect();
    let children: Vec<WireValue> = plan.children.iter().map(self::plan).collect();
    let mut pairs: WireMap = vec![
        ("operatorType".to_owned(), plan.operator.as_str().into()),
        ("args".to_owned(), arguments.into()),
        ("identifiers".to_owned(), identifiers.into()),
        ("children".to_owned(), children.into()),
    ];
    if let Some(measured) = plan.measured {
        pairs.push(("dbHits".to_owned(), number(measured.database_hits)));
        pairs.push(("rows".to_owned(), number(measured.rows)));
        pairs.push(("pageCacheHits".to_owned(), number(0)));
        pairs.push(("pageCacheMisses".to_owned(), number(0)));
        pairs.push(("pageCacheHitRatio".to_owned(), 0.0.into()));
        pairs.push(("time".to_owned(), number(measured.time_ns)));
    }
    pairs.into()
}

/// Arguments of plans are small values without entities; what is more is told by its type.
fn plain(value: &bastide_model::Value) -> WireValue {
    use bastide_model::Value;
    match value {
        Value::Null => WireValue::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(value) => value.as_ref().into(),
        Value::List(values) => values.iter().map(plain).collect::<Vec<_>>().into(),
        other => other.kind().name().into(),
    }
}

fn is_wanted(notification: &Notification, [narrow, wide]: [&NotificationFilter; 2]) -> bool {
    let severity = narrow.minimum_severity.as_ref().or(wide.minimum_severity.as_ref());
    let serious = match severity.map(String::as_str) {
        Some("OFF") => false,
        Some("WARNING") => notification.severity == Severity::Warning,
        _ => true,
    };
    let disabled = narrow
        .disabled_classifications
        .as_ref()
        .or(wide.disabled_classifications.as_ref());
    serious && !disabled.is_some_and(|disabled| disabled.contains(&notification.category))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "WARNING",
        Severity::Information => "INFORMATION",
    }
}

fn position(position: Position) -> WireValue {
    map([
        ("offset", i64::from(position.offset).into()),
        ("line", i64::from(position.line).into()),
        ("column", i64::from(position.column).into()),
    ])
}

fn notification(notification: &Notification) -> WireValue {
    let mut pairs: WireMap = vec![
        ("code".to_owned(), notification.code.as_str().into()),
        ("title".to_owned(), notification.title.as_str().into()),
        ("description".to_owned(), notification.description.as_str().into()),
        ("severity".to_owned(), severity(notification.severity).into()),
        ("category".to_owned(), notification.category.as_str().into()),
    ];
    if let Some(at) = notification.position {
        pairs.push(("position".to_owned(), position(at)));
    }
    pairs.into()
}

fn status(notification: &Notification) -> WireValue {
    let mut record: WireMap = vec![
        ("OPERATION".to_owned(), "".into()),
        ("OPERATION_CODE".to_owned(), "0".into()),
        ("CURRENT_SCHEMA".to_owned(), "/".into()),
        ("_classification".to_owned(), notification.category.as_str().into()),
        ("_severity".to_owned(), severity(notification.severity).into()),
    ];
    if let Some(at) = notification.position {
        record.push(("_position".to_owned(), position(at)));
    }
    map([
        ("gql_status", notification.gql_status.as_str().into()),
        ("status_description", notification.description.as_str().into()),
        ("description", notification.description.as_str().into()),
        ("title", notification.title.as_str().into()),
        ("neo4j_code", notification.code.as_str().into()),
        ("diagnostic_record", record.into()),
    ])
}

/// The status of the statement itself: there is always exactly one.
fn own_status(shape: StreamShape) -> WireValue {
    let (status, description) = match (shape.has_columns, shape.has_rows) {
        (false, _) => ("00001", "note: successful completion - omitted result"),
        (true, false) => ("02000", "note: no data"),
        (true, true) => ("00000", "note: successful completion"),
    };
    map([
        ("gql_status", status.into()),
        ("status_description", description.into()),
    ])
}
