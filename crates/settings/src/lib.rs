//! The one table of settings, its parser and its reports.
//!
//! Owns every setting's name, type, default, limits and help; the syntax of `bastide.conf`; command expansion; the home
//! directory and its permission checks. INVARIANT: a fault never falls back to a default: all faults are reported in one
//! go and loading fails. Only the binary, `server` and `admin` use this crate; all others take plain configurations.

mod command;
mod conf_file;
mod cross_checks;
mod fault;
mod foreign;
mod home;
mod load;
mod nearest;
mod reference;
mod row;
mod table;
mod value;

pub use conf_file::{CONF_BYTES_MAX, CONF_FILE_NAME};
pub use fault::{ConfigurationFaults, Fault};
pub use home::{HOME_VARIABLE, HomeDirectory, HomeError, PathRole, check_permissions};
pub use load::{LoadOptions, Override, SettingRow, Settings};
pub use nearest::nearest_name;
pub use reference::{generate_reference, generate_sample_conf};
pub use row::{ByteSize, Kind, Row, Setting, SettingType};
pub use table::{names, policy, rows};
pub use value::{
    AdvertisedAddress, ClientAuthentication, ListenAddress, SocketAddress, TlsLevel, TlsVersion, Value, format_bytes,
    format_duration,
};
