//! Plans as EXPLAIN and PROFILE answer them.

use bastide_execute::OperatorProfile;
use bastide_model::Value;
use bastide_plan::Plan;
use bastide_plan::explain::{PlanDescription, describe};
use bastide_plan::operator::Mode;

use super::json;

/// Writes `"queryPlan":…` or `"profiledQueryPlan":…` if the statement was to be explained or profiled.
pub(crate) fn write(out: &mut Vec<u8>, plan: &Plan, profile: Option<&[OperatorProfile]>, database: &str) {
    let writer = Writer { profile, database };
    match plan.mode {
        Mode::Normal => return,
        Mode::Explain => json::key(out, "queryPlan"),
        Mode::Profile => json::key(out, "profiledQueryPlan"),
    }
    let description = describe(plan);
    let rows = description
        .children
        .first()
        .map_or(0, |below| writer.measured(below).rows);
    writer.operator(out, &description, OperatorProfile { rows, db_hits: 0 });
}

struct Writer<'a> {
    profile: Option<&'a [OperatorProfile]>,
    database: &'a str,
}

impl Writer<'_> {
    fn measured(&self, description: &PlanDescription) -> OperatorProfile {
        self.profile
            .and_then(|profile| profile.get(description.id as usize))
            .copied()
            .unwrap_or_default()
    }

    fn operator(&self, out: &mut Vec<u8>, description: &PlanDescription, measured: OperatorProfile) {
        out.push(b'{');
        if self.profile.is_some() {
            json::key(out, "dbHits");
            json::write(out, &measured.db_hits);
            json::key(out, "records");
            json::write(out, &measured.rows);
            json::key(out, "hasPageCacheStats");
            json::write(out, &false);
            for name in ["pageCacheHits", "pageCacheMisses", "time"] {
                json::key(out, name);
                json::write(out, &0);
            }
            json::key(out, "pageCacheHitRatio");
            json::write(out, &0.0);
        }
        json::key(out, "operatorType");
        json::write(out, &format!("{}@{}", description.operator_type, self.database));
        json::key(out, "arguments");
        out.push(b'{');
        for (name, value) in &description.arguments {
            json::key(out, name);
            argument(out, value);
        }
        out.push(b'}');
        json::key(out, "identifiers");
        json::list(out, &description.identifiers, |out, name| {
            json::write(out, name.as_str())
        });
        json::key(out, "children");
        json::list(out, &description.children, |out, child| {
            self.operator(out, child, self.measured(child));
        });
        out.push(b'}');
    }
}

/// Arguments of plans are small values without entities; what is more is told by its type.
fn argument(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => json::write(out, &()),
        Value::Boolean(value) => json::write(out, value),
        Value::Integer(value) => json::write(out, value),
        Value::Float(value) if value.is_finite() => json::write(out, value),
        Value::String(text) => json::write(out, text.as_ref()),
        Value::List(items) => json::list(out, items.iter(), argument),
        other => json::write(out, other.kind().name()),
    }
}
