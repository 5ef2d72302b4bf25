//! Stapling with authorities, responders and clients of `openssl`, and every way in which a response is refused.

mod answers;
mod authority;
mod fetching;
mod stapling;
