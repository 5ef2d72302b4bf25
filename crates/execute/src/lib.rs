//! Operators, functions and procedures over the model traits.
