//! What a statement changed, as the difference of two censuses.

use std::collections::BTreeSet;

use bastide_model::{GraphRead, LabelId, NodeId, PropertyKeyId, RelationshipId, Value};

/// More entities than any case of the TCK has.
const ENTITIES_MAX: usize = 1 << 20;

/// Everything in a graph that side effects count.
#[derive(Debug, Default)]
pub struct Census {
    nodes: BTreeSet<NodeId>,
    relationships: BTreeSet<RelationshipId>,
    labels: BTreeSet<LabelId>,
    properties: BTreeSet<(bool, u64, PropertyKeyId, String)>,
}

impl Census {
    /// Counts a graph.
    pub fn take(graph: &dyn GraphRead) -> Self {
        let mut census = Self::default();
        let (mut nodes, mut relationships) = (Vec::new(), Vec::new());
        let _in_memory = (
            graph.scan_nodes(NodeId(0), ENTITIES_MAX, &mut nodes),
            graph.scan_relationships(None, RelationshipId(0), ENTITIES_MAX, &mut relationships),
        );
        for node in nodes {
            census.nodes.insert(node);
            let (mut labels, mut properties) = (Vec::new(), Vec::new());
            let _in_memory = (
                graph.node_labels(node, &mut labels),
                graph.node_properties(node, &mut properties),
            );
            census.labels.extend(labels);
            census.add_properties(true, node.0, properties);
        }
        for relationship in relationships {
            census.relationships.insert(relationship);
            let mut properties = Vec::new();
            let _in_memory = graph.relationship_properties(relationship, &mut properties);
            census.add_properties(false, relationship.0, properties);
        }
        census
    }

    fn add_properties(&mut self, is_node: bool, id: u64, properties: Vec<(PropertyKeyId, Value)>) {
        self.properties.extend(
            properties
                .into_iter()
                .map(|(key, value)| (is_node, id, key, format!("{value:?}"))),
        );
    }

    /// The side effects that lead from this census to `after`, by the TCK's names, without those that are 0.
    pub fn changes_to(&self, after: &Self) -> Vec<(String, i64)> {
        fn differences<T: Ord>(before: &BTreeSet<T>, after: &BTreeSet<T>) -> [usize; 2] {
            [after.difference(before).count(), before.difference(after).count()]
        }
        let all = [
            ("nodes", differences(&self.nodes, &after.nodes)),
            ("relationships", differences(&self.relationships, &after.relationships)),
            ("labels", differences(&self.labels, &after.labels)),
            ("properties", differences(&self.properties, &after.properties)),
        ];
        let mut changes = Vec::new();
        for (name, [added, removed]) in all {
            for (sign, count) in [("+", added), ("-", removed)] {
                if count > 0 {
                    changes.push((format!("{sign}{name}"), i64::try_from(count).unwrap_or(i64::MAX)));
                }
            }
        }
        changes.sort();
        changes
    }
}
