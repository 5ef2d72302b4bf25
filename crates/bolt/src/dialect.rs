//! How values look on the wire in one connection: what the version and the negotiated patches decide.

use crate::Version;

/// The shape of structures in one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    version: Version,
    utc_date_times: bool,
}

impl Dialect {
    /// The dialect of `version` without patches: before 5.0 date-times are legacy (wall-clock seconds).
    pub fn new(version: Version) -> Self {
        Self {
            version,
            utc_date_times: version.major >= 5,
        }
    }

    /// The same dialect after the patch `utc` was agreed in HELLO; from 5.0 on it is always in force.
    #[must_use]
    pub fn with_utc_patch(self) -> Self {
        Self {
            utc_date_times: true,
            ..self
        }
    }

    /// The protocol version.
    pub fn version(self) -> Version {
        self.version
    }

    /// Whether date-times carry UTC seconds (tags 49 and 69) rather than wall-clock seconds (46 and 66).
    pub fn has_utc_date_times(self) -> bool {
        self.utc_date_times
    }

    /// Whether nodes and relationships carry element ids.
    pub fn has_element_ids(self) -> bool {
        self.version.has_element_ids()
    }
}
