//! The interactive Cypher shell, a client over Bolt.
