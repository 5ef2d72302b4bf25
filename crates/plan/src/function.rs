//! The functions of the language: names, numbers and kinds of arguments, and what they answer.
//!
//! Owns the table that the parser's calls are checked against; `execute` implements each scalar function under its canonical
//! name. Argument kinds are checked only where a wrong one can never work and the suite wants it refused at once.

use crate::types::Type;

mod table;

pub use table::FUNCTIONS;

/// Kinds of value that an argument takes; null is always taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever there is; wrong ones fail when run.
    Any,
    /// A node.
    Node,
    /// A relationship.
    Relationship,
    /// A node or relationship.
    Entity,
    /// A node, relationship or map.
    Properties,
    /// A path.
    Path,
    /// A list or text.
    Sized,
    /// A number or duration.
    Number,
}

impl Kind {
    /// Whether a value of this type may be of the kind.
    pub fn accepts(self, value: &Type) -> bool {
        if value.is_open() {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Node => matches!(value, Type::Node),
            Self::Relationship => matches!(value, Type::Relationship),
            Self::Entity => matches!(value, Type::Node | Type::Relationship),
            Self::Properties => matches!(value, Type::Node | Type::Relationship | Type::Map),
            Self::Path => matches!(value, Type::Path),
            Self::Sized => matches!(value, Type::List(_) | Type::String),
            Self::Number => matches!(value, Type::Integer | Type::Float | Type::Number | Type::Duration),
        }
    }
}

/// What a function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Depends.
    Any,
    /// What its first argument is.
    First,
    /// An item of its first argument.
    Item,
    /// A list of its first argument.
    ListOfFirst,
    /// True or false.
    Boolean,
    /// An integer.
    Integer,
    /// A float.
    Float,
    /// An integer or float.
    Number,
    /// A text.
    String,
    /// A list of anything.
    List,
    /// A list of integers.
    Integers,
    /// A list of texts.
    Strings,
    /// A list of nodes.
    Nodes,
    /// A list of relationships.
    Relationships,
    /// A map.
    Map,
    /// A node.
    Node,
    /// A date or time.
    Temporal,
    /// An amount of time.
    Duration,
    /// A point.
    Point,
}

impl Answer {
    /// The type answered for these arguments.
    pub fn for_arguments(self, arguments: &[Type]) -> Type {
        let first = || arguments.first().cloned().unwrap_or(Type::Any);
        match self {
            Self::Any => Type::Any,
            Self::First => first(),
            Self::Item => first().item(),
            Self::ListOfFirst => Type::list(first()),
            Self::Boolean => Type::Boolean,
            Self::Integer => Type::Integer,
            Self::Float => Type::Float,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List => Type::list(Type::Any),
            Self::Integers => Type::list(Type::Integer),
            Self::Strings => Type::list(Type::String),
            Self::Nodes => Type::list(Type::Node),
            Self::Relationships => Type::list(Type::Relationship),
            Self::Map => Type::Map,
            Self::Node => Type::Node,
            Self::Temporal => Type::Temporal,
            Self::Duration => Type::Duration,
            Self::Point => Type::Point,
        }
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FunctionSignature {
    /// Its canonical, lower-case name.
    pub name: &'static str,
    /// As the manual spells it.
    pub display: &'static str,
    /// Other names it is called by, in lower case.
    pub aliases: &'static [&'static str],
    /// Fewest arguments.
    pub minimum: usize,
    /// Most arguments.
    pub maximum: usize,
    /// The kind that every argument has to be of.
    pub kind: Kind,
    /// What it answers.
    pub answer: Answer,
    /// Whether it answers one value for a group of rows.
    pub aggregate: bool,
    /// Whether it may answer differently for the same arguments.
    pub volatile: bool,
}

/// A function by any of its names, in any letter case.
pub fn find(name: &str) -> Option<&'static FunctionSignature> {
    let name = name.to_lowercase();
    FUNCTIONS
        .iter()
        .find(|function| function.name == name || function.aliases.contains(&name.as_str()))
}

/// The name nearest to a misspelled one, if any is near.
pub fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).clamp(1, 3);
    names
        .map(|known| (distance(&name, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many letters have to be added, left out or changed.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(place + 1);
        for ((other, diagonal), above) in right.iter().zip(&row).zip(row.iter().skip(1)) {
            let beside = next.last().copied().unwrap_or_default();
            let changed = diagonal + usize::from(*other != letter);
            next.push(changed.min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_unique() {
        let mut seen = std::collections::HashSet::new();
        for function in FUNCTIONS {
            assert_eq!(function.name, function.display.to_lowercase(), "{}", function.name);
            assert!(function.minimum <= function.maximum, "{}", function.name);
            for name in function.aliases.iter().chain([&function.name]) {
                assert!(seen.insert(*name), "{name} twice");
                assert_eq!(*name, name.to_lowercase());
            }
        }
    }

    #[test]
    fn a_misspelled_function_is_told_its_name() {
        let names = || FUNCTIONS.iter().map(|function| function.display);
        assert_eq!(nearest("tostrign", names()), Some("toString"));
        assert_eq!(nearest("foo", names()), None);
    }

    #[test]
    fn functions_are_found_in_any_case_and_by_alias() {
        assert_eq!(find("TOUPPER").map(|found| found.name), Some("toupper"));
        assert_eq!(find("Upper").map(|found| found.name), Some("toupper"));
    }
}
