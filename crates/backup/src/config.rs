//! The limits of the backup server, as plain values.

use std::time::Duration;

/// Limits of the backup server.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Most connections at one time that have not shown a certificate yet; the one that waited longest makes room.
    pub strangers_max: usize,
    /// Most of them from one address.
    pub strangers_per_address_max: usize,
    /// Most connections that may ask at one time; further ones are told so.
    pub sessions_max: usize,
    /// Most states held at one time, for backups under way and for those that were cut. A held state keeps what was
    /// changed since in memory.
    pub snapshots_max: usize,
    /// How long a state is held for a client that was cut off.
    pub snapshot_time: Duration,
    /// How long a client may take for the TLS handshake.
    pub handshake_time: Duration,
    /// Bytes of data that are sent at one time, and held twice for each client; a single larger chunk makes it more.
    pub frame_bytes: usize,
    /// How long a client may neither ask nor take what it is sent.
    pub idle_time: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strangers_max: 128,
            strangers_per_address_max: 32,
            sessions_max: 8,
            snapshots_max: 4,
            snapshot_time: Duration::from_secs(15 * 60),
            handshake_time: Duration::from_secs(15),
            frame_bytes: 1 << 20,
            idle_time: Duration::from_secs(60),
        }
    }
}
