//! Cypher lexer, parser and abstract syntax tree with spans.
