//! Index and constraint commands.
//!
//! Owns their grammar.

use super::{PROPERTY_NAME, Parsed, Parser};
use crate::ast::{ConstraintKind, EntityKind, IndexKind, Name, NameOrParameter, SchemaCommand};
use crate::error::{ParseError, ParseErrorKind};

/// What an index or a constraint is for: `(n:Label)` or `()-[r:TYPE]-()`.
struct Subject {
    entity: EntityKind,
    variable: Name,
    labels: Vec<Name>,
}

impl Parser<'_> {
    /// `CREATE … INDEX` and `CREATE CONSTRAINT`; `CREATE` is next.
    pub(super) fn create_schema(&mut self) -> Parsed<SchemaCommand> {
        self.expect_word("CREATE")?;
        if self.eat_word("CONSTRAINT") {
            return self.create_constraint();
        }
        let kind = if self.eat_word("TEXT") {
            IndexKind::Text
        } else if self.eat_word("POINT") {
            IndexKind::Point
        } else if self.eat_word("LOOKUP") {
            IndexKind::Lookup
        } else if self.eat_word("FULLTEXT") {
            IndexKind::Fulltext
        } else if self.eat_word("VECTOR") {
            IndexKind::Vector
        } else {
            let _default = self.eat_word("RANGE");
            IndexKind::Range
        };
        self.expect_word("INDEX")?;
        let (name, if_not_exists) = self.schema_name()?;
        self.expect_word("FOR")?;
        let subject = self.subject(kind == IndexKind::Lookup)?;
        self.expect_word("ON")?;
        let properties = self.indexed_properties(kind, &subject)?;
        let options = if self.eat_word("OPTIONS") {
            Some(self.map_or_parameter()?)
        } else {
            None
        };
        let Subject { entity, labels, .. } = subject;
        Ok(SchemaCommand::CreateIndex {
            kind,
            name,
            if_not_exists,
            entity,
            labels,
            properties,
            options,
        })
    }

    /// `[name] [IF NOT EXISTS]` before `FOR`.
    fn schema_name(&mut self) -> Parsed<(Option<NameOrParameter>, bool)> {
        let unnamed =
            (self.at_word("FOR") && self.symbol_ahead(1, "(")) || (self.at_word("IF") && self.word_ahead(1, "NOT"));
        let name = if !unnamed {
            Some(self.name_or_parameter("a name")?)
        } else {
            None
        };
        Ok((name, self.eat_words(&["IF", "NOT", "EXISTS"])))
    }

    /// With `any_label` there is none, as in a lookup index.
    fn subject(&mut self, any_label: bool) -> Parsed<Subject> {
        self.expect("(")?;
        let entity = if self.eat(")") {
            EntityKind::Relationship
        } else {
            EntityKind::Node
        };
        if entity == EntityKind::Relationship {
            let _left = self.eat("<");
            self.expect("-")?;
            self.expect("[")?;
        }
        let variable = self.variable()?;
        let mut labels = Vec::new();
        if !any_label {
            self.expect(":")?;
            labels.push(self.name("a label or type name")?);
            while self.eat("|") {
                labels.push(self.name("a label or type name")?);
            }
        }
        if entity == EntityKind::Relationship {
            self.expect("]")?;
            self.expect("-")?;
            let _right = self.eat(">");
            self.expect("(")?;
        }
        self.expect(")")?;
        Ok(Subject {
            entity,
            variable,
            labels,
        })
    }

    fn indexed_properties(&mut self, kind: IndexKind, subject: &Subject) -> Parsed<Vec<Name>> {
        match kind {
            IndexKind::Lookup => {
                let _each = self.eat_word("EACH");
                self.expect_word(if subject.entity == EntityKind::Node {
                    "labels"
                } else {
                    "type"
                })?;
                self.expect("(")?;
                self.subject_variable(subject)?;
                self.expect(")")?;
                Ok(Vec::new())
            }
            IndexKind::Fulltext => {
                self.expect_word("EACH")?;
                self.expect("[")?;
                let properties = self.subject_properties(subject)?;
                self.expect("]")?;
                Ok(properties)
            }
            _ => {
                self.expect("(")?;
                let properties = self.subject_properties(subject)?;
                self.expect(")")?;
                Ok(properties)
            }
        }
    }

    fn subject_variable(&mut self, subject: &Subject) -> Parsed<()> {
        let name = self.variable()?;
        if name == subject.variable {
            return Ok(());
        }
        let message = format!("variable `{name}` not defined");
        let mut error = ParseError::new(ParseErrorKind::InvalidInput, name.span, message);
        error.advice = Some(format!("use `{}`", subject.variable));
        Err(error)
    }

    fn subject_property(&mut self, subject: &Subject) -> Parsed<Name> {
        self.subject_variable(subject)?;
        self.expect(".")?;
        self.name(PROPERTY_NAME)
    }

    fn subject_properties(&mut self, subject: &Subject) -> Parsed<Vec<Name>> {
        let mut properties = vec![self.subject_property(subject)?];
        while self.eat(",") {
            properties.push(self.subject_property(subject)?);
        }
        Ok(properties)
    }

    fn create_constraint(&mut self) -> Parsed<SchemaCommand> {
        let (name, if_not_exists) = self.schema_name()?;
        self.expect_word("FOR")?;
        let mut subject = self.subject(false)?;
        let Some(label) = subject.labels.pop().filter(|_| subject.labels.is_empty()) else {
            let span = subject.variable.span;
            return Err(ParseError::new(
                ParseErrorKind::InvalidInput,
                span,
                "a constraint takes a single label or type",
            ));
        };
        self.expect_word("REQUIRE")?;
        let start = self.start();
        let properties = if self.eat("(") {
            let properties = self.subject_properties(&subject)?;
            self.expect(")")?;
            properties
        } else {
            vec![self.subject_property(&subject)?]
        };
        let kind = self.constraint_kind(subject.entity)?;
        let takes_one = matches!(kind, ConstraintKind::Exists | ConstraintKind::Type(_));
        if takes_one && properties.len() > 1 {
            let message = "a constraint on existence or type takes a single property";
            return Err(ParseError::new(
                ParseErrorKind::InvalidInput,
                self.span_from(start),
                message,
            ));
        }
        let options = if self.eat_word("OPTIONS") {
            Some(self.map_or_parameter()?)
        } else {
            None
        };
        let entity = subject.entity;
        Ok(SchemaCommand::CreateConstraint {
            name,
            if_not_exists,
            entity,
            label,
            properties,
            kind,
            options,
        })
    }

    fn constraint_kind(&mut self, entity: EntityKind) -> Parsed<ConstraintKind> {
        self.expect_word("IS")?;
        if self.eat_words(&["NOT", "NULL"]) {
            return Ok(ConstraintKind::Exists);
        }
        if self.eat("::") || self.eat_word("TYPED") {
            return self.value_type().map(ConstraintKind::Type);
        }
        let _entity = match entity {
            EntityKind::Node => self.eat_word("NODE"),
            EntityKind::Relationship => self.eat_word("RELATIONSHIP") || self.eat_word("REL"),
        };
        if self.eat_word("UNIQUE") {
            return Ok(ConstraintKind::Unique);
        }
        self.expect_word("KEY")?;
        Ok(ConstraintKind::Key)
    }

    /// What follows `DROP`.
    pub(super) fn drop_schema(&mut self) -> Parsed<SchemaCommand> {
        let index = self.eat_word("INDEX");
        if !index {
            self.note("USER");
            self.expect_word("CONSTRAINT")?;
        }
        let name = self.name_or_parameter("a name")?;
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        Ok(if index {
            SchemaCommand::DropIndex { name, if_exists }
        } else {
            SchemaCommand::DropConstraint { name, if_exists }
        })
    }
}
