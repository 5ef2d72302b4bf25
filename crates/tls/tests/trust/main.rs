//! Whom a channel believes, tried with certificates and lists of every kind, in TLS 1.2 and 1.3, and from both ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod believed;
mod lists;
mod names;
mod pki;
mod revocation;
mod support;
