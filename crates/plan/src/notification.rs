//! Warnings for the client: names that were never used, products of unconnected patterns.
//!
//! Each is told once a statement. Source: the public list of Neo4j's notification codes.

use std::sync::Arc;

use bastide_cypher::ast::{LabelExpression, LabelExpressionKind, Name};

use crate::operator::Notification;
use crate::planner::{Planner, offset};

impl Planner<'_> {
    pub(crate) fn warn_unknown_labels(&mut self, labels: &LabelExpression) {
        for name in names(labels) {
            if self.context.label_count(&name.text).is_none() {
                self.warn_unknown(
                    "Neo.ClientNotification.Statement.UnknownLabelWarning",
                    "01N50",
                    name,
                    "The provided label is not in the database.",
                    format!("no node has ever had the label `{name}`; it may be misspelled"),
                );
            }
        }
    }

    pub(crate) fn warn_unknown_types(&mut self, types: &LabelExpression) {
        for name in names(types) {
            if self.context.type_count(&name.text).is_none() {
                self.warn_unknown(
                    "Neo.ClientNotification.Statement.UnknownRelationshipTypeWarning",
                    "01N51",
                    name,
                    "The provided relationship type is not in the database.",
                    format!("no relationship has ever had the type `{name}`; it may be misspelled"),
                );
            }
        }
    }

    pub(crate) fn warn_unknown_key(&mut self, name: &Name) {
        if !self.context.has_property_key(&name.text) {
            self.warn_unknown(
                "Neo.ClientNotification.Statement.UnknownPropertyKeyWarning",
                "01N52",
                name,
                "The provided property key is not in the database",
                format!("no entity has ever had the property `{name}`; it may be misspelled"),
            );
        }
    }

    pub(crate) fn warn_cartesian_product(&mut self) {
        if !self.warned.insert(("cartesian", Arc::from(""))) {
            return;
        }
        self.notifications.push(Notification {
            code: "Neo.ClientNotification.Statement.CartesianProduct",
            gql_status: "03N90",
            severity: "INFORMATION",
            category: "PERFORMANCE",
            title: "This query builds a cartesian product between disconnected patterns.".to_owned(),
            description:
                "patterns that are not connected are joined by pairing every row of one with every row of the \
                          other; connect them, or put them into separate queries, if that is not meant"
                    .to_owned(),
            offset: None,
        });
    }

    fn warn_unknown(
        &mut self,
        code: &'static str,
        gql_status: &'static str,
        name: &Name,
        title: &str,
        description: String,
    ) {
        if !self.warned.insert((code, Arc::clone(&name.text))) {
            return;
        }
        self.notifications.push(Notification {
            code,
            gql_status,
            severity: "WARNING",
            category: "UNRECOGNIZED",
            title: title.to_owned(),
            description,
            offset: Some(offset(name.span)),
        });
    }
}

fn names(labels: &LabelExpression) -> Vec<&Name> {
    match &labels.kind {
        LabelExpressionKind::Label(name) => vec![name],
        LabelExpressionKind::Wildcard => Vec::new(),
        LabelExpressionKind::Not(inner) => names(inner),
        LabelExpressionKind::And(parts) | LabelExpressionKind::Or(parts) => parts.iter().flat_map(names).collect(),
    }
}
