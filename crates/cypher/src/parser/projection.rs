//! What `WITH`, `RETURN`, `YIELD` and `SHOW` share: columns, order, pages.
//!
//! Owns the text that names a column without an alias.

use super::{Parsed, Parser};
use crate::ast::{
    Expression, ExpressionKind, Projection, ProjectionItem, SortDirection, SortItem, Span, YieldColumns, YieldItem,
};
use crate::error::{Fault, ParseError, ParseErrorKind};

impl Parser<'_> {
    /// What follows `RETURN`.
    pub(super) fn return_projection(&mut self) -> Parsed<Projection> {
        self.projection()
    }

    /// What follows `WITH`, where each column needs a name.
    pub(super) fn with_projection(&mut self) -> Parsed<Projection> {
        let mut projection = self.projection()?;
        if self.eat_word("WHERE") {
            projection.predicate = Some(self.condition()?);
        }
        let unnamed = projection
            .items
            .iter()
            .find(|item| item.alias.is_none() && !matches!(item.expression.kind, ExpressionKind::Variable(_)));
        match unnamed {
            Some(item) => Err(unnamed_column(item.span)),
            None => Ok(projection),
        }
    }

    fn projection(&mut self) -> Parsed<Projection> {
        let distinct = self.eat_word("DISTINCT");
        let star = self.eat("*");
        let mut items = Vec::new();
        if !star || self.eat(",") {
            items.push(self.projection_item()?);
            while self.eat(",") {
                items.push(self.projection_item()?);
            }
        }
        let order_by = self.order_by()?;
        let skip = self.skip()?;
        let limit = self.limit()?;
        Ok(Projection {
            distinct,
            star,
            items,
            order_by,
            skip,
            limit,
            predicate: None,
        })
    }

    fn projection_item(&mut self) -> Parsed<ProjectionItem> {
        let start = self.start();
        let expression = self.expression()?;
        // Taken from the tokens, so that parentheses around the whole are part of the name.
        let text = self.span_from(start).text(self.text).to_owned();
        let text = match &expression.kind {
            // A lone variable in back quotes names its column without them.
            ExpressionKind::Variable(name) if text.starts_with('`') => name.text.to_string(),
            _ => text,
        };
        let alias = if self.eat_word("AS") {
            Some(self.variable()?)
        } else {
            None
        };
        Ok(ProjectionItem {
            expression,
            alias,
            text,
            span: self.span_from(start),
        })
    }

    pub(super) fn order_by(&mut self) -> Parsed<Vec<SortItem>> {
        let mut items = Vec::new();
        if !self.eat_word("ORDER") {
            return Ok(items);
        }
        self.expect_word("BY")?;
        loop {
            let start = self.start();
            let expression = self.expression()?;
            let direction = if self.eat_word("DESC") || self.eat_word("DESCENDING") {
                SortDirection::Descending
            } else {
                let _default = self.eat_word("ASC") || self.eat_word("ASCENDING");
                SortDirection::Ascending
            };
            items.push(SortItem {
                expression,
                direction,
                span: self.span_from(start),
            });
            if !self.eat(",") {
                return Ok(items);
            }
        }
    }

    pub(super) fn skip(&mut self) -> Parsed<Option<Expression>> {
        if self.eat_word("SKIP") || self.eat_word("OFFSET") {
            self.expression().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn limit(&mut self) -> Parsed<Option<Expression>> {
        if self.eat_word("LIMIT") {
            self.expression().map(Some)
        } else {
            Ok(None)
        }
    }

    /// What follows `YIELD`: `*`, `-` or columns.
    pub(super) fn yield_columns(&mut self) -> Parsed<YieldColumns> {
        if self.eat("*") {
            return Ok(YieldColumns::All);
        }
        if self.eat("-") {
            return Ok(YieldColumns::Columns(Vec::new()));
        }
        let mut items = Vec::new();
        loop {
            let start = self.start();
            let column = self.name("a column name")?;
            let alias = if self.eat_word("AS") {
                Some(self.variable()?)
            } else {
                None
            };
            items.push(YieldItem {
                column,
                alias,
                span: self.span_from(start),
            });
            if !self.eat(",") {
                return Ok(YieldColumns::Columns(items));
            }
        }
    }
}

fn unnamed_column(span: Span) -> Fault {
    let mut error = ParseError::new(
        ParseErrorKind::NoExpressionAlias,
        span,
        "expression in `WITH` must be aliased",
    );
    error.advice = Some("use `AS`".to_owned());
    error
}
