//! Scalar functions, one file a family.
