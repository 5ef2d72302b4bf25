//! Nodes, relationships, indexes and constraints as copy-on-write chunks over the store.
