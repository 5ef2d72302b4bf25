//! The Bolt protocol: bytes in, events out; no sockets.
//!
//! Owns the handshake, chunking, PackStream, the messages and the state machine of a Bolt connection, for versions 4.4,
//! 5.0-5.4 and 5.6-5.8. INVARIANT: no input, however malformed, panics, and none makes memory grow by more than a small
//! multiple of the bytes that actually arrived. Must not know sockets, TLS, users, the graph or Cypher.

mod chunking;
mod dialect;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod handshake;
pub mod limits;
mod message;
mod packstream;
mod state;
mod value;
mod version;

pub use chunking::{ChunkingError, Dechunker, NOOP, write_message};
pub use dialect::Dialect;
#[cfg(feature = "fuzzing")]
pub use fuzzing::{fuzz_chunking, fuzz_handshake, fuzz_packstream, fuzz_requests};
pub use handshake::{Handshake, HandshakeError, HandshakeProgress, MAGIC, client_manifest_choice, client_proposals};
pub use message::{
    AuthenticationToken, Failure, Hello, Metadata, NotificationFilter, Pull, Request, RequestError, RequestKind,
    Response, ResponseError, Route, Run, TransactionExtra, failure, ignored, record_header, success,
};
pub use packstream::{Header, PackStreamError, Reader, Writer};
pub use state::{Action, AfterPull, AfterRequest, State, StateName, Step, Violation};
pub use value::{WireMap, WireNode, WirePath, WireRelationship, WireStructure, WireUnboundRelationship, WireValue};
pub use version::Version;
