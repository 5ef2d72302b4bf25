//! Prints plans of statements read from standard input, one a line, against a made-up database.
#![allow(clippy::unwrap_used, reason = "a developer's tool")]

#[path = "../tests/support/mod.rs"]
mod support;

use bastide_plan::explain::{PlanDescription, describe};

fn print(operator: &PlanDescription, depth: usize) {
    let details = operator.arguments.get("Details").and_then(|value| value.as_str());
    println!(
        "{}{}  {}",
        "  ".repeat(depth),
        operator.operator_type,
        details.unwrap_or_default()
    );
    for child in &operator.children {
        print(child, depth + 1);
    }
}

fn main() {
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        println!("\n{line}");
        match support::try_plan(&line) {
            Ok(plan) => {
                print(&describe(&plan), 1);
                for notification in &plan.notifications {
                    println!("  ! {}", notification.description);
                }
            }
            Err(error) => println!("  {}: {error}", error.detail()),
        }
    }
}
