//! The one facade: session, permit, parse, plan, run, audit.
