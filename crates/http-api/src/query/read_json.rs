//! JSON as values of the model, straight from the text: no tree in between.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use bastide_model::{Map, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Reads a value that nests at most this much deeper, while there are values left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueSeed<'a> {
    pub(crate) depth_left: usize,
    /// How many more values the whole request may hold. A value takes more memory than the shortest text of one.
    pub(crate) values_left: &'a Cell<usize>,
}

/// Reads an object as a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapSeed<'a>(pub(crate) ValueSeed<'a>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.values_left.get().checked_sub(1) {
            Some(left) => self.values_left.set(left),
            None => return Err(D::Error::custom("the request holds too many values")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for MapSeed<'_> {
    type Value = Map;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Map, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl ValueSeed<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(E::custom("the request nests too deep")),
        }
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Integer).map_err(|_| {
            E::custom(format_args!(
                "the integer {value} does not fit into 64 bits with a sign"
            ))
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(seed)? {
            values.push(value);
        }
        Ok(Value::from(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Value, A::Error> {
        MapSeed(self.deeper()?).visit_map(entries).map(Value::map)
    }
}

impl<'de> Visitor<'de> for MapSeed<'_> {
    type Value = Map;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    /// Null stands for nothing given.
    fn visit_unit<E: Error>(self) -> Result<Map, E> {
        Ok(Map::new())
    }

    /// Of a key that stands twice the last value counts, as over Bolt.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Map, A::Error> {
        let Self(seed) = self;
        let mut read: Vec<(Arc<str>, Value)> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            read.push((key.into(), entries.next_value_seed(seed)?));
        }
        // Sorted first (and stably), each goes to the end of the map: a million keys cost no million moves.
        read.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(read.into_iter().collect())
    }
}
