//! The TCK's notation for values in result tables, as trees.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::tree::Tree;

/// Reads one cell of a table.
///
/// # Errors
/// If the cell is not in the TCK's notation.
pub fn parse_cell(cell: &str) -> Result<Tree> {
    let mut reader = Reader {
        characters: cell.trim().chars().collect(),
        place: 0,
    };
    let tree = reader.value().with_context(|| format!("in the cell `{cell}`"))?;
    reader.space();
    ensure!(
        reader.place == reader.characters.len(),
        "the cell `{cell}` goes on after its value"
    );
    Ok(tree)
}

struct Reader {
    characters: Vec<char>,
    place: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.place).copied()
    }

    fn ahead(&self, distance: usize) -> Option<char> {
        self.characters.get(self.place + distance).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.place += 1;
        }
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.space();
        let found = self.peek() == Some(wanted);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        ensure!(self.eat(wanted), "expected `{wanted}` at {}", self.place);
        Ok(())
    }

    fn value(&mut self) -> Result<Tree> {
        self.space();
        match self.peek() {
            Some('\'') => self.text(),
            Some('[') if self.ahead(1) == Some(':') => self.relationship(),
            Some('[') => self.list(),
            Some('{') => Ok(Tree::Map(self.map()?)),
            Some('(') => self.node(),
            Some('<') => self.path(),
            Some(_) => self.word(),
            None => bail!("the value is missing"),
        }
    }

    fn text(&mut self) -> Result<Tree> {
        self.place += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => bail!("the text does not end"),
                Some('\'') => break,
                Some('\\') if matches!(self.ahead(1), Some('\'' | '\\')) => {
                    text.extend(self.ahead(1));
                    self.place += 1;
                }
                Some(character) => text.push(character),
            }
            self.place += 1;
        }
        self.place += 1;
        Ok(Tree::String(text))
    }

    fn word(&mut self) -> Result<Tree> {
        let start = self.place;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || "+-._".contains(c)) {
            self.place += 1;
        }
        let word: String = self.characters.iter().skip(start).take(self.place - start).collect();
        Ok(match word.as_str() {
            "null" => Tree::Null,
            "true" => Tree::Boolean(true),
            "false" => Tree::Boolean(false),
            "NaN" => Tree::Float(f64::NAN),
            "Inf" | "Infinity" => Tree::Float(f64::INFINITY),
            "-Inf" | "-Infinity" => Tree::Float(f64::NEG_INFINITY),
            number => match number.parse::<i64>() {
                Ok(integer) => Tree::Integer(integer),
                Err(_) => Tree::Float(number.parse().with_context(|| format!("`{number}` is no value"))?),
            },
        })
    }

    fn list(&mut self) -> Result<Tree> {
        self.expect('[')?;
        let mut items = Vec::new();
        if !self.eat(']') {
            loop {
                items.push(self.value()?);
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(']')?;
        }
        Ok(Tree::List(items))
    }

    fn name(&mut self) -> String {
        self.space();
        let quoted = self.eat('`');
        let start = self.place;
        while self.peek().is_some_and(|c| {
            if quoted {
                c != '`'
            } else {
                c.is_alphanumeric() || c == '_'
            }
        }) {
            self.place += 1;
        }
        let name = self.characters.iter().skip(start).take(self.place - start).collect();
        self.place += usize::from(quoted);
        name
    }

    fn map(&mut self) -> Result<BTreeMap<String, Tree>> {
        self.expect('{')?;
        let mut entries = BTreeMap::new();
        if !self.eat('}') {
            loop {
                let key = self.name();
                self.expect(':')?;
                entries.insert(key, self.value()?);
                if !self.eat(',') {
                    break;
                }
            }
            self.expect('}')?;
        }
        Ok(entries)
    }

    fn properties(&mut self) -> Result<BTreeMap<String, Tree>> {
        self.space();
        if self.peek() == Some('{') {
            self.map()
        } else {
            Ok(BTreeMap::new())
        }
    }

    fn node(&mut self) -> Result<Tree> {
        self.expect('(')?;
        let mut labels = BTreeSet::new();
        while self.eat(':') {
            labels.insert(self.name());
        }
        let properties = self.properties()?;
        self.expect(')')?;
        Ok(Tree::Node { labels, properties })
    }

    fn relationship(&mut self) -> Result<Tree> {
        self.expect('[')?;
        self.expect(':')?;
        let relationship_type = self.name();
        let properties = self.properties()?;
        self.expect(']')?;
        Ok(Tree::Relationship {
            relationship_type,
            properties,
        })
    }

    fn path(&mut self) -> Result<Tree> {
        self.expect('<')?;
        let start = self.node()?;
        let mut steps = Vec::new();
        while !self.eat('>') {
            let backward = self.eat('<');
            self.expect('-')?;
            let relationship = self.relationship()?;
            self.expect('-')?;
            if !backward {
                self.expect('>')?;
            }
            steps.push((relationship, !backward, self.node()?));
        }
        Ok(Tree::Path(Box::new(start), steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_value() {
        for (cell, shown) in [
            ("null", "null"),
            ("-1", "-1"),
            ("1.5", "1.5"),
            ("'it\\'s'", "'it's'"),
            ("[1, [2], 'x']", "[1, [2], 'x']"),
            ("{b: 1, a: null}", "{a: null, b: 1}"),
            ("(:B:A {x: 1})", "(:A:B{x: 1})"),
            ("[:T]", "[:T{}]"),
            (
                "<(:A)-[:T {x: 1}]->()<-[:S]-(:B)>",
                "<(:A{})-[:T{x: 1}]->({})<-[:S{}]-(:B{})>",
            ),
        ] {
            assert_eq!(parse_cell(cell).unwrap().to_string(), shown);
        }
        assert!(parse_cell("[1").is_err());
        assert!(parse_cell("1 2").is_err());
    }
}
