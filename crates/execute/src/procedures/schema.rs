//! `db.schema.*`: what the data looks like, found by going over all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bastide_model::{GraphError, GraphRead, LabelId, Map, NodeId, PropertyKeyId, RelationshipId, Value, ValueKind};
use bastide_plan::ProcedureMode;
use bastide_security::Action;
use bastide_status::Status;

use super::ProcedureContext;
use super::signature::{Declaration, row, texts};
use crate::evaluate::graph_status;

/// Entities read between two looks at the clock.
const CHUNK: usize = 1024;

pub(super) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "db.schema.visualization",
        arguments: "",
        columns: "nodes:LIST relationships:LIST",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Labels and how relationship types join them, as maps.",
        run: visualization,
    },
    Declaration {
        name: "db.schema.nodeTypeProperties",
        arguments: "",
        columns: "nodeType:STRING nodeLabels:STRINGS propertyName:STRING propertyTypes:STRINGS mandatory:BOOLEAN",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Show the derived property schema of the nodes in tabular form.",
        run: node_type_properties,
    },
    Declaration {
        name: "db.schema.relTypeProperties",
        arguments: "",
        columns: "relType:STRING propertyName:STRING propertyTypes:STRINGS mandatory:BOOLEAN",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Show the derived property schema of the relationships in tabular form.",
        run: relationship_type_properties,
    },
];

fn failed(error: GraphError) -> Status {
    graph_status(&error)
}

/// What is known of the entities of one type.
#[derive(Default)]
struct TypeSummary {
    entities: u64,
    properties: BTreeMap<PropertyKeyId, (u64, BTreeSet<String>)>,
}

impl TypeSummary {
    fn add(&mut self, properties: &[(PropertyKeyId, Value)]) {
        self.entities += 1;
        for (key, value) in properties {
            let (count, types) = self.properties.entry(*key).or_default();
            *count += 1;
            types.insert(type_name(value));
        }
    }

    fn rows(&self, graph: &dyn GraphRead, first: &Map) -> Vec<Map> {
        if self.properties.is_empty() {
            let mut bare = first.clone();
            bare.insert("mandatory", Value::Boolean(false));
            return vec![bare];
        }
        self.properties
            .iter()
            .map(|(key, (count, types))| {
                let mut row = first.clone();
                row.insert(
                    "propertyName",
                    graph.property_key_name(*key).map_or(Value::Null, Value::String),
                );
                row.insert("propertyTypes", texts(types));
                row.insert("mandatory", Value::Boolean(*count == self.entities));
                row
            })
            .collect()
    }
}

/// The name of a type as this procedure has always shown it.
fn type_name(value: &Value) -> String {
    let scalar = |kind: ValueKind| match kind {
        ValueKind::Boolean => "Boolean",
        ValueKind::Integer => "Long",
        ValueKind::Float => "Double",
        ValueKind::String => "String",
        ValueKind::Bytes => "ByteArray",
        ValueKind::Date => "Date",
        ValueKind::Time => "Time",
        ValueKind::LocalTime => "LocalTime",
        ValueKind::DateTime => "DateTime",
        ValueKind::LocalDateTime => "LocalDateTime",
        ValueKind::Duration => "Duration",
        ValueKind::Point => "Point",
        _ => "Any",
    };
    match value {
        Value::List(items) => {
            let item = items.first().map_or("Any", |item| scalar(item.kind()));
            format!("{item}Array")
        }
        other => scalar(other.kind()).to_owned(),
    }
}

/// Calls `visit` for every node.
fn each_node(
    context: &ProcedureContext<'_>,
    mut visit: impl FnMut(NodeId) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut from = NodeId(0);
    let mut nodes = Vec::new();
    loop {
        context.cancellation.check()?;
        nodes.clear();
        context.graph().scan_nodes(from, CHUNK, &mut nodes).map_err(failed)?;
        nodes.iter().try_for_each(|node| visit(*node))?;
        match nodes.last() {
            Some(last) if nodes.len() == CHUNK => from = NodeId(last.0.saturating_add(1)),
            _ => return Ok(()),
        }
    }
}

