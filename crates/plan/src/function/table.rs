//! The table of functions, one row each, as the public manual lists them.

use super::{Answer, FunctionSignature, Kind};

macro_rules! functions {
    ($($kind:ident $display:literal = $name:literal [$($alias:literal),*] $minimum:literal..=$maximum:expr, $argument:ident => $answer:ident, $volatile:literal;)+) => {
        /// Every function.
        pub const FUNCTIONS: &[FunctionSignature] = &[
            $(FunctionSignature {
                name: $name,
                display: $display,
                aliases: &[$($alias),*],
                minimum: $minimum,
                maximum: $maximum,
                kind: Kind::$argument,
                answer: Answer::$answer,
                aggregate: functions!(@$kind),
                volatile: $volatile,
            },)+
        ];
    };
    (@scalar) => { false };
    (@aggregate) => { true };
}

// kind, name as shown = canonical name, aliases, number of arguments, kind of argument => answer, whether volatile
functions! {
    scalar "coalesce" = "coalesce" [] 1..=usize::MAX, Any => Any, false;
    scalar "id" = "id" [] 1..=1, Entity => Integer, false;
    scalar "elementId" = "elementid" [] 1..=1, Entity => String, false;
    scalar "type" = "type" [] 1..=1, Relationship => String, false;
    scalar "labels" = "labels" [] 1..=1, Node => Strings, false;
    scalar "keys" = "keys" [] 1..=1, Properties => Strings, false;
    scalar "properties" = "properties" [] 1..=1, Properties => Map, false;
    scalar "nodes" = "nodes" [] 1..=1, Path => Nodes, false;
    scalar "relationships" = "relationships" ["rels"] 1..=1, Path => Relationships, false;
    scalar "startNode" = "startnode" [] 1..=1, Relationship => Node, false;
    scalar "endNode" = "endnode" [] 1..=1, Relationship => Node, false;
    scalar "length" = "length" [] 1..=1, Path => Integer, false;
    scalar "size" = "size" [] 1..=1, Sized => Integer, false;
    scalar "head" = "head" [] 1..=1, Any => Item, false;
    scalar "last" = "last" [] 1..=1, Any => Item, false;
    scalar "tail" = "tail" [] 1..=1, Any => First, false;
    scalar "reverse" = "reverse" [] 1..=1, Any => First, false;
    scalar "range" = "range" [] 2..=3, Any => Integers, false;
    scalar "exists" = "exists" [] 1..=1, Any => Boolean, false;
    scalar "nullIf" = "nullif" [] 2..=2, Any => Any, false;
    scalar "valueType" = "valuetype" [] 1..=1, Any => String, false;
    scalar "randomUUID" = "randomuuid" [] 0..=0, Any => String, true;
    scalar "timestamp" = "timestamp" [] 0..=0, Any => Integer, false;
    scalar "toInteger" = "tointeger" [] 1..=1, Any => Integer, false;
    scalar "toIntegerOrNull" = "tointegerornull" [] 1..=1, Any => Integer, false;
    scalar "toIntegerList" = "tointegerlist" [] 1..=1, Any => Integers, false;
    scalar "toFloat" = "tofloat" [] 1..=1, Any => Float, false;
    scalar "toFloatOrNull" = "tofloatornull" [] 1..=1, Any => Float, false;
    scalar "toFloatList" = "tofloatlist" [] 1..=1, Any => List, false;
    scalar "toBoolean" = "toboolean" [] 1..=1, Any => Boolean, false;
    scalar "toBooleanOrNull" = "tobooleanornull" [] 1..=1, Any => Boolean, false;
    scalar "toBooleanList" = "tobooleanlist" [] 1..=1, Any => List, false;
    scalar "toString" = "tostring" [] 1..=1, Any => String, false;
    scalar "toStringOrNull" = "tostringornull" [] 1..=1, Any => String, false;
    scalar "toStringList" = "tostringlist" [] 1..=1, Any => Strings, false;
    scalar "char_length" = "char_length" ["character_length"] 1..=1, Any => Integer, false;
    scalar "isEmpty" = "isempty" [] 1..=1, Any => Boolean, false;
    scalar "isNaN" = "isnan" [] 1..=1, Any => Boolean, false;
    scalar "file" = "file" [] 0..=0, Any => String, false;
    scalar "linenumber" = "linenumber" [] 0..=0, Any => Integer, false;
    scalar "graph.names" = "graph.names" [] 0..=0, Any => Strings, false;
    scalar "graph.byname" = "graph.byname" [] 1..=1, Any => Any, false;
    scalar "abs" = "abs" [] 1..=1, Number => First, false;
    scalar "sign" = "sign" [] 1..=1, Number => Integer, false;
    scalar "ceil" = "ceil" ["ceiling"] 1..=1, Number => Float, false;
    scalar "floor" = "floor" [] 1..=1, Number => Float, false;
    scalar "round" = "round" [] 1..=3, Any => Float, false;
    scalar "sqrt" = "sqrt" [] 1..=1, Number => Float, false;
    scalar "exp" = "exp" [] 1..=1, Number => Float, false;
    scalar "log10" = "log10" [] 1..=1, Number => Float, false;
    scalar "sin" = "sin" [] 1..=1, Number => Float, false;
    scalar "cos" = "cos" [] 1..=1, Number => Float, false;
    scalar "tan" = "tan" [] 1..=1, Number => Float, false;
    scalar "cot" = "cot" [] 1..=1, Number => Float, false;
    scalar "asin" = "asin" [] 1..=1, Number => Float, false;
    scalar "acos" = "acos" [] 1..=1, Number => Float, false;
    scalar "atan" = "atan" [] 1..=1, Number => Float, false;
    scalar "degrees" = "degrees" [] 1..=1, Number => Float, false;
    scalar "radians" = "radians" [] 1..=1, Number => Float, false;
    scalar "haversin" = "haversin" [] 1..=1, Number => Float, false;
    scalar "sinh" = "sinh" [] 1..=1, Number => Float, false;
    scalar "cosh" = "cosh" [] 1..=1, Number => Float, false;
    scalar "tanh" = "tanh" [] 1..=1, Number => Float, false;
    scalar "coth" = "coth" [] 1..=1, Number => Float, false;
    scalar "log" = "log" ["ln"] 1..=1, Number => Float, false;
    scalar "atan2" = "atan2" [] 2..=2, Number => Float, false;
    scalar "e" = "e" [] 0..=0, Any => Float, false;
    scalar "pi" = "pi" [] 0..=0, Any => Float, false;
    scalar "rand" = "rand" [] 0..=0, Any => Float, true;
    scalar "left" = "left" [] 2..=2, Any => String, false;
    scalar "right" = "right" [] 2..=2, Any => String, false;
    scalar "trim" = "trim" [] 1..=2, Any => String, false;
    scalar "lTrim" = "ltrim" [] 1..=2, Any => String, false;
    scalar "rTrim" = "rtrim" [] 1..=2, Any => String, false;
    scalar "bTrim" = "btrim" [] 1..=2, Any => String, false;
    scalar "toLower" = "tolower" ["lower"] 1..=1, Any => String, false;
    scalar "toUpper" = "toupper" ["upper"] 1..=1, Any => String, false;
    scalar "replace" = "replace" [] 3..=4, Any => String, false;
    scalar "split" = "split" [] 2..=2, Any => Strings, false;
    scalar "substring" = "substring" [] 2..=3, Any => String, false;
    scalar "normalize" = "normalize" [] 1..=2, Any => String, false;
    scalar "date" = "date" [] 0..=1, Any => Temporal, false;
    scalar "date.transaction" = "date.transaction" [] 0..=1, Any => Temporal, false;
    scalar "date.statement" = "date.statement" [] 0..=1, Any => Temporal, false;
    scalar "date.realtime" = "date.realtime" [] 0..=1, Any => Temporal, true;
    scalar "date.truncate" = "date.truncate" [] 1..=3, Any => Temporal, false;
    scalar "time" = "time" [] 0..=1, Any => Temporal, false;
    scalar "time.transaction" = "time.transaction" [] 0..=1, Any => Temporal, false;
    scalar "time.statement" = "time.statement" [] 0..=1, Any => Temporal, false;
    scalar "time.realtime" = "time.realtime" [] 0..=1, Any => Temporal, true;
    scalar "time.truncate" = "time.truncate" [] 1..=3, Any => Temporal, false;
    scalar "localtime" = "localtime" [] 0..=1, Any => Temporal, false;
    scalar "localtime.transaction" = "localtime.transaction" [] 0..=1, Any => Temporal, false;
    scalar "localtime.statement" = "localtime.statement" [] 0..=1, Any => Temporal, false;
    scalar "localtime.realtime" = "localtime.realtime" [] 0..=1, Any => Temporal, true;
    scalar "localtime.truncate" = "localtime.truncate" [] 1..=3, Any => Temporal, false;
    scalar "datetime" = "datetime" [] 0..=1, Any => Temporal, false;
    scalar "datetime.transaction" = "datetime.transaction" [] 0..=1, Any => Temporal, false;
    scalar "datetime.statement" = "datetime.statement" [] 0..=1, Any => Temporal, false;
    scalar "datetime.realtime" = "datetime.realtime" [] 0..=1, Any => Temporal, true;
    scalar "datetime.truncate" = "datetime.truncate" [] 1..=3, Any => Temporal, false;
    scalar "localdatetime" = "localdatetime" [] 0..=1, Any => Temporal, false;
    scalar "localdatetime.transaction" = "localdatetime.transaction" [] 0..=1, Any => Temporal, false;
    scalar "localdatetime.statement" = "localdatetime.statement" [] 0..=1, Any => Temporal, false;
    scalar "localdatetime.realtime" = "localdatetime.realtime" [] 0..=1, Any => Temporal, true;
    scalar "localdatetime.truncate" = "localdatetime.truncate" [] 1..=3, Any => Temporal, false;
    scalar "datetime.fromEpoch" = "datetime.fromepoch" [] 2..=2, Any => Temporal, false;
    scalar "datetime.fromEpochMillis" = "datetime.fromepochmillis" [] 1..=1, Any => Temporal, false;
    scalar "duration" = "duration" [] 1..=1, Any => Duration, false;
    scalar "duration.between" = "duration.between" [] 2..=2, Any => Duration, false;
    scalar "duration.inMonths" = "duration.inmonths" [] 2..=2, Any => Duration, false;
    scalar "duration.inDays" = "duration.indays" [] 2..=2, Any => Duration, false;
    scalar "duration.inSeconds" = "duration.inseconds" [] 2..=2, Any => Duration, false;
    scalar "point" = "point" [] 1..=1, Any => Point, false;
    scalar "point.distance" = "point.distance" ["distance"] 2..=2, Any => Float, false;
    scalar "point.withinBBox" = "point.withinbbox" [] 3..=3, Any => Boolean, false;
    aggregate "count" = "count" [] 1..=1, Any => Integer, false;
    aggregate "sum" = "sum" [] 1..=1, Any => Any, false;
    aggregate "avg" = "avg" [] 1..=1, Any => Any, false;
    aggregate "min" = "min" [] 1..=1, Any => First, false;
    aggregate "max" = "max" [] 1..=1, Any => First, false;
    aggregate "collect" = "collect" [] 1..=1, Any => ListOfFirst, false;
    aggregate "stDev" = "stdev" [] 1..=1, Any => Float, false;
    aggregate "stDevP" = "stdevp" [] 1..=1, Any => Float, false;
    aggregate "percentileCont" = "percentilecont" [] 2..=2, Any => Float, false;
    aggregate "percentileDisc" = "percentiledisc" [] 2..=2, Any => Any, false;
}
