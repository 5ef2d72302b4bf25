//! Runs the openCypher TCK against the engine and holds the ratchet.
