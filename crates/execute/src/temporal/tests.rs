//! Temporal values beyond what the suite asks: bounds, gaps and folds of zones, errors.

use crate::evaluate::tests::{check, shown};

#[test]
fn years_reach_far_and_no_further() {
    check(&[
        ("date('+999999999-12-31').year", "999999999"),
        ("date({year: 1000000000})", "ArgumentError"),
        ("date('+999999999-12-31') + duration('P1D')", "ArgumentError"),
        ("date('-0001-01-01')", "-0001-01-01"),
        ("date({year: 12345})", "+12345-01-01"),
        (
            "datetime({year: 500000, month: 7, timezone: 'Europe/Stockholm'}).offset",
            "'+02:00'",
        ),
        (
            "datetime({year: -500000, month: 7, timezone: 'Europe/Stockholm'}).offset",
            "'+00:53:28'",
        ),
        ("datetime({epochSeconds: 9223372036854775807})", "ArgumentError"),
    ]);
}

#[test]
fn dates_that_do_not_exist_are_errors() {
    check(&[
        ("date('2021-02-29')", "ArgumentError"),
        ("date('2021-13-01')", "ArgumentError"),
        ("date('2021-366')", "ArgumentError"),
        ("date('2021-W53')", "ArgumentError"),
        ("date('21')", "ArgumentError"),
        ("date('2021-1-1')", "ArgumentError"),
        ("date('')", "ArgumentError"),
        ("date({year: 2021, day: 1})", "ArgumentError"),
        ("date({month: 1})", "ArgumentError"),
        ("date({year: 2021, hour: 1})", "ArgumentError"),
        ("date({year: 'x'})", "TypeError"),
        ("date(1)", "TypeError"),
        ("date(null)", "null"),
        ("date(localtime('12:00'))", "TypeError"),
        ("localtime('24:00')", "ArgumentError"),
        ("localtime('12:60')", "ArgumentError"),
        ("localtime('12.5')", "ArgumentError"),
        ("time('12:00+19:00')", "ArgumentError"),
        ("localtime({minute: 1})", "ArgumentError"),
        ("localtime({hour: 1, second: 1})", "ArgumentError"),
        (
            "localtime({hour: 1, minute: 1, second: 1, millisecond: 1, nanosecond: 1000000})",
            "ArgumentError",
        ),
        ("datetime('2020-01-01T00:00[Nowhere/Land]')", "ArgumentError"),
        ("datetime('2020-01-01T00:00+05:00[Europe/Stockholm]')", "ArgumentError"),
        ("duration('P')", "ArgumentError"),
        ("duration('PT')", "ArgumentError"),
        ("duration('P1D1Y')", "ArgumentError"),
        ("duration('1D')", "ArgumentError"),
        ("duration({})", "ArgumentError"),
        ("duration({days: 'x'})", "TypeError"),
        ("duration({fortnights: 1})", "ArgumentError"),
        ("duration({months: 9223372036854775807, years: 1})", "ArithmeticError"),
    ]);
}

#[test]
fn clocks_put_forward_and_back() {
    check(&[
        // In the gap of 2017-03-26 the clock is put forward.
        (
            "datetime('2017-03-26T02:30[Europe/Stockholm]')",
            "2017-03-26T03:30+02:00[Europe/Stockholm]",
        ),
        // Shown twice on 2017-10-29: the first unless the offset says otherwise.
        (
            "datetime('2017-10-29T02:30[Europe/Stockholm]')",
            "2017-10-29T02:30+02:00[Europe/Stockholm]",
        ),
        (
            "datetime('2017-10-29T02:30+01:00[Europe/Stockholm]')",
            "2017-10-29T02:30+01:00[Europe/Stockholm]",
        ),
        (
            "datetime('2017-10-28T12:00[Europe/Stockholm]') + duration('P1D')",
            "2017-10-29T12:00+01:00[Europe/Stockholm]",
        ),
        (
            "datetime('2017-10-28T12:00[Europe/Stockholm]') + duration('PT24H')",
            "2017-10-29T11:00+01:00[Europe/Stockholm]",
        ),
    ]);
}

#[test]
fn durations_are_computed() {
    check(&[
        ("duration({seconds: 1}) * 0.3", "PT0.3S"),
        ("duration({seconds: 1}) / 3", "PT0.333333333S"),
        ("duration('P1M') / 2", "P15DT5H14M33S"),
        ("2 * duration('P1D')", "P2D"),
        ("-duration('PT0.5S')", "PT-0.5S"),
        ("duration('-P1D')", "P-1D"),
        ("duration('P1DT-0.5S')", "P1DT-0.5S"),
        ("duration('P1D') / 0", "ArithmeticError"),
        ("duration('P1D') / 0.0", "ArgumentError"),
        ("duration('P1D') * duration('P1D')", "TypeError"),
        ("date('2020-01-01') - date('2019-01-01')", "TypeError"),
        ("duration('P1D') = duration('PT24H')", "false"),
        ("duration('P1D') < duration('P2D')", "null"),
        ("date('2020-01-31') + duration('P1M')", "2020-02-29"),
        ("duration('P1M') + date('2020-01-31')", "2020-02-29"),
        ("localtime('23:00') + duration('PT2H')", "01:00"),
    ]);
}

#[test]
fn the_clock_stands_still_within_a_statement() {
    check(&[
        ("datetime() = datetime.statement()", "true"),
        ("datetime.realtime() >= datetime.transaction()", "true"),
        ("date('2020-05-05').quarter", "2"),
        ("datetime().timezone", "'Z'"),
        ("datetime({timezone: 'Asia/Tokyo'}).offset", "'+09:00'"),
        ("time.statement('+02:00').offset", "'+02:00'"),
        ("date('2020-05-05').hour", "ArgumentError"),
        ("datetime.fromEpoch(0, -1)", "1969-12-31T23:59:59.999999999Z"),
        (
            "datetime({epochMillis: 1500, timezone: '+01:00'})",
            "1970-01-01T01:00:01.500+01:00",
        ),
    ]);
}

#[test]
fn truncating_refuses_what_it_cannot_do() {
    check(&[
        ("date.truncate('hour', datetime())", "ArgumentError"),
        ("localtime.truncate('month', localtime())", "ArgumentError"),
        ("date.truncate('fortnight', date())", "ArgumentError"),
        ("datetime.truncate('hour', date())", "ArgumentError"),
        ("date.truncate('day', localtime())", "TypeError"),
        ("date.truncate('day', null)", "null"),
        ("date.truncate('month', date('2020-05-17'), {day: 40})", "ArgumentError"),
        ("date.truncate('millennium', date('-0500-05-17'))", "-1000-01-01"),
    ]);
}

#[test]
fn a_text_read_back_is_the_same_value() {
    for text in [
        "date('-12345-06-07')",
        "localtime('01:02:03.000000004')",
        "time('01:02:03.5-11:30')",
        "localdatetime('+12345-06-07T08:09')",
        "datetime('2020-06-07T08:09:10.123456+02:00[Europe/Stockholm]')",
        "duration('P-1Y2M-3DT4H-5M6.7S')",
    ] {
        let function = text.split('(').next().unwrap();
        assert_eq!(
            shown(&format!("{function}(toString({text})) = {text}")),
            "true",
            "{text}"
        );
    }
}
