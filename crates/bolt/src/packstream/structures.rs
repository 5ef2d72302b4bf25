//! Writes the structures of Bolt: graph entities, temporal and spatial values.
//!
//! One method per structure, in the shape the connection's dialect asks for.

use super::Writer;

/// Tags of the structures, as the Bolt specification lists them.
pub(crate) mod tag {
    pub(crate) const NODE: u8 = 0x4E;
    pub(crate) const RELATIONSHIP: u8 = 0x52;
    pub(crate) const UNBOUND_RELATIONSHIP: u8 = 0x72;
    pub(crate) const PATH: u8 = 0x50;
    pub(crate) const DATE: u8 = 0x44;
    pub(crate) const TIME: u8 = 0x54;
    pub(crate) const LOCAL_TIME: u8 = 0x74;
    pub(crate) const DATE_TIME: u8 = 0x49;
    pub(crate) const DATE_TIME_ZONE_ID: u8 = 0x69;
    pub(crate) const LEGACY_DATE_TIME: u8 = 0x46;
    pub(crate) const LEGACY_DATE_TIME_ZONE_ID: u8 = 0x66;
    pub(crate) const LOCAL_DATE_TIME: u8 = 0x64;
    pub(crate) const DURATION: u8 = 0x45;
    pub(crate) const POINT_2D: u8 = 0x58;
    pub(crate) const POINT_3D: u8 = 0x59;
}

impl Writer<'_> {
    /// Writes a node; `labels` and `properties` must write one list and one map.
    pub fn node(
        &mut self,
        id: i64,
        element_id: &str,
        labels: impl FnOnce(&mut Self),
        properties: impl FnOnce(&mut Self),
    ) {
        let element_ids = self.dialect().has_element_ids();
        self.structure(tag::NODE, if element_ids { 4 } else { 3 });
        self.integer(id);
        labels(self);
        properties(self);
        if element_ids {
            self.string(element_id);
        }
    }

    /// Writes a relationship: numeric ids and element ids of itself, its start and its end; `properties` writes one map.
    pub fn relationship(
        &mut self,
        ids: [i64; 3],
        element_ids: [&str; 3],
        relationship_type: &str,
        properties: impl FnOnce(&mut Self),
    ) {
        let with_element_ids = self.dialect().has_element_ids();
        self.structure(tag::RELATIONSHIP, if with_element_ids { 8 } else { 5 });
        for id in ids {
            self.integer(id);
        }
        self.string(relationship_type);
        properties(self);
        if with_element_ids {
            for element_id in element_ids {
                self.string(element_id);
            }
        }
    }

    /// Writes a relationship without its ends, as it stands in a path; `properties` writes one map.
    pub fn unbound_relationship(
        &mut self,
        id: i64,
        element_id: &str,
        relationship_type: &str,
        properties: impl FnOnce(&mut Self),
    ) {
        let element_ids = self.dialect().has_element_ids();
        self.structure(tag::UNBOUND_RELATIONSHIP, if element_ids { 4 } else { 3 });
        self.integer(id);
        self.string(relationship_type);
        properties(self);
        if element_ids {
            self.string(element_id);
        }
    }

    /// Starts a path; a list of nodes, a list of unbound relationships and a list of indices follow.
    pub fn path_header(&mut self) {
        self.structure(tag::PATH, 3);
    }

    /// Writes a date as days since 1970-01-01.
    pub fn date(&mut self, days: i64) {
        self.structure(tag::DATE, 1);
        self.integer(days);
    }

    /// Writes a time of day as nanoseconds since midnight, with its offset from UTC.
    pub fn time(&mut self, nanoseconds: i64, offset_seconds: i32) {
        self.structure(tag::TIME, 2);
        self.integer(nanoseconds);
        self.integer(i64::from(offset_seconds));
    }

    /// Writes a time of day without offset.
    pub fn local_time(&mut self, nanoseconds: i64) {
        self.structure(tag::LOCAL_TIME, 1);
        self.integer(nanoseconds);
    }

    /// Writes an instant with an offset; legacy dialects get wall-clock seconds.
    pub fn date_time(&mut self, utc_seconds: i64, nanoseconds: u32, offset_seconds: i32) {
        if self.dialect().has_utc_date_times() {
            self.structure(tag::DATE_TIME, 3);
            self.integer(utc_seconds);
        } else {
            self.structure(tag::LEGACY_DATE_TIME, 3);
            self.integer(utc_seconds.saturating_add(i64::from(offset_seconds)));
        }
        self.integer(i64::from(nanoseconds));
        self.integer(i64::from(offset_seconds));
    }

    /// Writes an instant in a named zone whose offset is `offset_seconds` then; legacy dialects get wall-clock seconds.
    pub fn zoned_date_time(&mut self, utc_seconds: i64, nanoseconds: u32, offset_seconds: i32, zone: &str) {
        if self.dialect().has_utc_date_times() {
            self.structure(tag::DATE_TIME_ZONE_ID, 3);
            self.integer(utc_seconds);
        } else {
            self.structure(tag::LEGACY_DATE_TIME_ZONE_ID, 3);
            self.integer(utc_seconds.saturating_add(i64::from(offset_seconds)));
        }
        self.integer(i64::from(nanoseconds));
        self.string(zone);
    }

    /// Writes a date and time without offset, as seconds since 1970-01-01T00:00 on the same clock.
    pub fn local_date_time(&mut self, seconds: i64, nanoseconds: u32) {
        self.structure(tag::LOCAL_DATE_TIME, 2);
        self.integer(seconds);
        self.integer(i64::from(nanoseconds));
    }

    /// Writes a duration.
    pub fn duration(&mut self, months: i64, days: i64, seconds: i64, nanoseconds: i64) {
        self.structure(tag::DURATION, 4);
        for part in [months, days, seconds, nanoseconds] {
            self.integer(part);
        }
    }

    /// Writes a point of two dimensions.
    pub fn point_2d(&mut self, srid: i64, x: f64, y: f64) {
        self.structure(tag::POINT_2D, 3);
        self.integer(srid);
        self.float(x);
        self.float(y);
    }

    /// Writes a point of three dimensions.
    pub fn point_3d(&mut self, srid: i64, x: f64, y: f64, z: f64) {
        self.structure(tag::POINT_3D, 4);
        self.integer(srid);
        self.float(x);
        self.float(y);
        self.float(z);
    }
}
