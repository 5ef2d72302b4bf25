//! Type names after `IS ::`, such as `LIST<INTEGER NOT NULL> NOT NULL`.
//!
//! Owns their spelling and synonyms.

use super::{Parsed, Parser};
use crate::ast::{ValueType, ValueTypeKind};

impl Parser<'_> {
    /// A type, or several joined by `|`.
    pub(super) fn value_type(&mut self) -> Parsed<ValueType> {
        let start = self.start();
        let outer = self.enter()?;
        let mut types = vec![self.single_type()?];
        while self.eat("|") {
            types.push(self.single_type()?);
        }
        self.leave(outer)?;
        if types.len() > 1 {
            return Ok(ValueType {
                kind: ValueTypeKind::Union(types),
                not_null: false,
                span: self.span_from(start),
            });
        }
        types.pop().ok_or_else(|| self.unexpected())
    }

    fn single_type(&mut self) -> Parsed<ValueType> {
        let start = self.start();
        let kind = self.type_kind()?;
        let not_null = self.eat("!") || self.eat_words(&["NOT", "NULL"]);
        Ok(ValueType {
            kind,
            not_null,
            span: self.span_from(start),
        })
    }

    fn type_kind(&mut self) -> Parsed<ValueTypeKind> {
        const PLAIN: [(&[&str], ValueTypeKind); 37] = [
            (&["NOTHING"], ValueTypeKind::Nothing),
            (&["NULL"], ValueTypeKind::Null),
            (&["BOOLEAN"], ValueTypeKind::Boolean),
            (&["BOOL"], ValueTypeKind::Boolean),
            (&["STRING"], ValueTypeKind::String),
            (&["VARCHAR"], ValueTypeKind::String),
            (&["SIGNED", "INTEGER"], ValueTypeKind::Integer),
            (&["INTEGER64"], ValueTypeKind::Integer),
            (&["INTEGER"], ValueTypeKind::Integer),
            (&["INT64"], ValueTypeKind::Integer),
            (&["INT"], ValueTypeKind::Integer),
            (&["FLOAT64"], ValueTypeKind::Float),
            (&["FLOAT"], ValueTypeKind::Float),
            (&["DATE"], ValueTypeKind::Date),
            (&["LOCAL", "TIME"], ValueTypeKind::LocalTime),
            (&["TIME", "WITHOUT", "TIMEZONE"], ValueTypeKind::LocalTime),
            (&["TIME", "WITHOUT", "TIME", "ZONE"], ValueTypeKind::LocalTime),
            (&["ZONED", "TIME"], ValueTypeKind::ZonedTime),
            (&["TIME", "WITH", "TIMEZONE"], ValueTypeKind::ZonedTime),
            (&["TIME", "WITH", "TIME", "ZONE"], ValueTypeKind::ZonedTime),
            (&["LOCAL", "DATETIME"], ValueTypeKind::LocalDateTime),
            (&["TIMESTAMP", "WITHOUT", "TIMEZONE"], ValueTypeKind::LocalDateTime),
            (&["TIMESTAMP", "WITHOUT", "TIME", "ZONE"], ValueTypeKind::LocalDateTime),
            (&["ZONED", "DATETIME"], ValueTypeKind::ZonedDateTime),
            (&["TIMESTAMP", "WITH", "TIMEZONE"], ValueTypeKind::ZonedDateTime),
            (&["TIMESTAMP", "WITH", "TIME", "ZONE"], ValueTypeKind::ZonedDateTime),
            (&["DURATION"], ValueTypeKind::Duration),
            (&["POINT"], ValueTypeKind::Point),
            (&["ANY", "NODE"], ValueTypeKind::Node),
            (&["NODE"], ValueTypeKind::Node),
            (&["VERTEX"], ValueTypeKind::Node),
            (&["RELATIONSHIP"], ValueTypeKind::Relationship),
            (&["EDGE"], ValueTypeKind::Relationship),
            (&["ANY", "MAP"], ValueTypeKind::Map),
            (&["MAP"], ValueTypeKind::Map),
            (&["PATH"], ValueTypeKind::Path),
            (&["PROPERTY", "VALUE"], ValueTypeKind::PropertyValue),
        ];
        for (words, kind) in PLAIN {
            if self.eat_words(words) {
                return Ok(kind);
            }
        }
        if self.eat_words(&["ANY", "PROPERTY", "VALUE"]) {
            return Ok(ValueTypeKind::PropertyValue);
        }
        if self.eat_word("LIST") || self.eat_word("ARRAY") {
            return self.list_type();
        }
        if self.eat_word("ANY") {
            return self.any_type();
        }
        Err(self.unexpected())
    }

    fn list_type(&mut self) -> Parsed<ValueTypeKind> {
        self.expect("<")?;
        let inner = self.value_type()?;
        self.expect(">")?;
        Ok(ValueTypeKind::List(Box::new(inner)))
    }

    /// `ANY`, `ANY VALUE` and `ANY<A | B>`.
    fn any_type(&mut self) -> Parsed<ValueTypeKind> {
        let _value = self.eat_word("VALUE");
        if !self.eat("<") {
            return Ok(ValueTypeKind::Any);
        }
        let inner = self.value_type()?;
        self.expect(">")?;
        Ok(inner.kind)
    }
}
