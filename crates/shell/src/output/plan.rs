//! The plan of EXPLAIN and PROFILE as a table whose first column is a tree.

use std::io::Write;

use bastide_bolt::WireValue;

use super::table::Table;
use crate::value_text::{harmless, value_text};

/// Plans deeper than this are cut; the codec's nesting limit is lower.
const DEPTH_MAX: usize = 256;
/// Arguments that have a column of their own, and its title.
const ARGUMENTS: [(&str, &str); 3] = [
    ("Details", "Details"),
    ("EstimatedRows", "Estimated Rows"),
    ("Order", "Ordered by"),
];
/// Measurements of PROFILE, and their titles.
const MEASUREMENTS: [(&str, &str); 4] = [
    ("rows", "Rows"),
    ("dbHits", "DB Hits"),
    ("pageCacheHits", "Page Cache Hits"),
    ("time", "Time (ms)"),
];

/// Writes the plan that stands under `plan` or `profile` in a summary.
///
/// # Errors
/// Output that cannot be written.
pub fn write_plan(output: &mut dyn Write, plan: &WireValue, width_max: Option<usize>) -> std::io::Result<()> {
    let mut lines = Vec::new();
    collect(plan, 0, &mut lines);
    let operators: Vec<&WireValue> = lines.iter().filter_map(|(_, plan)| *plan).collect();
    let is_used = |key: &&(&str, &str)| {
        operators.iter().any(|plan| {
            !matches!(measured(plan, key.0), None | Some(WireValue::Integer(0))) || argument(plan, key.0).is_some()
        })
    };
    let used: Vec<&(&str, &str)> = ARGUMENTS.iter().chain(&MEASUREMENTS).filter(is_used).collect();
    let mut header = vec!["Operator".to_owned()];
    header.extend(used.iter().map(|(_, title)| (*title).to_owned()));
    let mut table = Table::new(header, width_max);
    for (tree, plan) in &lines {
        let mut cells = vec![tree.clone()];
        cells.extend(
            used.iter()
                .map(|(key, _)| plan.map_or_else(String::new, |plan| cell(plan, key))),
        );
        table.row(output, cells)?;
    }
    table.finish(output)
}

/// Lines of the tree, and the operator that each stands for. The last of several inputs branches off, the first goes straight down.
fn collect<'plan>(plan: &'plan WireValue, depth: usize, lines: &mut Vec<(String, Option<&'plan WireValue>)>) {
    if depth > DEPTH_MAX {
        return;
    }
    let indent = "| ".repeat(depth);
    let name = plan.field("operatorType").and_then(WireValue::as_str).unwrap_or("?");
    // Neo4j adds `@database` to the names.
    let name = name.split('@').next().unwrap_or(name);
    lines.push((format!("{indent}+{}", harmless(name)), Some(plan)));
    let Some(WireValue::List(children)) = plan.field("children") else {
        return;
    };
    let Some((first, others)) = children.split_first() else {
        return;
    };
    for child in others.iter().rev() {
        lines.push((format!("{indent}|\\"), None));
        collect(child, depth + 1, lines);
    }
    lines.push((format!("{indent}|"), None));
    collect(first, depth, lines);
}

fn argument<'plan>(plan: &'plan WireValue, key: &str) -> Option<&'plan WireValue> {
    plan.field("args")?.field(key)
}

fn measured<'plan>(plan: &'plan WireValue, key: &str) -> Option<&'plan WireValue> {
    plan.field(key)
}

fn cell(plan: &WireValue, key: &str) -> String {
    let value = argument(plan, key).or_else(|| measured(plan, key));
    match (key, value) {
        (_, None) => String::new(),
        (_, Some(WireValue::String(text))) => harmless(text).replace(['\n', '\t'], " "),
        ("EstimatedRows", Some(WireValue::Float(rows))) => format!("{rows:.0}"),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds with three digits are shown")]
        ("time", Some(WireValue::Integer(nanoseconds))) => format!("{:.3}", *nanoseconds as f64 / 1e6),
        (_, Some(value)) => value_text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(name: &str, details: &str, children: Vec<WireValue>) -> WireValue {
        WireValue::Map(vec![
            ("operatorType".to_owned(), name.into()),
            (
                "args".to_owned(),
                WireValue::Map(vec![
                    ("Details".to_owned(), details.into()),
                    ("EstimatedRows".to_owned(), 10.0.into()),
                ]),
            ),
            ("children".to_owned(), children.into()),
        ])
    }

    #[test]
    fn the_second_input_branches_off_and_the_first_goes_straight_down() {
        let scan = operator("NodeByLabelScan", "n:A", vec![]);
        let other = operator("AllNodesScan", "m", vec![]);
        let plan = operator(
            "ProduceResults",
            "n",
            vec![operator("CartesianProduct", "", vec![scan, other])],
        );
        let mut output = Vec::new();
        write_plan(&mut output, &plan, None).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "+-------------------+---------+----------------+\n\
             | Operator          | Details | Estimated Rows |\n\
             +-------------------+---------+----------------+\n\
             | +ProduceResults   | n       | 10             |\n\
             | |                 |         |                |\n\
             | +CartesianProduct |         | 10             |\n\
             | |\\                |         |                |\n\
             | | +AllNodesScan   | m       | 10             |\n\
             | |                 |         |                |\n\
             | +NodeByLabelScan  | n:A     | 10             |\n\
             +-------------------+---------+----------------+\n"
        );
    }
}
