//! What a statement did, in words.

use bastide_bolt::WireValue;

use crate::session::Summary;
use crate::value_text::harmless;

/// Counters, the verb and what was counted (one, many).
const COUNTERS: [(&str, &str, &str, &str); 12] = [
    ("nodes-created", "added", "node", "nodes"),
    ("nodes-deleted", "deleted", "node", "nodes"),
    ("relationships-created", "created", "relationship", "relationships"),
    ("relationships-deleted", "deleted", "relationship", "relationships"),
    ("properties-set", "set", "property", "properties"),
    ("labels-added", "added", "label", "labels"),
    ("labels-removed", "removed", "label", "labels"),
    ("indexes-added", "added", "index", "indexes"),
    ("indexes-removed", "removed", "index", "indexes"),
    ("constraints-added", "added", "constraint", "constraints"),
    ("constraints-removed", "removed", "constraint", "constraints"),
    ("system-updates", "made", "system update", "system updates"),
];

/// `3 rows, ready to start consuming after 4 ms, results consumed after another 1 ms`.
pub fn line(summary: &Summary) -> String {
    let rows = if summary.rows == 1 { "row" } else { "rows" };
    let mut text = format!("{} {rows}", summary.rows);
    if let Some(available) = summary.available_after_ms {
        text.push_str(&format!(", ready to start consuming after {available} ms"));
    }
    if let Some(consumed) = summary.consumed_after_ms {
        text.push_str(&format!(", results consumed after another {consumed} ms"));
    }
    text
}

/// `Added 2 nodes, set 3 properties`; empty when nothing changed.
pub fn changes(summary: &Summary) -> String {
    let Some(stats) = summary.field("stats") else {
        return String::new();
    };
    let parts: Vec<String> = COUNTERS
        .iter()
        .filter_map(|(key, verb, one, many)| match stats.field(key) {
            Some(WireValue::Integer(count)) if *count != 0 => {
                Some(format!("{verb} {count} {}", if *count == 1 { one } else { many }))
            }
            _ => None,
        })
        .collect();
    let text = parts.join(", ");
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(characters)
        .collect()
}

/// Hints and warnings, one text each: `warning: … (03N90, line 1, column 7)`.
pub fn notifications(summary: &Summary) -> Vec<String> {
    let list = summary.field("statuses").or_else(|| summary.field("notifications"));
    let Some(WireValue::List(list)) = list else {
        return Vec::new();
    };
    list.iter().filter_map(notification).collect()
}

/// One of them; statuses that only say that the statement succeeded have no code of Neo4j's.
fn notification(status: &WireValue) -> Option<String> {
    let text = |key: &str| {
        status
            .field(key)
            .and_then(WireValue::as_str)
            .filter(|text| !text.is_empty())
    };
    let code = text("neo4j_code").or_else(|| text("code"))?;
    let record = status.field("diagnostic_record");
    let severity = text("severity").or_else(|| record?.field("_severity")?.as_str());
    let severity = match severity {
        Some("WARNING") => "warning",
        _ => "hint",
    };
    let description = text("description")
        .or_else(|| text("status_description"))
        .unwrap_or_default();
    let mut line = format!("{severity}: {description} ({}", text("gql_status").unwrap_or(code));
    let position = record
        .and_then(|record| record.field("_position"))
        .or_else(|| status.field("position"));
    if let Some(position) = position
        && let (Some(WireValue::Integer(at_line)), Some(WireValue::Integer(column))) =
            (position.field("line"), position.field("column"))
    {
        line.push_str(&format!(", line {at_line}, column {column}"));
    }
    line.push(')');
    Some(harmless(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, WireValue)]) -> WireValue {
        WireValue::Map(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    }

    fn with(key: &str, value: WireValue) -> Summary {
        Summary {
            metadata: vec![(key.to_owned(), value)],
            ..Summary::default()
        }
    }

    #[test]
    fn reads_notifications_of_old_and_new_servers() {
        let position = map(&[("offset", 0.into()), ("line", 1.into()), ("column", 7.into())]);
        let old = map(&[
            ("code", "Neo.ClientNotification.Statement.CartesianProduct".into()),
            ("description", "a product".into()),
            ("severity", "WARNING".into()),
            ("position", position.clone()),
        ]);
        let new = map(&[
            ("gql_status", "03N90".into()),
            ("neo4j_code", "Neo.ClientNotification.Statement.CartesianProduct".into()),
            ("description", "a product".into()),
            (
                "diagnostic_record",
                map(&[("_severity", "INFORMATION".into()), ("_position", position)]),
            ),
        ]);
        let own = map(&[("gql_status", "00000".into()), ("status_description", "note".into())]);
        assert_eq!(
            notifications(&with("notifications", vec![old].into())),
            ["warning: a product (Neo.ClientNotification.Statement.CartesianProduct, line 1, column 7)"]
        );
        assert_eq!(
            notifications(&with("statuses", vec![own, new].into())),
            ["hint: a product (03N90, line 1, column 7)"]
        );
    }

    #[test]
    fn says_nothing_when_nothing_changed() {
        assert_eq!(changes(&Summary::default()), "");
        assert_eq!(changes(&with("stats", map(&[("nodes-created", 0.into())]))), "");
        assert_eq!(
            changes(&with(
                "stats",
                map(&[("indexes-added", 1.into()), ("labels-added", 3.into())])
            )),
            "Added 3 labels, added 1 index"
        );
    }
}
