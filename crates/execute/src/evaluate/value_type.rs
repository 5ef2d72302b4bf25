//! Types of values as `IS ::` and `valueType()` name them.

use bastide_model::{Value, ValueKind};
use bastide_status::{Code, Status};

/// A type as written after `IS ::`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueType {
    alternatives: Vec<Alternative>,
}

#[derive(Clone, Debug, PartialEq)]
struct Alternative {
    shape: Shape,
    nullable: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Any,
    Nothing,
    Kind(ValueKind),
    PropertyValue,
    List(Box<ValueType>),
    Union(Box<ValueType>),
}

impl ValueType {
    /// Reads a type, such as `INTEGER NOT NULL`, `LIST<STRING>` or `INTEGER | FLOAT`.
    pub(crate) fn parse(text: &str) -> Result<Self, Status> {
        let upper = text.to_uppercase();
        let mut reader = Reader { rest: upper.trim() };
        let parsed = reader.alternatives(0).filter(|_| reader.rest.trim().is_empty());
        parsed.ok_or_else(|| Status::new(Code::SyntaxError, format!("unknown type `{text}`")))
    }

    /// Whether a value is of the type.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        self.alternatives.iter().any(|alternative| alternative.holds(value))
    }
}

impl Alternative {
    fn holds(&self, value: &Value) -> bool {
        if let Shape::Union(union) = &self.shape {
            return union.holds(value);
        }
        if value.is_null() {
            return self.nullable && self.shape != Shape::Nothing || self.shape == Shape::Kind(ValueKind::Null);
        }
        match &self.shape {
            Shape::Any => true,
            Shape::Nothing => false,
            Shape::Union(union) => union.holds(value),
            Shape::Kind(kind) => value.kind() == *kind,
            Shape::PropertyValue => value.is_storable(),
            Shape::List(items) => match value {
                Value::List(values) => values.iter().all(|item| items.holds(item)),
                _ => false,
            },
        }
    }
}

/// The deepest nesting of `LIST<LIST<…>>`.
const NESTING_MAX: usize = 32;

/// Names of types, longer ones before those they begin with.
const NAMES: &[(&str, Shape)] = &[
    ("PROPERTY VALUE", Shape::PropertyValue),
    ("ANY PROPERTY VALUE", Shape::PropertyValue),
    ("TIMESTAMP WITHOUT TIME ZONE", Shape::Kind(ValueKind::LocalDateTime)),
    ("TIMESTAMP WITH TIME ZONE", Shape::Kind(ValueKind::DateTime)),
    ("TIME WITHOUT TIME ZONE", Shape::Kind(ValueKind::LocalTime)),
    ("TIME WITH TIME ZONE", Shape::Kind(ValueKind::Time)),
    ("TIMEZONED DATETIME", Shape::Kind(ValueKind::DateTime)),
    ("ZONED DATETIME", Shape::Kind(ValueKind::DateTime)),
    ("LOCAL DATETIME", Shape::Kind(ValueKind::LocalDateTime)),
    ("ZONED TIME", Shape::Kind(ValueKind::Time)),
    ("LOCAL TIME", Shape::Kind(ValueKind::LocalTime)),
    ("SIGNED INTEGER", Shape::Kind(ValueKind::Integer)),
    ("BOOLEAN", Shape::Kind(ValueKind::Boolean)),
    ("BOOL", Shape::Kind(ValueKind::Boolean)),
    ("INTEGER64", Shape::Kind(ValueKind::Integer)),
    ("INTEGER", Shape::Kind(ValueKind::Integer)),
    ("INT64", Shape::Kind(ValueKind::Integer)),
    ("INT", Shape::Kind(ValueKind::Integer)),
    ("FLOAT64", Shape::Kind(ValueKind::Float)),
    ("FLOAT", Shape::Kind(ValueKind::Float)),
    ("STRING", Shape::Kind(ValueKind::String)),
    ("VARCHAR", Shape::Kind(ValueKind::String)),
    ("BYTES", Shape::Kind(ValueKind::Bytes)),
    ("DURATION", Shape::Kind(ValueKind::Duration)),
    ("DATE", Shape::Kind(ValueKind::Date)),
    ("POINT", Shape::Kind(ValueKind::Point)),
    ("RELATIONSHIP", Shape::Kind(ValueKind::Relationship)),
    ("EDGE", Shape::Kind(ValueKind::Relationship)),
    ("ANY RELATIONSHIP", Shape::Kind(ValueKind::Relationship)),
    ("ANY EDGE", Shape::Kind(ValueKind::Relationship)),
    ("ANY NODE", Shape::Kind(ValueKind::Node)),
    ("ANY VERTEX", Shape::Kind(ValueKind::Node)),
    ("NODE", Shape::Kind(ValueKind::Node)),
    ("VERTEX", Shape::Kind(ValueKind::Node)),
    ("ANY MAP", Shape::Kind(ValueKind::Map)),
    ("MAP", Shape::Kind(ValueKind::Map)),
    ("PATH", Shape::Kind(ValueKind::Path)),
    ("NOTHING", Shape::Nothing),
    ("NULL", Shape::Kind(ValueKind::Null)),
    ("ANY VALUE", Shape::Any),
];

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn alternatives(&mut self, depth: usize) -> Option<ValueType> {
        let mut alternatives = vec![self.alternative(depth)?];
        while self.eat("|") {
            alternatives.push(self.alternative(depth)?);
        }
        Some(ValueType { alternatives })
    }

    fn alternative(&mut self, depth: usize) -> Option<Alternative> {
        let mut alternative = Alternative {
            shape: self.shape(depth)?,
            nullable: true,
        };
        loop {
            if self.eat("NOT NULL") || self.eat("!") {
                alternative.nullable = false;
            } else if self.eat("LIST") || self.eat("ARRAY") {
                alternative = Alternative {
                    shape: Shape::List(Box::new(ValueType {
                        alternatives: vec![alternative],
                    })),
                    nullable: true,
                };
            } else {
                return Some(alternative);
            }
        }
    }

    fn shape(&mut self, depth: usize) -> Option<Shape> {
        if depth > NESTING_MAX {
            return None;
        }
        if self.eat("LIST") || self.eat("ARRAY") {
            return self.angles(depth).map(|items| Shape::List(Box::new(items)));
        }
        if let Some((_, shape)) = NAMES.iter().find(|(name, _)| self.eat(name)) {
            return Some(shape.clone());
        }
        if self.eat("ANY") {
            if self.rest.trim_start().starts_with('<') {
                return self.angles(depth).map(|union| Shape::Union(Box::new(union)));
            }
            return Some(Shape::Any);
        }
        None
    }

    fn angles(&mut self, depth: usize) -> Option<ValueType> {
        if !self.eat("<") {
            return None;
        }
        let inner = self.alternatives(depth + 1)?;
        self.eat(">").then_some(inner)
    }

    /// Takes `word` off the front if it stands there as a whole.
    fn eat(&mut self, word: &str) -> bool {
        let Some(after) = self.rest.trim_start().strip_prefix(word) else {
            return false;
        };
        let is_word = word.ends_with(|character: char| character.is_ascii_alphanumeric());
        if is_word && after.starts_with(|character: char| character.is_ascii_alphanumeric()) {
            return false;
        }
        self.rest = after;
        true
    }
}

