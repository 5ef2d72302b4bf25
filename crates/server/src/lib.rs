//! Reads settings, wires the crates together, handles signals.
