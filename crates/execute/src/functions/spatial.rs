//! Points: making, measuring, components.

use std::sync::Arc;

use bastide_model::{CoordinateSystem, Map, Point, Value};
use bastide_status::Status;

use super::mathematics::float;
use super::{Function, argument};
use crate::evaluate::{EvaluationContext, argument_error, type_error};

/// The radius of the earth by which distances are computed, in metres.
const EARTH_RADIUS_METRES: f64 = 6_378_140.0;

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "point" => Function::strict(point),
        "point.distance" => Function::strict(distance),
        "point.withinbbox" => Function::strict(within_box),
        _ => None,
    }
}

/// `point.name`.
pub(crate) fn component(point: &Point, name: &str) -> Result<Value, Status> {
    let geographic = is_geographic(point.system);
    let found = match name {
        "x" => Some(Value::Float(point.x)),
        "y" => Some(Value::Float(point.y)),
        "z" if point.system.is_three_dimensional() => Some(Value::Float(point.z)),
        "longitude" if geographic => Some(Value::Float(point.x)),
        "latitude" if geographic => Some(Value::Float(point.y)),
        "height" if geographic && point.system.is_three_dimensional() => Some(Value::Float(point.z)),
        "crs" => Some(Value::from(point.system.name())),
        "srid" => Some(Value::Integer(i64::from(point.system.srid()))),
        _ => None,
    };
    found.ok_or_else(|| {
        argument_error(format!(
            "a point in the system `{}` has no component `{name}`",
            point.system.name()
        ))
    })
}

fn is_geographic(system: CoordinateSystem) -> bool {
    matches!(system, CoordinateSystem::Wgs84 | CoordinateSystem::Wgs84ThreeD)
}

fn point(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let map = match argument(arguments, 0) {
        Value::Map(map) => map,
        Value::Point(point) => return Ok(Value::Point(Arc::clone(point))),
        other => return Err(type_error("`point()`", "a map", other)),
    };
    if map.values().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let coordinate = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| map.get(name))
            .map(|value| float("a coordinate", value))
            .transpose()
    };
    let x = coordinate(["x", "longitude"])?;
    let y = coordinate(["y", "latitude"])?;
    let z = coordinate(["z", "height"])?;
    let (Some(x), Some(y)) = (x, y) else {
        return Err(argument_error(
            "`point()` needs `x` and `y`, or `longitude` and `latitude`",
        ));
    };
    let system = system(map, z.is_some())?;
    if let Some(unfit) = [x, y, z.unwrap_or(0.0)].iter().find(|value| !value.is_finite()) {
        return Err(argument_error(format!("a coordinate must be finite, but is {unfit}")));
    }
    let mut point = Point {
        system,
        x,
        y,
        z: z.unwrap_or(0.0),
    };
    if is_geographic(system) {
        if !(-90.0..=90.0).contains(&y) {
            return Err(argument_error(format!(
                "a latitude must lie between -90 and 90 degrees, but is {y}"
            )));
        }
        if !(-180.0..=180.0).contains(&x) {
            point.x = (x + 180.0).rem_euclid(360.0) - 180.0;
        }
    }
    Ok(Value::Point(Arc::new(point)))
}

fn system(map: &Map, three_dimensional: bool) -> Result<CoordinateSystem, Status> {
    let geographic_keys = map.contains_key("longitude") || map.contains_key("latitude");
    let named = match (map.get("crs"), map.get("srid")) {
        (Some(Value::String(name)), _) => Some(
            [
                CoordinateSystem::Wgs84,
                CoordinateSystem::Wgs84ThreeD,
                CoordinateSystem::Cartesian,
                CoordinateSystem::CartesianThreeD,
            ]
            .into_iter()
            .find(|system| system.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| argument_error(format!("unknown coordinate system `{name}`")))?,
        ),
        (Some(other), _) => return Err(type_error("`crs`", "a string", other)),
        (None, Some(Value::Integer(srid))) => Some(
            CoordinateSystem::from_srid(*srid)
                .ok_or_else(|| argument_error(format!("unknown coordinate system {srid}")))?,
        ),
        (None, Some(other)) => return Err(type_error("`srid`", "an integer", other)),
        (None, None) => None,
    };
    let system = named.unwrap_or(match (geographic_keys, three_dimensional) {
        (true, false) => CoordinateSystem::Wgs84,
        (true, true) => CoordinateSystem::Wgs84ThreeD,
        (false, false) => CoordinateSystem::Cartesian,
        (false, true) => CoordinateSystem::CartesianThreeD,
    });
    if system.is_three_dimensional() != three_dimensional {
        return Err(argument_error(format!(
            "the system `{}` has {} dimensions",
            system.name(),
            if system.is_three_dimensional() { 3 } else { 2 }
        )));
    }
    if geographic_keys && !is_geographic(system) {
        return Err(argument_error(format!(
            "`longitude` and `latitude` do not belong to the system `{}`",
            system.name()
        )));
    }
    Ok(system)
}

fn two_points<'a>(
    function: &str,
    first: &'a Value,
    second: &'a Value,
) -> Result<Option<(&'a Point, &'a Point)>, Status> {
    match (first, second) {
        (Value::Point(first), Value::Point(second)) if first.system == second.system => Ok(Some((first, second))),
        (Value::Point(_), Value::Point(_)) => Ok(None),
        (Value::Point(_), other) | (other, _) => Err(type_error(function, "points", other)),
    }
}

/// The distance in metres, or in the units of a cartesian system; null between different systems.
fn distance(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let Some((from, to)) = two_points("`point.distance()`", argument(arguments, 0), argument(arguments, 1))? else {
        return Ok(Value::Null);
    };
    let distance = if is_geographic(from.system) {
        let (latitude_from, latitude_to) = (from.y.to_radians(), to.y.to_radians());
        let half_latitude = (latitude_to - latitude_from) / 2.0;
        let half_longitude = (to.x - from.x).to_radians() / 2.0;
        let chord =
            half_latitude.sin().powi(2) + latitude_from.cos() * latitude_to.cos() * half_longitude.sin().powi(2);
        let angle = 2.0 * chord.sqrt().atan2((1.0 - chord).max(0.0).sqrt());
        let height = (from.z + to.z) / 2.0;
        ((EARTH_RADIUS_METRES + height) * angle).hypot(to.z - from.z)
    } else {
        (to.x - from.x).hypot(to.y - from.y).hypot(to.z - from.z)
    };
    Ok(Value::Float(distance))
}

/// Whether a point lies in the box between two corners; a geographic box may cross the 180th meridian.
fn within_box(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let name = "`point.withinBBox()`";
    let (point, lower, upper) = (argument(arguments, 0), argument(arguments, 1), argument(arguments, 2));
    let (Some((point, lower)), Some((_, upper))) = (two_points(name, point, lower)?, two_points(name, point, upper)?)
    else {
        return Ok(Value::Null);
    };
    let across = if is_geographic(point.system) && lower.x > upper.x {
        point.x >= lower.x || point.x <= upper.x
    } else {
        (lower.x..=upper.x).contains(&point.x)
    };
    let up = (lower.y..=upper.y).contains(&point.y);
    let high = !point.system.is_three_dimensional() || (lower.z..=upper.z).contains(&point.z);
    Ok(Value::Boolean(across && up && high))
}
