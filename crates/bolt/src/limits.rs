//! Every numeric limit of the protocol layer, by name.
//!
//! The protocol promises none; these are ours. Limits an operator may change are passed in by the caller and only their
//! defaults stand here.

/// How deep lists, maps and structures may nest in one message.
pub const NESTING_DEPTH_MAX: usize = 128;

/// How many values (of any kind, map keys not counted) one message may hold: bounds the tree built from tiny values.
pub const VALUES_PER_MESSAGE_MAX: usize = 4 * 1024 * 1024;

/// How many elements are reserved ahead of reading them, whatever count a list or map claims.
pub const ELEMENTS_RESERVED_MAX: usize = 1024;

/// Default for the bytes of one message after login.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Default for all bytes received before login, as in Neo4j.
pub const UNAUTHENTICATED_BYTES_MAX: usize = 8 * 1024;

/// The longest payload that one chunk can carry: its length has two bytes.
pub const CHUNK_BYTES_MAX: usize = 65_535;

/// How many result streams one transaction may hold open.
pub const OPEN_STREAMS_MAX: usize = 1_024;

/// Bytes a variable-length integer of the manifest handshake may take.
pub const MANIFEST_VARINT_BYTES_MAX: usize = 9;

/// How deep the causes of a failure may nest.
pub const FAILURE_CAUSE_DEPTH_MAX: usize = 16;
