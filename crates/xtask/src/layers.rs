//! The table of ranks: a crate may use only crates of a lower rank.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// Rank of each crate. `None` marks a side crate, which may use anything and which nothing uses.
const RANKS: &[(&str, Option<u8>)] = &[
    ("bastide", Some(7)),
    ("bastide-server", Some(6)),
    ("bastide-admin", Some(6)),
    ("bastide-shell", Some(6)),
    ("bastide-bolt-server", Some(5)),
    ("bastide-http-api", Some(5)),
    ("bastide-metrics", Some(5)),
    ("bastide-backup", Some(5)),
    ("bastide-cluster", Some(5)),
    ("bastide-database", Some(4)),
    ("bastide-execute", Some(3)),
    ("bastide-plan", Some(2)),
    ("bastide-graph", Some(2)),
    ("bastide-cypher", Some(1)),
    ("bastide-bolt", Some(1)),
    ("bastide-store", Some(1)),
    ("bastide-security", Some(1)),
    ("bastide-tls", Some(1)),
    ("bastide-audit", Some(1)),
    ("bastide-settings", Some(1)),
    ("bastide-model", Some(0)),
    ("bastide-status", Some(0)),
    ("bastide-secret", Some(0)),
    ("bastide-conformance", None),
    ("bastide-bench", None),
    ("xtask", None),
];

/// Fails on every edge that the table does not allow.
pub fn check(root: &Path) -> Result<()> {
    let metadata = process::output(root, "cargo", &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Value = serde_json::from_slice(&metadata)?;
    let mut faults = Vec::new();
    for package in metadata
        .get("packages")
        .and_then(Value::as_array)
        .context("cargo metadata has no packages")?
    {
        let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(rank) = rank_of(name) else {
            faults.push(format!(
                "{name} has no rank; add it to crates/xtask/src/layers.rs and ARCHITECTURE.md"
            ));
            continue;
        };
        for dependency in package
            .get("dependencies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let used = dependency.get("name").and_then(Value::as_str).unwrap_or_default();
            let is_test_only = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            if let (false, Some(used_rank)) = (is_test_only, rank_of(used)) {
                faults.extend(fault(name, rank, used, used_rank));
            }
        }
    }
    if faults.is_empty() {
        println!("layers: every crate uses lower ranks only");
        return Ok(());
    }
    bail!("layers:\n  {}", faults.join("\n  "))
}

fn rank_of(name: &str) -> Option<Option<u8>> {
    RANKS.iter().find(|(known, _)| *known == name).map(|(_, rank)| *rank)
}

fn fault(name: &str, rank: Option<u8>, used: &str, used_rank: Option<u8>) -> Option<String> {
    match (rank, used_rank) {
        (None, _) => None,
        (Some(_), None) => Some(format!("{name} uses {used}, a side crate")),
        (Some(rank), Some(used_rank)) if used_rank < rank => None,
        (Some(rank), Some(used_rank)) => Some(format!("{name} (rank {rank}) uses {used} (rank {used_rank})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_sideways_and_upward_edges() {
        assert!(fault("a", Some(3), "b", Some(2)).is_none());
        assert!(fault("a", Some(3), "b", Some(3)).is_some());
        assert!(fault("a", Some(3), "b", Some(4)).is_some());
        assert!(fault("a", Some(3), "bench", None).is_some());
        assert!(fault("bench", None, "a", Some(7)).is_none());
    }
}
