//! The table itself: every setting of this server.
//!
//! Each row is written once, with its typed handle; its documentation comment is the help that users see. INVARIANT
//! (tested): names are unique, every row has help, every default passes its own validator.

mod connectors;
mod database;
pub mod policy;
mod security;
mod server;

use crate::row::Row;

/// Handles to all settings but those of the TLS policies, which are in [`policy`](crate::policy).
pub mod names {
    pub use super::connectors::handles::*;
    pub use super::database::handles::*;
    pub use super::security::handles::*;
    pub use super::server::handles::*;
}

/// All rows, grouped as in the reference.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [server::ROWS, connectors::ROWS, security::ROWS, database::ROWS];
    tables.into_iter().flatten().copied().chain(policy::rows())
}

/// Most of anything that is counted, where nothing smaller makes sense.
pub(crate) const COUNT_MAX: i64 = 1_000_000_000;
/// Longest duration: a hundred years, in milliseconds.
pub(crate) const DURATION_MAX: u64 = 100 * 365 * 86_400_000;
/// Largest byte size.
pub(crate) const BYTES_MAX: u64 = 1 << 60;

/// Builds handles and rows together, so that they cannot disagree.
macro_rules! settings_table {
    ($(
        $(#[doc = $help:literal])+
        $handle:ident: $type:ty = $kind:expr, $name:expr, $default:expr, $origin:ident $(, $dynamic:ident)?;
    )+) => {
        pub(crate) mod handles {
            #[allow(unused_imports, reason = "not every table uses every type")]
            use crate::row::{ByteSize, Kind, Row, Setting};
            #[allow(unused_imports, reason = "not every table uses every limit")]
            use crate::table::{BYTES_MAX, COUNT_MAX, DURATION_MAX};
            #[allow(unused_imports, reason = "not every table uses every type")]
            use crate::value::{ClientAuthentication, SocketAddress, TlsLevel, TlsVersion};
            #[allow(unused_imports, reason = "not every table uses every type")]
            use bastide_secret::SecretString;
            #[allow(unused_imports, reason = "not every table uses every type")]
            use std::{path::PathBuf, time::Duration};

            $(
                $(#[doc = $help])+
                pub const $handle: Setting<$type> = Setting::new(&Row {
                    name: $name,
                    kind: $kind,
                    default: $default,
                    is_dynamic: crate::table::settings_table!(@dynamic $($dynamic)?),
                    in_neo4j: crate::table::settings_table!(@origin $origin),
                    since: "0.1.0",
                    help: concat!($($help),+),
                });
            )+

            #[cfg(test)]
            pub(crate) fn assert_defaults_read_as_their_types() {
                $(crate::table::tests::assert_default_reads::<$type>($handle);)+
            }
        }

        pub(crate) const ROWS: &[&crate::row::Row] = &[$(handles::$handle.row()),+];
    };
    (@dynamic) => { false };
    (@dynamic dynamic) => { true };
    (@origin neo4j) => { true };
    (@origin bastide) => { false };
}

pub(crate) use settings_table;

#[cfg(test)]
mod tests;
