//! A result value as a plain tree, so that what came and what was expected can be compared without the graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A value with its entities spelt out.
#[derive(Clone, Debug)]
pub enum Tree {
    /// null
    Null,
    /// true or false
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float; NaN equals NaN here.
    Float(f64),
    /// A text, or a temporal value in its text form, as the TCK writes those.
    String(String),
    /// A list.
    List(Vec<Tree>),
    /// A map.
    Map(BTreeMap<String, Tree>),
    /// A node without its id.
    Node {
        /// Label names.
        labels: BTreeSet<String>,
        /// Properties.
        properties: BTreeMap<String, Tree>,
    },
    /// A relationship without its id.
    Relationship {
        /// The type's name.
        relationship_type: String,
        /// Properties.
        properties: BTreeMap<String, Tree>,
    },
    /// A path: its first node, then for each step the relationship, whether it is walked forward, and the node.
    Path(Box<Tree>, Vec<(Tree, bool, Tree)>),
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other, false)
    }
}

impl Tree {
    /// Whether two trees are equal, optionally without regard to the order of list items.
    pub fn matches(&self, other: &Self, any_list_order: bool) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::List(a), Self::List(b)) if any_list_order => same_bag(a, b, |x, y| x.matches(y, true)),
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.matches(y, any_list_order))
            }
            (Self::Map(a), Self::Map(b)) => same_map(a, b, any_list_order),
            (
                Self::Node {
                    labels: a,
                    properties: p,
                },
                Self::Node {
                    labels: b,
                    properties: q,
                },
            ) => a == b && same_map(p, q, any_list_order),
            (
                Self::Relationship {
                    relationship_type: a,
                    properties: p,
                },
                Self::Relationship {
                    relationship_type: b,
                    properties: q,
                },
            ) => a == b && same_map(p, q, any_list_order),
            (Self::Path(a, steps), Self::Path(b, other_steps)) => {
                a.matches(b, any_list_order)
                    && steps.len() == other_steps.len()
                    && steps.iter().zip(other_steps).all(|(x, y)| {
                        x.0.matches(&y.0, any_list_order) && x.1 == y.1 && x.2.matches(&y.2, any_list_order)
                    })
            }
            _ => false,
        }
    }
}

fn same_map(left: &BTreeMap<String, Tree>, right: &BTreeMap<String, Tree>, any_list_order: bool) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|((a, x), (b, y))| a == b && x.matches(y, any_list_order))
}

/// Whether two collections hold the same items in any order.
pub fn same_bag<T>(left: &[T], right: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    let mut rest: Vec<&T> = right.iter().collect();
    left.len() == right.len()
        && left
            .iter()
            .all(|item| match rest.iter().position(|other| same(item, other)) {
                Some(place) => {
                    rest.swap_remove(place);
                    true
                }
                None => false,
            })
}

impl fmt::Display for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::String(value) => write!(formatter, "'{value}'"),
            Self::List(items) => {
                formatter.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    write!(formatter, "{}{item}", if place > 0 { ", " } else { "" })?;
                }
                formatter.write_str("]")
            }
            Self::Map(entries) => write_map(formatter, entries),
            Self::Node { labels, properties } => {
                formatter.write_str("(")?;
                labels.iter().try_for_each(|label| write!(formatter, ":{label}"))?;
                write_map(formatter, properties)?;
                formatter.write_str(")")
            }
            Self::Relationship {
                relationship_type,
                properties,
            } => {
                write!(formatter, "[:{relationship_type}")?;
                write_map(formatter, properties)?;
                formatter.write_str("]")
            }
            Self::Path(start, steps) => {
                write!(formatter, "<{start}")?;
                for (relationship, forward, node) in steps {
                    let (left, right) = if *forward { ("-", "->") } else { ("<-", "-") };
                    write!(formatter, "{left}{relationship}{right}{node}")?;
                }
                formatter.write_str(">")
            }
        }
    }
}

fn write_map(formatter: &mut fmt::Formatter<'_>, entries: &BTreeMap<String, Tree>) -> fmt::Result {
    formatter.write_str("{")?;
    for (place, (key, value)) in entries.iter().enumerate() {
        write!(formatter, "{}{key}: {value}", if place > 0 { ", " } else { "" })?;
    }
    formatter.write_str("}")
}
