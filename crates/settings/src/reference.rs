//! Documents made from the table: the reference and the sample file.

use std::fmt::Write as _;

use crate::foreign;
use crate::row::{Kind, Row};
use crate::table::rows;
use crate::value::{format_bytes, format_duration};

/// The reference of all settings in Markdown, `docs/settings.md`.
pub fn generate_reference() -> String {
    let mut text = String::from(
        "# Settings\n\n<!-- Made by `cargo xtask gen` from crates/settings. Do not edit. -->\n\n\
         Settings are read from `conf/bastide.conf` in the home directory, in the syntax of `neo4j.conf`: one `name=value` a \
         line, `#` begins a comment. Names are Neo4j's where Neo4j has the setting. A value may be `$(command)` if the server \
         is started with `--expand-commands`. Anything wrong stops the start, and all of it is reported in one go.\n",
    );
    let mut sorted: Vec<&Row> = rows().collect();
    sorted.sort_by_key(|row| row.name);
    // Writing to a string cannot fail.
    for row in sorted {
        let _ = write!(text, "\n## `{}`\n\n{}\n\n", row.name, row.help.trim());
        let _ = writeln!(text, "- Type: {}", describe(row.kind));
        let _ = writeln!(text, "- Default: {}", described_default(row));
        let change = if row.is_dynamic {
            "while the server runs, or at a restart"
        } else {
            "at a restart"
        };
        let _ = writeln!(text, "- Changed: {change}");
        let origin = if row.in_neo4j { "Neo4j's name" } else { "Bastide's own" };
        let _ = writeln!(text, "- Origin: {origin}; since {}", row.since);
        if row.is_secret() {
            text.push_str("- Secret: never shown\n");
        }
    }
    text.push_str(
        "\n# Settings of Neo4j that Bastide does not have\n\n| Setting | What happens | What to do |\n|---|---|---|\n",
    );
    for (name, refused, problem, advice) in foreign::described() {
        let happens = if refused { "stops the start" } else { "warning" };
        let _ = writeln!(text, "| `{name}` | {happens}: {problem} | {advice} |");
    }
    text
}

/// A sample `bastide.conf` in which every setting stands as a comment with its default.
pub fn generate_sample_conf() -> String {
    let mut text = String::from(
        "# Settings of Bastide. Every line shows a default; remove the `#` to change one.\n\
         # The reference is docs/settings.md.\n",
    );
    for row in rows() {
        text.push('\n');
        for line in wrapped(row.help.trim(), 100) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "#{}={}", row.name, row.default.unwrap_or_default());
    }
    text
}

fn described_default(row: &Row) -> String {
    match row.default {
        None => "none".to_owned(),
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{default}`"),
    }
}

fn describe(kind: Kind) -> String {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let milliseconds = |limit| format_duration(std::time::Duration::from_millis(limit));
    match kind {
        Kind::Boolean => "boolean, `true` or `false`".to_owned(),
        Kind::Integer(low, high) => format!("whole number from {low} to {high}"),
        Kind::Float(low, high) => format!("number from {low} to {high}"),
        Kind::Duration(low, high) => {
            format!(
                "duration such as `30s` or `1h30m`, from {} to {}",
                milliseconds(low),
                milliseconds(high)
            )
        }
        Kind::Bytes(low, high) => {
            format!(
                "byte size such as `512KiB` or `1g`, from {} to {}",
                format_bytes(low),
                format_bytes(high)
            )
        }
        Kind::SocketAddress => "socket address: `host:port`, `:port` or `host`".to_owned(),
        Kind::HostName => "host name or address without a port".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Choice(choices) => format!("one of {}", words(choices)),
        Kind::List => "list, separated by commas".to_owned(),
        Kind::ChoiceList(choices) => format!("list, separated by commas, of {}", words(choices)),
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret text".to_owned(),
        Kind::DatabaseName => "database name".to_owned(),
        Kind::TimeZone => "time zone: `Z`, an offset such as `+02:00`, or a name such as `Europe/Rome`".to_owned(),
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lists_every_setting_with_its_help() {
        let reference = generate_reference();
        for row in rows() {
            assert!(
                reference.contains(&format!("## `{}`\n\n{}\n", row.name, row.help.trim())),
                "{}",
                row.name
            );
        }
        assert!(reference.contains("| `server.jvm.additional` | warning"));
    }

    #[test]
    fn the_sample_file_loads_with_every_comment_sign_removed() {
        let sample = generate_sample_conf();
        let text: String = sample
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && !line.ends_with('='))
            .map(|line| format!("{line}\n"))
            .collect();
        let scratch = tempfile::tempdir().unwrap();
        let conf = scratch.path().join("bastide.conf");
        std::fs::write(&conf, text).unwrap();
        let loaded = crate::Settings::load(scratch.path(), &conf, &[], crate::LoadOptions::default());
        // A policy switched off by hand contradicts connectors that need TLS; nothing else may be wrong.
        let faults = loaded.unwrap_err().0;
        assert!(
            faults
                .iter()
                .all(|fault| fault.setting.as_deref().unwrap().ends_with(".enabled")),
            "{faults:?}"
        );
        assert!(sample.lines().all(|line| line.is_empty() || line.starts_with('#')));
    }
}
