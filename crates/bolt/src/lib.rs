//! The Bolt protocol: bytes in, events out; no sockets.
