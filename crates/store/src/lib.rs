//! Encrypted log, key hierarchy and chunk store; knows bytes, not nodes.