/// Calls `visit` for every relationship.
fn each_relationship(
    context: &ProcedureContext<'_>,
    mut visit: impl FnMut(RelationshipId) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut from = RelationshipId(0);
    let mut relationships = Vec::new();
    loop {
        context.cancellation.check()?;
        relationships.clear();
        context
            .graph()
            .scan_relationships(None, from, CHUNK, &mut relationships)
            .map_err(failed)?;
        relationships.iter().try_for_each(|relationship| visit(*relationship))?;
        match relationships.last() {
            Some(last) if relationships.len() == CHUNK => from = RelationshipId(last.0.saturating_add(1)),
            _ => return Ok(()),
        }
    }
}

fn label_names(graph: &dyn GraphRead, labels: &[LabelId]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = labels.iter().filter_map(|label| graph.label_name(*label)).collect();
    names.sort_unstable();
    names
}

fn node_type_properties(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let mut summaries: BTreeMap<Vec<LabelId>, TypeSummary> = BTreeMap::new();
    let mut labels = Vec::new();
    let mut properties = Vec::new();
    each_node(context, |node| {
        labels.clear();
        properties.clear();
        graph.node_labels(node, &mut labels).map_err(failed)?;
        graph.node_properties(node, &mut properties).map_err(failed)?;
        match summaries.get_mut(&labels) {
            Some(summary) => summary.add(&properties),
            None => summaries.entry(labels.clone()).or_default().add(&properties),
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    for (labels, summary) in &summaries {
        let names = label_names(graph, labels);
        let node_type: String = names.iter().map(|name| format!(":`{name}`")).collect();
        let first = row([("nodeType", Value::from(node_type)), ("nodeLabels", texts(&names))]);
        rows.extend(summary.rows(graph, &first));
    }
    Ok(rows)
}

fn relationship_type_properties(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let mut summaries: BTreeMap<u32, TypeSummary> = BTreeMap::new();
    let mut properties = Vec::new();
    each_relationship(context, |relationship| {
        let Some(record) = graph.relationship(relationship).map_err(failed)? else {
            return Ok(());
        };
        properties.clear();
        graph
            .relationship_properties(relationship, &mut properties)
            .map_err(failed)?;
        summaries
            .entry(record.relationship_type.0)
            .or_default()
            .add(&properties);
        Ok(())
    })?;
    let mut rows = Vec::new();
    for (id, summary) in &summaries {
        let name = graph.relationship_type_name(bastide_model::RelationshipTypeId(*id));
        let name = name.unwrap_or_else(|| "".into());
        rows.extend(summary.rows(graph, &row([("relType", Value::from(format!(":`{name}`")))])));
    }
    Ok(rows)
}

/// Which labels there are and which types join them. A value cannot be a node that is not in the graph, so these are maps.
fn visualization(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let mut joins = BTreeSet::new();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    each_relationship(context, |relationship| {
        let Some(record) = graph.relationship(relationship).map_err(failed)? else {
            return Ok(());
        };
        starts.clear();
        ends.clear();
        graph.node_labels(record.start, &mut starts).map_err(failed)?;
        graph.node_labels(record.end, &mut ends).map_err(failed)?;
        for start in &starts {
            joins.extend(ends.iter().map(|end| (*start, record.relationship_type, *end)));
        }
        Ok(())
    })?;
    let mut nodes = Vec::new();
    for name in graph.label_names() {
        let Some(id) = graph.label_id(&name) else { continue };
        if graph.node_count(Some(id)).map_err(failed)? > 0 {
            nodes.push(Value::map(row([("name", Value::String(name))])));
        }
    }
    let relationships: Vec<Value> = joins
        .into_iter()
        .map(|(start, relationship_type, end)| {
            let label = |id| graph.label_name(id).map_or(Value::Null, Value::String);
            let name = graph.relationship_type_name(relationship_type);
            Value::map(row([
                ("name", name.map_or(Value::Null, Value::String)),
                ("start", label(start)),
                ("end", label(end)),
            ]))
        })
        .collect();
    Ok(vec![row([
        ("nodes", Value::from(nodes)),
        ("relationships", Value::from(relationships)),
    ])])
}
