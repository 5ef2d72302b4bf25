//! The Bolt listener: sniffing, TLS, WebSocket, sessions; wire values to model values.
