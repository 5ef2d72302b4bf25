//! Measures the server beside the raw limits of the same machine.
