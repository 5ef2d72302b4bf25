//! Offline and online administration verbs.
