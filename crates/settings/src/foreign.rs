//! Neo4j's settings that this server does not have, and names that Neo4j gave up: what to do instead.
//!
//! A setting without effect here, such as one of the JVM, is warned of; one that promises something this server does not do
//! stops the start, unless its value asks for nothing.

mod rules;

use rules::{RENAMED, RENAMED_SUFFIXES, RULES};

/// What becomes of such a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// The start stops.
    Refuse,
    /// It is logged.
    Warn,
}

/// A setting of Neo4j's, recognised.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) treatment: Treatment,
    pub(crate) problem: String,
    pub(crate) advice: String,
}

/// One name, or all names that begin with it if it ends in a dot.
struct Rule {
    name: &'static str,
    treatment: Treatment,
    problem: &'static str,
    advice: &'static str,
}

/// Whether a setting may stand in the file several times without being a duplicate.
pub(crate) fn may_repeat(name: &str) -> bool {
    name == "server.jvm.additional"
}

/// What to say about `name=value` if it is a setting of Neo4j's.
pub(crate) fn find(name: &str, value: &str) -> Option<Foreign> {
    if let Some(new) = new_name(name) {
        let problem = "is an old name".to_owned();
        return Some(Foreign {
            treatment: Treatment::Refuse,
            problem,
            advice: format!("write `{new}`"),
        });
    }
    let rule = RULES
        .iter()
        .find(|rule| rule.name == name)
        .or_else(|| RULES.iter().find(|rule| rule.covers(name)))?;
    // Switching off what is not there asks for nothing.
    let treatment = if value.eq_ignore_ascii_case("false") {
        Treatment::Warn
    } else {
        rule.treatment
    };
    Some(Foreign {
        treatment,
        problem: rule.problem.to_owned(),
        advice: rule.advice.to_owned(),
    })
}

/// For the reference: name or prefix, whether it is refused, problem, advice.
pub(crate) fn described() -> impl Iterator<Item = (String, bool, &'static str, &'static str)> {
    RULES.iter().map(|rule| {
        let star = if rule.name.ends_with(['.', '_']) { "*" } else { "" };
        (
            format!("{}{star}", rule.name),
            rule.treatment == Treatment::Refuse,
            rule.problem,
            rule.advice,
        )
    })
}

impl Rule {
    fn covers(&self, name: &str) -> bool {
        self.name.ends_with(['.', '_']) && name.starts_with(self.name)
    }
}

fn new_name(name: &str) -> Option<String> {
    let renamed = RENAMED.iter().find_map(|(old, new)| match old.strip_suffix('.') {
        Some(_) => name.strip_prefix(old).map(|rest| format!("{new}{rest}")),
        None => (name == *old).then(|| (*new).to_owned()),
    })?;
    let suffix = RENAMED_SUFFIXES
        .iter()
        .find_map(|(old, new)| Some(format!("{}{new}", renamed.strip_suffix(old)?)));
    Some(suffix.unwrap_or(renamed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::rows;

    #[test]
    fn settings_of_the_jvm_are_only_warned_of() {
        for name in [
            "server.jvm.additional",
            "server.memory.heap.max_size",
            "server.memory.pagecache.size",
        ] {
            assert_eq!(find(name, "1g").unwrap().treatment, Treatment::Warn, "{name}");
        }
    }

    #[test]
    fn settings_that_promise_something_are_refused_unless_they_ask_for_nothing() {
        for name in [
            "dbms.security.ldap.host",
            "server.metrics.graphite.enabled",
            "dbms.security.keystore.path",
        ] {
            assert_eq!(find(name, "x").unwrap().treatment, Treatment::Refuse, "{name}");
        }
        assert_eq!(
            find("server.metrics.graphite.enabled", "false").unwrap().treatment,
            Treatment::Warn
        );
    }

    #[test]
    fn old_names_lead_to_the_new_ones() {
        for (old, new) in [
            ("dbms.connector.bolt.listen_address", "server.bolt.listen_address"),
            ("dbms.connector.bolt.address", "server.bolt.listen_address"),
            ("dbms.directories.import", "server.directories.import"),
            ("dbms.backup.listen_address", "server.backup.listen_address"),
            ("dbms.jvm.additional", "server.jvm.additional"),
        ] {
            assert_eq!(find(old, "x").unwrap().advice, format!("write `{new}`"));
        }
    }

    #[test]
    fn no_rule_shadows_a_setting_of_this_server_and_new_names_lead_somewhere() {
        for row in rows() {
            assert!(!RULES.iter().any(|rule| rule.name == row.name), "{}", row.name);
            assert_eq!(new_name(row.name), None, "{}", row.name);
        }
        for (_, new) in RENAMED.iter().filter(|(old, _)| !old.ends_with('.')) {
            assert!(rows().any(|row| row.name == *new) || find(new, "x").is_some(), "{new}");
        }
    }

    #[test]
    fn unknown_names_are_not_neo4js() {
        assert_eq!(find("server.bolt.enable", "x"), None);
        assert_eq!(find("hello", "x"), None);
    }
}
