#![no_main]
//! Random bytes as the packstream of a Bolt connection: never a panic, never more memory than the limits allow.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bastide_bolt::fuzz_packstream(bytes));
