//! Bytes of logged changes and checkpointed chunks.
//!
//! Owns the primitives: variable-length integers, texts and values. INVARIANT: reading never panics, never allocates more
//! than the input justifies and refuses what writing cannot produce. The layout is fixed per format version.

mod reader;
mod value;
mod writer;

pub(crate) use reader::{CodecError, Reader};
pub(crate) use value::{read_value, write_value};
pub(crate) use writer::Writer;
