//! Documents that are written from tables in the code.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bastide_status::Code;

/// Writes each document, or fails if one is out of date.
pub fn documents(root: &Path, check: bool) -> Result<()> {
    let documents = [
        ("docs/settings.md", bastide_settings::generate_reference()),
        ("conf/bastide.conf", bastide_settings::generate_sample_conf()),
        ("docs/status-codes.md", status_codes()),
    ];
    let mut outdated = Vec::new();
    for (path, content) in documents {
        let file = root.join(path);
        if std::fs::read_to_string(&file).is_ok_and(|present| present == content) {
            continue;
        }
        outdated.push(path);
        if !check {
            std::fs::write(&file, content).with_context(|| format!("cannot write {path}"))?;
            println!("wrote {path}");
        }
    }
    if check && !outdated.is_empty() {
        bail!("out of date: {}; run `cargo xtask gen`", outdated.join(", "));
    }
    Ok(())
}

fn status_codes() -> String {
    let mut page = String::from(
        "# Status codes\n\nEvery error that reaches a client carries one of these codes and its GQLSTATUS. \
         Written by `cargo xtask gen` from `crates/status/src/code.rs`.\n\n\
         | Code | GQLSTATUS | Retry | When |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let retry = match code.classification() {
            bastide_status::Classification::TransientError => "yes, drivers do",
            _ => "no",
        };
        page.push_str(&format!(
            "| `{}` | `{}` {} | {retry} | {} |\n",
            code.neo4j_code(),
            code.gql_status(),
            code.gql_description().trim_start_matches("error: "),
            code.explanation().trim()
        ));
    }
    page
}
