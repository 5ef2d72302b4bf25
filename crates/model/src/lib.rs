//! Values, typed identifiers and the traits through which the graph is read and changed.
