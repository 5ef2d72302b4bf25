//! Decides who may do what: passwords, lock-out, permits; does no input or output.
