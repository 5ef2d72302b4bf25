//! Notifications: which are wanted, and how they are written.

use bastide_model::Value;
use bastide_plan::operator::{Notification, Plan};

use super::json;

/// How serious notifications must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Severity {
    #[default]
    Information,
    Warning,
    Off,
}

/// Which notifications a client wants to be told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    minimum: Severity,
    /// Categories, which are the classifications under another name.
    disabled: Vec<String>,
}

/// Every category that Neo4j has; a misspelled one is refused instead of doing nothing.
pub(crate) const CATEGORIES: [&str; 10] = [
    "HINT",
    "UNRECOGNIZED",
    "UNSUPPORTED",
    "PERFORMANCE",
    "DEPRECATION",
    "SECURITY",
    "TOPOLOGY",
    "SCHEMA",
    "GENERIC",
    "UNKNOWN",
];

impl Filter {
    /// Reads `notificationsFilter`.
    ///
    /// # Errors
    /// Says which part cannot be honoured.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        let mut filter = Self::default();
        let map = match value {
            Value::Null => return Ok(filter),
            Value::Map(map) => map,
            _ => return Err("`notificationsFilter` is an object".to_owned()),
        };
        for (name, value) in map.iter() {
            match name.as_ref() {
                "minimumSeverity" => filter.minimum = severity(value)?,
                "disabledCategories" | "disabledClassifications" => filter.disabled.extend(categories(name, value)?),
                other => {
                    let shown: String = other.chars().take(100).collect();
                    return Err(format!(
                        "`notificationsFilter.{shown}` is not available; there are `minimumSeverity`, `disabledCategories` \
                         and `disabledClassifications`"
                    ));
                }
            }
        }
        Ok(filter)
    }

    fn wants(&self, notification: &Notification) -> bool {
        let is_serious = match self.minimum {
            Severity::Information => true,
            Severity::Warning => notification.severity == "WARNING",
            Severity::Off => false,
        };
        is_serious && !self.disabled.iter().any(|category| category == notification.category)
    }
}

fn severity(value: &Value) -> Result<Severity, String> {
    match value.as_str().map(str::to_ascii_uppercase).as_deref() {
        Some("INFORMATION") => Ok(Severity::Information),
        Some("WARNING") => Ok(Severity::Warning),
        Some("OFF") => Ok(Severity::Off),
        _ => Err("`notificationsFilter.minimumSeverity` is `INFORMATION`, `WARNING` or `OFF`".to_owned()),
    }
}

fn categories(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let Value::List(items) = value else {
        return Err(format!("`notificationsFilter.{name}` is a list"));
    };
    items
        .iter()
        .map(|item| {
            let upper = item.as_str().map(str::to_ascii_uppercase).unwrap_or_default();
            if CATEGORIES.contains(&upper.as_str()) {
                Ok(upper)
            } else {
                Err(format!(
                    "`notificationsFilter.{name}` holds some of {}",
                    CATEGORIES.join(", ")
                ))
            }
        })
        .collect()
}

/// Writes `"notifications":[…]` if there is any.
pub(crate) fn write(out: &mut Vec<u8>, plan: &Plan, statement: &str, filter: &Filter) {
    let mut wanted = plan
        .notifications
        .iter()
        .filter(|notification| filter.wants(notification))
        .peekable();
    if wanted.peek().is_none() {
        return;
    }
    json::key(out, "notifications");
    json::list(out, wanted, |out, notification| {
        out.push(b'{');
        for (name, text) in [
            ("code", notification.code),
            ("title", &notification.title),
            ("description", &notification.description),
            ("severity", notification.severity),
            ("category", notification.category),
            ("gqlStatus", notification.gql_status),
        ] {
            json::key(out, name);
            json::write(out, text);
        }
        if let Some(offset) = notification.offset {
            let position = bastide_execute::evaluate::position(statement, offset);
            json::key(out, "position");
            out.push(b'{');
            for (name, number) in [
                ("offset", position.offset),
                ("line", position.line),
                ("column", position.column),
            ] {
                json::key(out, name);
                json::write(out, &number);
            }
            out.push(b'}');
        }
        out.push(b'}');
    });
}
