//! What is known of a value's type before anything runs.
//!
//! A family, not a full type: just enough to refuse what can never work. [`Type::Any`] and [`Type::Null`] fit everywhere.

/// The static type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Nothing is known.
    Any,
    /// Always null.
    Null,
    /// `BOOLEAN`
    Boolean,
    /// `INTEGER`
    Integer,
    /// `FLOAT`
    Float,
    /// `INTEGER` or `FLOAT`
    Number,
    /// `STRING`
    String,
    /// `LIST`, with what its items are
    List(Box<Type>),
    /// `MAP`
    Map,
    /// `NODE`
    Node,
    /// `RELATIONSHIP`
    Relationship,
    /// `PATH`
    Path,
    /// Dates and times
    Temporal,
    /// `DURATION`
    Duration,
    /// `POINT`
    Point,
}

impl Type {
    /// A list of such items.
    pub fn list(item: Type) -> Self {
        Self::List(Box::new(item))
    }

    /// The name in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Any => "ANY".to_owned(),
            Self::Null => "NULL".to_owned(),
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Integer => "INTEGER".to_owned(),
            Self::Float => "FLOAT".to_owned(),
            Self::Number => "INTEGER | FLOAT".to_owned(),
            Self::String => "STRING".to_owned(),
            Self::List(item) => format!("LIST<{}>", item.name()),
            Self::Map => "MAP".to_owned(),
            Self::Node => "NODE".to_owned(),
            Self::Relationship => "RELATIONSHIP".to_owned(),
            Self::Path => "PATH".to_owned(),
            Self::Temporal => "temporal value".to_owned(),
            Self::Duration => "DURATION".to_owned(),
            Self::Point => "POINT".to_owned(),
        }
    }

    /// Whether nothing can be said.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Any | Self::Null)
    }

    /// Whether a value of this type may be true or false.
    pub fn may_be_boolean(&self) -> bool {
        self.is_open() || *self == Self::Boolean
    }

    /// Whether `-`, `*`, `/`, `%` and `^` may take it.
    pub fn may_be_arithmetic(&self) -> bool {
        self.is_open()
            || matches!(
                self,
                Self::Integer | Self::Float | Self::Number | Self::Temporal | Self::Duration
            )
    }

    /// Whether it may be a list.
    pub fn may_be_list(&self) -> bool {
        self.is_open() || matches!(self, Self::List(_))
    }

    /// Whether it may be a node.
    pub fn may_be_node(&self) -> bool {
        self.is_open() || *self == Self::Node
    }

    /// Whether it may be a relationship.
    pub fn may_be_relationship(&self) -> bool {
        self.is_open() || *self == Self::Relationship
    }

    /// Whether it may be a list of relationships.
    pub fn may_be_relationships(&self) -> bool {
        match self {
            Self::List(item) => item.may_be_relationship(),
            other => other.is_open(),
        }
    }

    /// The type of a list's items.
    pub fn item(&self) -> Type {
        match self {
            Self::List(item) => (**item).clone(),
            _ => Self::Any,
        }
    }

    /// The type that holds both.
    #[must_use]
    pub fn join(self, other: Type) -> Type {
        match (self, other) {
            (Self::Null, other) | (other, Self::Null) => other,
            (left, right) if left == right => left,
            (Self::Integer | Self::Float | Self::Number, Self::Integer | Self::Float | Self::Number) => Self::Number,
            (Self::List(left), Self::List(right)) => Self::list(left.join(*right)),
            _ => Self::Any,
        }
    }
}
