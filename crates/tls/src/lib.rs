//! TLS policies: certificates, keys, trust, and their development defaults.
