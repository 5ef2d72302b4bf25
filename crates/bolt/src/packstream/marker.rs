//! The marker bytes, as the PackStream specification lists them. Of lengths with 8, 16 and 32 bits, the markers follow each other.

pub(super) const NULL: u8 = 0xC0;
pub(super) const FLOAT_64: u8 = 0xC1;
pub(super) const FALSE: u8 = 0xC2;
pub(super) const TRUE: u8 = 0xC3;
pub(super) const INT_8: u8 = 0xC8;
pub(super) const INT_16: u8 = 0xC9;
pub(super) const INT_32: u8 = 0xCA;
pub(super) const INT_64: u8 = 0xCB;
pub(super) const BYTES_8: u8 = 0xCC;
pub(super) const BYTES_32: u8 = 0xCE;
pub(super) const TINY_STRING: u8 = 0x80;
pub(super) const STRING_8: u8 = 0xD0;
pub(super) const STRING_32: u8 = 0xD2;
pub(super) const TINY_LIST: u8 = 0x90;
pub(super) const LIST_8: u8 = 0xD4;
pub(super) const LIST_32: u8 = 0xD6;
pub(super) const TINY_MAP: u8 = 0xA0;
pub(super) const MAP_8: u8 = 0xD8;
pub(super) const MAP_32: u8 = 0xDA;
pub(super) const TINY_STRUCTURE: u8 = 0xB0;
