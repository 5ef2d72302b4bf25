//! Names, types and plans: from syntax to physical operators; no storage.
