//! The channel between members of a cluster.
//!
//! Owns the way from a socket to a connection whose two ends have proven who they are: mutual TLS by the policy `cluster`, shown
//! with the same certificate whichever end dials, then a hello in which each end names itself and returns what the other made up.
//! INVARIANT: nobody gets a [`MemberConnection`] before both were checked. Must not know settings, Bolt, graphs, or what members
//! say to each other: what is sent over a connection is its users' matter.

mod admission;
mod certificate;
mod config;
mod connection;
mod dialler;
mod error;
mod events;
mod exchange;
mod hello;
mod listener;
mod member_name;

pub use config::{ClusterConfig, ClusterLimits};
pub use connection::{Direction, MemberConnection};
pub use dialler::ClusterDialler;
pub use error::{NotEstablished, RefusalCode, StartError};
pub use events::{ClusterEvents, NoEvents};
pub use hello::{HELLO_BYTES_MAX, PROTOCOL_VERSION};
pub use listener::ClusterListener;
pub use member_name::{MemberName, MemberNameError};
