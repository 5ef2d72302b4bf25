//! The HTTP and HTTPS listeners: discovery, health and security.txt.
