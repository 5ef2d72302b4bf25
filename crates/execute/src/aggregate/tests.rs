//! Aggregates over null, overflow and wrong types.

use std::sync::Arc;

use bastide_model::Duration;
use bastide_status::Code;

use super::*;

fn aggregate(name: &str, distinct: bool, values: &[Value]) -> Result<Value, Status> {
    let mut aggregator = Aggregator::new(AggregateFunction::from_name(name).unwrap(), distinct);
    for value in values {
        aggregator.update(std::slice::from_ref(value))?;
    }
    aggregator.finish()
}

fn shown(name: &str, distinct: bool, values: &[Value]) -> String {
    format!("{:?}", aggregate(name, distinct, values).unwrap())
}

fn seconds(seconds: i64) -> Value {
    Value::Duration(Arc::new(Duration {
        seconds,
        ..Duration::default()
    }))
}

const ONE: Value = Value::Integer(1);
const TWO: Value = Value::Integer(2);
const NULL: Value = Value::Null;

#[test]
fn answers_for_a_group() {
    for (name, distinct, values, answer) in [
        ("count(*)", false, vec![NULL, ONE], "Integer(2)"),
        ("count", false, vec![NULL, ONE, ONE], "Integer(2)"),
        ("count", true, vec![NULL, ONE, ONE, Value::Float(1.0)], "Integer(1)"),
        ("sum", false, vec![ONE, TWO, NULL], "Integer(3)"),
        ("sum", true, vec![ONE, ONE, TWO], "Integer(3)"),
        ("sum", false, vec![ONE, Value::Float(0.5)], "Float(1.5)"),
        ("avg", false, vec![ONE, TWO], "Float(1.5)"),
        (
            "avg",
            false,
            vec![Value::Integer(i64::MAX), Value::Integer(i64::MAX)],
            "Float(9.223372036854776e18)",
        ),
        ("min", false, vec![ONE, Value::from("a"), Value::list([])], "List([])"),
        ("max", false, vec![ONE, Value::from("a"), NULL], "Integer(1)"),
        ("collect", false, vec![ONE, NULL, ONE], "List([Integer(1), Integer(1)])"),
        ("collect", true, vec![ONE, NULL, ONE], "List([Integer(1)])"),
        (
            "stdev",
            false,
            vec![ONE, Value::Integer(3)],
            "Float(1.4142135623730951)",
        ),
        ("stdevp", false, vec![ONE, Value::Integer(3)], "Float(1.0)"),
        ("stdev", false, vec![ONE], "Float(0.0)"),
    ] {
        assert_eq!(shown(name, distinct, &values), answer, "{name} of {values:?}");
    }
}

#[test]
fn answers_for_no_rows() {
    for (name, answer) in [
        ("count(*)", "Integer(0)"),
        ("count", "Integer(0)"),
        ("sum", "Integer(0)"),
        ("avg", "Null"),
        ("min", "Null"),
        ("max", "Null"),
        ("collect", "List([])"),
        ("stdev", "Float(0.0)"),
        ("percentilecont", "Null"),
    ] {
        assert_eq!(shown(name, false, &[]), answer, "{name}");
    }
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    let error = aggregate("sum", false, &[Value::Integer(i64::MAX), ONE]).unwrap_err();
    assert_eq!(error.code(), Code::ArithmeticError);
}

#[test]
fn what_is_no_number_is_an_error() {
    for name in ["sum", "avg", "stdev"] {
        let error = aggregate(name, false, &[ONE, Value::from("a")]).unwrap_err();
        assert_eq!(error.code(), Code::TypeError, "{name}");
    }
    assert!(aggregate("sum", false, &[ONE, seconds(1)]).is_err());
    assert!(aggregate("avg", false, &[seconds(1), ONE]).is_err());
}

#[test]
fn durations_add_up_and_average() {
    let sum = aggregate("sum", false, &[seconds(1), seconds(4)]).unwrap();
    assert_eq!(crate::text::scalar_text(&sum).as_deref(), Some("PT5S"));
    let average = aggregate("avg", false, &[seconds(1), seconds(4)]).unwrap();
    assert_eq!(crate::text::scalar_text(&average).as_deref(), Some("PT2.5S"));
}

#[test]
fn percentiles_lie_where_they_should() {
    for (name, share, answer) in [
        ("percentiledisc", 0.0, "Integer(10)"),
        ("percentiledisc", 0.5, "Integer(20)"),
        ("percentiledisc", 1.0, "Integer(30)"),
        ("percentilecont", 0.0, "Float(10.0)"),
        ("percentilecont", 0.25, "Float(15.0)"),
        ("percentilecont", 1.0, "Float(30.0)"),
    ] {
        let mut aggregator = Aggregator::new(AggregateFunction::from_name(name).unwrap(), false);
        for number in [30, 10, 20] {
            aggregator
                .update(&[Value::Integer(number), Value::Float(share)])
                .unwrap();
        }
        assert_eq!(format!("{:?}", aggregator.finish().unwrap()), answer, "{name} {share}");
    }
    let mut aggregator = Aggregator::new(AggregateFunction::PercentileDiscrete, false);
    let error = aggregator.update(&[ONE, Value::Float(1.1)]).unwrap_err();
    assert_eq!(error.code(), Code::ArgumentError);
}

#[test]
fn what_is_collected_counts_as_memory() {
    let mut aggregator = Aggregator::new(AggregateFunction::Collect, false);
    let before = aggregator.memory_size();
    aggregator.update(&[Value::from("x".repeat(1000))]).unwrap();
    assert!(aggregator.memory_size() >= before + 1000);
}
