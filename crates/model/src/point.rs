//! Points in the four coordinate systems that Neo4j knows.

/// A coordinate system, by the identifier that travels over Bolt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoordinateSystem {
    /// Longitude and latitude in degrees, SRID 4326.
    Wgs84,
    /// Longitude, latitude in degrees and height in metres, SRID 4979.
    Wgs84ThreeD,
    /// x and y, SRID 7203.
    Cartesian,
    /// x, y and z, SRID 9157.
    CartesianThreeD,
}

impl CoordinateSystem {
    /// The spatial reference identifier.
    pub fn srid(self) -> i32 {
        match self {
            Self::Wgs84 => 4326,
            Self::Wgs84ThreeD => 4979,
            Self::Cartesian => 7203,
            Self::CartesianThreeD => 9157,
        }
    }

    /// The system with this identifier.
    pub fn from_srid(srid: i64) -> Option<Self> {
        match srid {
            4326 => Some(Self::Wgs84),
            4979 => Some(Self::Wgs84ThreeD),
            7203 => Some(Self::Cartesian),
            9157 => Some(Self::CartesianThreeD),
            _ => None,
        }
    }

    /// The name that `point.crs` answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs-84",
            Self::Wgs84ThreeD => "wgs-84-3d",
            Self::Cartesian => "cartesian",
            Self::CartesianThreeD => "cartesian-3d",
        }
    }

    /// Whether a point of this system has a third coordinate.
    pub fn is_three_dimensional(self) -> bool {
        matches!(self, Self::Wgs84ThreeD | Self::CartesianThreeD)
    }
}

/// A point. `z` is 0 and unused in two-dimensional systems.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What the coordinates mean.
    pub system: CoordinateSystem,
    /// x or longitude.
    pub x: f64,
    /// y or latitude.
    pub y: f64,
    /// z or height.
    pub z: f64,
}
