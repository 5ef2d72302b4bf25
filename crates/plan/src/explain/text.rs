//! Details of operators as text close to Cypher.

use std::fmt::Write;
use std::sync::Arc;

use bastide_model::{Direction, Value};
use rustc_hash::FxHashMap;

use super::anonymous;
use crate::expression::{Arithmetic, Comparison, Expression, Labels, Quantifier, Slot, Subquery, TextMatch};
use crate::operator::{Aggregation, IndexSeek, OperatorKind, Plan, Update};

/// The names that a plan's numbers stand for.
pub(super) struct Texts<'p> {
    plan: &'p Plan,
    names: FxHashMap<Slot, Arc<str>>,
}

impl<'p> Texts<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let mut names: FxHashMap<Slot, Arc<str>> = FxHashMap::default();
        for (slot, name) in &plan.variables {
            names.entry(*slot).or_insert_with(|| Arc::clone(name));
        }
        Self { plan, names }
    }

    /// The name of a slot that has one.
    pub(super) fn identifier(&self, slot: Slot) -> Option<String> {
        self.names.get(&slot).map(ToString::to_string)
    }

    fn slot(&self, slot: Slot) -> String {
        self.identifier(slot).unwrap_or_else(|| anonymous(slot))
    }

    fn types(&self, types: &[crate::expression::TypeName]) -> String {
        let names: Vec<&str> = types
            .iter()
            .filter_map(|name| self.plan.relationship_types.get(name.0 as usize).map(AsRef::as_ref))
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(":{}", names.join("|"))
        }
    }

    fn label(&self, label: crate::expression::LabelName) -> &str {
        self.plan.labels.get(label.0 as usize).map_or("", AsRef::as_ref)
    }

    pub(super) fn details(&self, kind: &OperatorKind) -> String {
        match kind {
            OperatorKind::AllNodesScan { node, .. } => self.slot(*node),
            OperatorKind::NodeByLabelScan { node, label, .. } => format!("{}:{}", self.slot(*node), self.label(*label)),
            OperatorKind::NodeByIdSeek {
                node, ids, element_ids, ..
            } => {
                let function = if *element_ids { "elementId" } else { "id" };
                format!("{} WHERE {function}({0}) IN {}", self.slot(*node), self.expression(ids))
            }
            OperatorKind::NodeIndexSeek { node, index, seek, .. } => {
                format!("RANGE INDEX {index} {}: {}", self.slot(*node), self.seek(seek))
            }
            OperatorKind::RelationshipScan {
                relationship,
                start,
                end,
                types,
                ..
            } => self.step(*start, *relationship, *end, Direction::Outgoing, types, ""),
            OperatorKind::RelationshipByIdSeek { relationship, ids, .. } => {
                format!("{} WHERE id({0}) IN {}", self.slot(*relationship), self.expression(ids))
            }
            OperatorKind::NodeCount { label, count, .. } => {
                let label = label.map_or(String::new(), |label| format!(":{}", self.label(label)));
                format!("count( ({label}) ) AS {}", self.slot(*count))
            }
            OperatorKind::RelationshipCount { types, count, .. } => {
                format!("count( ()-[{}]->() ) AS {}", self.types(types), self.slot(*count))
            }
            OperatorKind::Expand {
                from,
                relationship,
                to,
                direction,
                types,
                ..
            } => self.step(*from, *relationship, *to, *direction, types, ""),
            OperatorKind::VariableExpand {
                from,
                relationships,
                to,
                direction,
                types,
                min,
                max,
                ..
            }
            | OperatorKind::ShortestPath {
                from,
                relationships,
                to,
                direction,
                types,
                min,
                max,
                ..
            } => {
                let max = max.map_or(String::new(), |max| max.to_string());
                self.step(*from, *relationships, *to, *direction, types, &format!("*{min}..{max}"))
            }
            OperatorKind::Filter { predicate, .. } => self.expression(predicate),
            OperatorKind::Project { items, .. } | OperatorKind::Distinct { keys: items, .. } => self.items(items),
            OperatorKind::Aggregate { keys, aggregates, .. } => self.grouping(keys, aggregates),
            OperatorKind::Sort { keys, limit, .. } => {
                let mut text = join(keys.iter().map(|key| {
                    let direction = if key.descending { "DESC" } else { "ASC" };
                    format!("{} {direction}", self.expression(&key.expression))
                }));
                if let Some(limit) = limit {
                    let _ = write!(text, " LIMIT {}", self.expression(limit));
                }
                text
            }
            OperatorKind::Skip { count, .. } | OperatorKind::Limit { count, .. } => self.expression(count),
            OperatorKind::Unwind { list, slot, .. } | OperatorKind::Foreach { list, slot, .. } => {
                format!("{} AS {}", self.expression(list), self.slot(*slot))
            }
            OperatorKind::HashJoin { keys, .. } => join(
                keys.iter()
                    .map(|(left, right)| format!("{} = {}", self.expression(left), self.expression(right))),
            ),
            OperatorKind::Create {
                nodes, relationships, ..
            }
            | OperatorKind::Merge {
                nodes, relationships, ..
            } => self.created(nodes, relationships),
            OperatorKind::Update { updates, .. } => join(updates.iter().map(|update| self.update(update))),
            OperatorKind::Delete { subjects, .. } => join(subjects.iter().map(|(subject, _)| self.expression(subject))),
            OperatorKind::LoadCsv { url, slot, .. } => format!("{} AS {}", self.expression(url), self.slot(*slot)),
            OperatorKind::ProcedureCall { name, arguments, .. } => {
                format!(
                    "{name}({})",
                    join(arguments.iter().map(|argument| self.expression(argument)))
                )
            }
            _ => String::new(),
        }
    }

    fn items(&self, items: &[(Slot, Expression)]) -> String {
        join(items.iter().map(|(slot, item)| {
            let text = self.expression(item);
            let name = self.slot(*slot);
            if text == name {
                text
            } else {
                format!("{text} AS {name}")
            }
        }))
    }

    fn grouping(&self, keys: &[(Slot, Expression)], aggregates: &[(Slot, Aggregation)]) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !keys.is_empty() {
            parts.push(self.items(keys));
        }
        for (slot, aggregate) in aggregates {
            let distinct = if aggregate.distinct { "DISTINCT " } else { "" };
            let arguments = join(aggregate.arguments.iter().map(|argument| self.expression(argument)));
            let call = match aggregate.function.as_ref() {
                "count(*)" => "count(*)".to_owned(),
                function => format!("{function}({distinct}{arguments})"),
            };
            parts.push(format!("{call} AS {}", self.slot(*slot)));
        }
        parts.join(", ")
    }

    fn created(
        &self,
        nodes: &[crate::operator::CreateNode],
        relationships: &[crate::operator::CreateRelationship],
    ) -> String {
        let nodes = nodes.iter().map(|node| {
            let labels: String = node
                .labels
                .iter()
                .map(|label| format!(":{}", self.label(*label)))
                .collect();
            format!("({}{labels})", self.slot(node.slot))
        });
        let relationships = relationships.iter().map(|relationship| {
            let types = [relationship.relationship_type];
            self.step(
                relationship.start,
                relationship.slot,
                relationship.end,
                Direction::Outgoing,
                &types,
                "",
            )
        });
        join(nodes.chain(relationships))
    }

    fn step(
        &self,
        from: Slot,
        relationship: Slot,
        to: Slot,
        direction: Direction,
        types: &[crate::expression::TypeName],
        length: &str,
    ) -> String {
        let (left, right) = match direction {
            Direction::Outgoing => ("-", "->"),
            Direction::Incoming => ("<-", "-"),
            Direction::Both => ("-", "-"),
        };
        format!(
            "({}){left}[{}{}{length}]{right}({})",
            self.slot(from),
            self.slot(relationship),
            self.types(types),
            self.slot(to)
        )
    }

    fn seek(&self, seek: &IndexSeek) -> String {
        match seek {
            IndexSeek::All => "every entry".to_owned(),
            IndexSeek::Equal(values) => format!("= {}", join(values.iter().map(|value| self.expression(value)))),
            IndexSeek::AnyOf(list) => format!("IN {}", self.expression(list)),
            IndexSeek::Prefix(text) => format!("STARTS WITH {}", self.expression(text)),
            IndexSeek::Range { from, to } => {
                let mut parts = Vec::new();
                if let Some((from, inside)) = from {
                    parts.push(format!(
                        "{} {}",
                        if *inside { ">=" } else { ">" },
                        self.expression(from)
                    ));
                }
                if let Some((to, inside)) = to {
                    parts.push(format!("{} {}", if *inside { "<=" } else { "<" }, self.expression(to)));
                }
                parts.join(" AND ")
            }
        }
    }

    fn update(&self, update: &Update) -> String {
        match update {
            Update::SetProperty {
                subject, key, value, ..
            } => format!("{}.{key} = {}", self.expression(subject), self.expression(value)),
            Update::SetDynamicProperty {
                subject, key, value, ..
            } => format!(
                "{}[{}] = {}",
                self.expression(subject),
                self.expression(key),
                self.expression(value)
            ),
            Update::ReplaceProperties { subject, value, .. } => {
                format!("{} = {}", self.expression(subject), self.expression(value))
            }
            Update::MergeProperties { subject, value, .. } => {
                format!("{} += {}", self.expression(subject), self.expression(value))
            }
            Update::AddLabels { subject, labels, .. } | Update::RemoveLabels { subject, labels, .. } => {
                let labels: String = labels.iter().map(|label| format!(":{}", self.label(*label))).collect();
                format!("{}{labels}", self.expression(subject))
            }
        }
    }

    fn expression(&self, expression: &Expression) -> String {
        let one = |inner: &Expression| self.expression(inner);
        match expression {
            Expression::Literal(value) => literal(value),
            Expression::Parameter(name) => {
                let name = self.plan.parameters.get(name.0 as usize).map_or("", AsRef::as_ref);
                format!("${name}")
            }
            Expression::Slot(slot) => self.slot(*slot),
            Expression::Property { subject, key, .. } => {
                let key = self.plan.property_keys.get(key.0 as usize).map_or("", AsRef::as_ref);
                format!("{}.{key}", one(subject))
            }
            Expression::Index { container, index, .. } => format!("{}[{}]", one(container), one(index)),
            Expression::Slice { list, from, to } => {
                let bound = |bound: &Option<Box<Expression>>| bound.as_ref().map_or(String::new(), |inner| one(inner));
                format!("{}[{}..{}]", one(list), bound(from), bound(to))
            }
            Expression::List(items) => format!("[{}]", join(items.iter().map(one))),
            Expression::Map(items) => {
                format!(
                    "{{{}}}",
                    join(items.iter().map(|(key, item)| format!("{key}: {}", one(item))))
                )
            }
            Expression::MapProjection { subject, .. } => format!("{} {{…}}", one(subject)),
            Expression::Not(inner) => format!("NOT {}", one(inner)),
            Expression::And(parts) => parts.iter().map(one).collect::<Vec<_>>().join(" AND "),
            Expression::Or(parts) => format!("({})", parts.iter().map(one).collect::<Vec<_>>().join(" OR ")),
            Expression::Xor(left, right) => format!("({} XOR {})", one(left), one(right)),
            Expression::Compare { operator, left, right } => {
                format!("{} {} {}", one(left), comparison(*operator), one(right))
            }
            Expression::Arithmetic {
                operator, left, right, ..
            } => format!("({} {} {})", one(left), arithmetic(*operator), one(right)),
            Expression::Negate(inner, _) => format!("-{}", one(inner)),
            Expression::MatchText {
                operator,
                text,
                pattern,
            } => format!("{} {} {}", one(text), text_match(*operator), one(pattern)),
            Expression::In { item, list } => format!("{} IN {}", one(item), one(list)),
            Expression::IsNull(inner) => format!("{} IS NULL", one(inner)),
            Expression::IsNotNull(inner) => format!("{} IS NOT NULL", one(inner)),
            Expression::IsTyped {
                subject,
                value_type,
                negated,
            } => format!(
                "{} IS {}:: {value_type}",
                one(subject),
                if *negated { "NOT " } else { "" }
            ),
            Expression::HasLabels { subject, labels } => format!("{}:{}", one(subject), label_text(labels)),
            Expression::Case { .. } => "CASE … END".to_owned(),
            Expression::Function { name, arguments, .. } => {
                format!("{name}({})", join(arguments.iter().map(one)))
            }
            Expression::ListComprehension { slot, list, .. } => {
                format!("[{} IN {} …]", self.slot(*slot), one(list))
            }
            Expression::Quantifier {
                kind,
                slot,
                list,
                predicate,
            } => format!(
                "{}({} IN {} WHERE {})",
                quantifier(*kind),
                self.slot(*slot),
                one(list),
                one(predicate)
            ),
            Expression::Reduce { list, .. } => format!("reduce(… IN {} | …)", one(list)),
            Expression::Path { .. } => "path".to_owned(),
            Expression::Subquery { kind, .. } => match kind {
                Subquery::Exists => "EXISTS {…}".to_owned(),
                Subquery::Count => "COUNT {…}".to_owned(),
                Subquery::Collect(_) => "COLLECT {…}".to_owned(),
            },
            Expression::DistinctRelationships(slots) => slots
                .iter()
                .map(|slot| self.slot(*slot))
                .collect::<Vec<_>>()
                .join(" <> "),
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// Short values as they are written, others by their kind.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::String(text) => format!("{text:?}"),
        other => format!("<{}>", other.kind().name()),
    }
}

fn comparison(operator: Comparison) -> &'static str {
    match operator {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn arithmetic(operator: Arithmetic) -> &'static str {
    match operator {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Modulo => "%",
        Arithmetic::Power => "^",
        Arithmetic::Concatenate => "||",
    }
}

fn text_match(operator: TextMatch) -> &'static str {
    match operator {
        TextMatch::StartsWith => "STARTS WITH",
        TextMatch::EndsWith => "ENDS WITH",
        TextMatch::Contains => "CONTAINS",
        TextMatch::Regex => "=~",
    }
}

fn quantifier(kind: Quantifier) -> &'static str {
    match kind {
        Quantifier::All => "all",
        Quantifier::Any => "any",
        Quantifier::None => "none",
        Quantifier::Single => "single",
    }
}

fn label_text(labels: &Labels) -> String {
    match labels {
        Labels::Name(name) => name.to_string(),
        Labels::Any => "%".to_owned(),
        Labels::And(parts) => parts.iter().map(label_text).collect::<Vec<_>>().join("&"),
        Labels::Or(parts) => format!("({})", parts.iter().map(label_text).collect::<Vec<_>>().join("|")),
        Labels::Not(inner) => format!("!{}", label_text(inner)),
    }
}
