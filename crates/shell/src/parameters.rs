//! Parameters as people write them; their values are evaluated by the server.

use bastide_bolt::{WireMap, WireStructure, WireValue};

use crate::error::ShellError;
use crate::session::RowSink;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterText {
    /// `name => expression` or `name: expression`.
    Named {
        /// Name, without backticks.
        name: String,
        /// Any expression of Cypher.
        expression: String,
    },
    /// `{name: expression, …}`.
    Map(String),
}

impl ParameterText {
    /// Reads any of the forms.
    ///
    /// # Errors
    /// None of them.
    pub fn parse(text: &str) -> Result<Self, ShellError> {
        let text = text.trim();
        if text.starts_with('{') {
            return Ok(Self::Map(text.to_owned()));
        }
        let wrong = || {
            ShellError::usage(format!(
                "`{text}` is no parameter; write `name => expression`, `name: expression` or `{{name: expression}}`"
            ))
        };
        let (name, rest) = split_name(text).ok_or_else(wrong)?;
        let rest = rest.trim_start();
        let expression = rest
            .strip_prefix("=>")
            .or_else(|| rest.strip_prefix(':'))
            .ok_or_else(wrong)?
            .trim();
        if name.is_empty() || expression.is_empty() {
            return Err(wrong());
        }
        Ok(Self::Named {
            name,
            expression: expression.to_owned(),
        })
    }

    /// The statement whose only value is the parameter's.
    pub fn statement(&self) -> String {
        let expression = match self {
            Self::Named { expression, .. } | Self::Map(expression) => expression,
        };
        // On a line of its own, so that a comment at its end does not swallow what follows.
        format!("RETURN {expression}\nAS value")
    }

    /// Puts the value that came back under its name, or each entry of a map under its own.
    ///
    /// # Errors
    /// A value that cannot travel to the server, or no map where one was written.
    pub fn assign(&self, value: WireValue, parameters: &mut WireMap) -> Result<(), ShellError> {
        if holds_entity(&value) {
            return Err(ShellError::usage(
                "a parameter cannot be a node, a relationship or a path",
            ));
        }
        match (self, value) {
            (Self::Named { name, .. }, value) => set(parameters, name, value),
            (Self::Map(_), WireValue::Map(pairs)) => {
                for (name, value) in pairs {
                    set(parameters, &name, value);
                }
            }
            (Self::Map(text), _) => return Err(ShellError::usage(format!("`{text}` is no map"))),
        }
        Ok(())
    }
}

fn set(parameters: &mut WireMap, name: &str, value: WireValue) {
    match parameters.iter_mut().find(|(existing, _)| existing == name) {
        Some((_, slot)) => *slot = value,
        None => parameters.push((name.to_owned(), value)),
    }
}

/// The name at the start, with or without `$` and backticks, and what follows it.
fn split_name(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('$').unwrap_or(text);
    if let Some(rest) = text.strip_prefix('`') {
        let mut name = String::new();
        let mut characters = rest.char_indices().peekable();
        while let Some((position, character)) = characters.next() {
            if character != '`' {
                name.push(character);
            } else if characters.next_if(|(_, next)| *next == '`').is_some() {
                name.push('`');
            } else {
                return Some((name, rest.get(position + 1..)?));
            }
        }
        return None;
    }
    let end = text
        .find(|character: char| !(character.is_alphanumeric() || character == '_'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    Some((name.to_owned(), rest))
}

fn holds_entity(value: &WireValue) -> bool {
    match value {
        WireValue::List(values) => values.iter().any(holds_entity),
        WireValue::Map(pairs) => pairs.iter().any(|(_, value)| holds_entity(value)),
        WireValue::Structure(structure) => matches!(
            structure.as_ref(),
            WireStructure::Node(_)
                | WireStructure::Relationship(_)
                | WireStructure::UnboundRelationship(_)
                | WireStructure::Path(_)
        ),
        _ => false,
    }
}

/// Keeps the single value of a result.
#[derive(Debug, Default)]
pub struct SingleValue {
    /// The value, once it has come.
    pub value: Option<WireValue>,
    /// Whether there was anything beside it.
    pub is_more: bool,
}

impl RowSink for SingleValue {
    fn columns(&mut self, columns: &[String]) -> std::io::Result<()> {
        self.is_more |= columns.len() != 1;
        Ok(())
    }

    fn row(&mut self, row: Vec<WireValue>) -> std::io::Result<()> {
        self.is_more |= self.value.is_some();
        self.value = row.into_iter().next();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (String, String) {
        match ParameterText::parse(text).unwrap() {
            ParameterText::Named { name, expression } => (name, expression),
            ParameterText::Map(_) => panic!("{text}"),
        }
    }

    #[test]
    fn reads_arrows_colons_and_quoted_names() {
        for (text, name, expression) in [
            ("x => 1 + 1", "x", "1 + 1"),
            ("x=>'a: b'", "x", "'a: b'"),
            (" äö_1 : [1, 2] ", "äö_1", "[1, 2]"),
            ("`a ``b`: $x", "a `b", "$x"),
            ("$y => {a: 1}", "y", "{a: 1}"),
        ] {
            assert_eq!(named(text), (name.to_owned(), expression.to_owned()));
        }
    }

    #[test]
    fn refuses_what_has_no_name_or_no_value() {
        for text in ["", "x", "x =>", "=> 1", "x = 1", "`x => 1", "a b => 1"] {
            assert!(ParameterText::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_map_sets_each_of_its_entries() {
        let mut parameters = vec![("a".to_owned(), 1.into())];
        let text = ParameterText::parse("{a: 2, b: 3}").unwrap();
        let value = WireValue::Map(vec![("a".to_owned(), 2.into()), ("b".to_owned(), 3.into())]);
        text.assign(value, &mut parameters).unwrap();
        assert_eq!(parameters, [("a".to_owned(), 2.into()), ("b".to_owned(), 3.into())]);
        assert!(text.assign(1.into(), &mut parameters).is_err());
    }

    #[test]
    fn entities_are_refused_however_deep() {
        let node = WireStructure::Node(bastide_bolt::WireNode::default()).into();
        let value = WireValue::List(vec![WireValue::Map(vec![("n".to_owned(), node)])]);
        let text = ParameterText::parse("x => 1").unwrap();
        assert!(text.assign(value, &mut Vec::new()).is_err());
    }
}
