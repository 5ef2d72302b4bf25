//! PackStream: the binary form of values.

mod marker;
mod reader;
mod structures;
mod writer;

pub use reader::{Header, PackStreamError, Reader};
pub(crate) use structures::tag;
pub use writer::Writer;

#[cfg(test)]
mod tests;
