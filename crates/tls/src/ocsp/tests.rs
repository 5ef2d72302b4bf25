//! Stapling against `openssl ocsp`, and every way in which a response is refused.