/// What `valueType()` answers for a value, such as `LIST<INTEGER NOT NULL> NOT NULL`.
pub(crate) fn name_of_type(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::List(items) => format!("LIST<{}> NOT NULL", name_of_items(items)),
        other => format!("{} NOT NULL", other.kind().name()),
    }
}

fn name_of_items(items: &[Value]) -> String {
    if items.is_empty() {
        return "NOTHING".to_owned();
    }
    let mut names: Vec<String> = items.iter().filter(|item| !item.is_null()).map(name_of_type).collect();
    names.sort_by(|a, b| type_place(a).cmp(&type_place(b)).then_with(|| a.cmp(b)));
    names.dedup();
    if items.iter().any(Value::is_null) {
        if names.is_empty() {
            return "NULL".to_owned();
        }
        for name in &mut names {
            *name = name.strip_suffix(" NOT NULL").unwrap_or(name).to_owned();
        }
    }
    names.join(" | ")
}

/// The order in which the manual lists the members of a union.
fn type_place(name: &str) -> usize {
    const ORDER: &[&str] = &[
        "BOOLEAN",
        "STRING",
        "INTEGER",
        "FLOAT",
        "DATE",
        "LOCAL TIME",
        "ZONED TIME",
        "LOCAL DATETIME",
        "ZONED DATETIME",
        "DURATION",
        "POINT",
        "NODE",
        "RELATIONSHIP",
        "MAP",
        "LIST",
        "PATH",
    ];
    ORDER
        .iter()
        .position(|known| name.starts_with(known))
        .unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_which_values_are_of_a_type() {
        let one = Value::Integer(1);
        let list = Value::list([Value::Integer(1), Value::Null]);
        for (name, value, holds) in [
            ("INTEGER", &one, true),
            ("INTEGER", &Value::Null, true),
            ("INTEGER NOT NULL", &Value::Null, false),
            ("STRING", &one, false),
            ("STRING | INTEGER", &one, true),
            ("ANY<STRING | INTEGER>", &one, true),
            ("LIST<INTEGER>", &list, true),
            ("LIST<INTEGER NOT NULL>", &list, false),
            ("INTEGER LIST", &list, true),
            ("LIST<STRING>", &Value::list([]), true),
            ("ANY", &list, true),
            ("NOTHING", &Value::Null, false),
            ("NULL", &Value::Null, true),
            ("NULL", &one, false),
            ("property value", &one, true),
        ] {
            assert_eq!(
                ValueType::parse(name).unwrap().holds(value),
                holds,
                "{value:?} :: {name}"
            );
        }
        assert!(ValueType::parse("LIST<").is_err());
        assert!(ValueType::parse("NUMBERS").is_err());
    }

    #[test]
    fn names_the_type_of_a_value() {
        assert_eq!(name_of_type(&Value::Integer(1)), "INTEGER NOT NULL");
        assert_eq!(
            name_of_type(&Value::list([Value::Integer(1), Value::Null, Value::from("a")])),
            "LIST<STRING | INTEGER> NOT NULL"
        );
        assert_eq!(name_of_type(&Value::list([])), "LIST<NOTHING> NOT NULL");
    }
}
