//! What a member is told about itself and its limits.

use std::time::Duration;

use crate::member_name::MemberName;

/// How a member takes part.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// The own name; the own certificate must vouch for it, or other members refuse it.
    pub name: MemberName,
    /// The limits.
    pub limits: ClusterLimits,
}

/// What connections may use.
#[derive(Clone, Copy, Debug)]
pub struct ClusterLimits {
    /// Connections that were accepted and are open.
    pub connections_max: usize,
    /// Accepted sockets that have not come through handshake and hello; beyond that, the oldest makes room.
    pub handshakes_max: usize,
    /// Those of them that one address may have, or one /64 network of IPv6.
    pub handshakes_per_address_max: usize,
    /// Time to reach another member.
    pub connect_time_max: Duration,
    /// Time for the TLS handshake.
    pub handshake_time_max: Duration,
    /// Time for the hello.
    pub hello_time_max: Duration,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            handshakes_max: 64,
            handshakes_per_address_max: 8,
            connect_time_max: Duration::from_secs(10),
            handshake_time_max: Duration::from_secs(10),
            hello_time_max: Duration::from_secs(5),
        }
    }
}
