//! Error codes, their texts and the error type that reaches a client.
