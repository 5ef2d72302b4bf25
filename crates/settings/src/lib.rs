//! The one table of settings, its parser and its reports.
