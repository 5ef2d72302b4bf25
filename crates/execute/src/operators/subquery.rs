//! Subqueries in expressions: built when first met, and kept for the next row.

use bastide_model::Value;
use bastide_plan::Operator;
use bastide_plan::expression::Subquery;
use bastide_status::Status;

use super::{Run, Shared, Stream, build_subquery};
use crate::access::ReadOnly;
use crate::batch::{BATCH_ROWS, Batch};
use crate::evaluate::{EvaluationContext, Scope, SubqueryRunner};
use crate::limits::Reserved;

impl SubqueryRunner for Shared {
    fn run(
        &self,
        kind: Subquery,
        plan: &Operator,
        scope: &Scope<'_>,
        context: &EvaluationContext<'_>,
    ) -> Result<Value, Status> {
        // Taken out while it runs, as a subquery may hold itself within a deeper row.
        let idle = self.subqueries.borrow_mut().get_mut(&plan.id).and_then(Vec::pop);
        let mut stream = match idle {
            Some(stream) => stream,
            None => build_subquery(plan, self)?,
        };
        stream.reset(self, scope);
        let mut access = ReadOnly(context.graph);
        let mut run = Run {
            access: &mut access,
            shared: self,
            csv: context.csv.map(|position| (position.file.into(), position.line)),
        };
        let value = answer(kind, &mut stream, &mut run)?;
        self.subqueries.borrow_mut().entry(plan.id).or_default().push(stream);
        Ok(value)
    }
}

fn answer(kind: Subquery, stream: &mut Stream, run: &mut Run<'_>) -> Result<Value, Status> {
    let mut batch = Batch::new();
    if kind == Subquery::Exists {
        stream.next(run, 1, &mut batch)?;
        return Ok(Value::Boolean(!batch.is_empty()));
    }
    let mut count = 0usize;
    let mut items = Vec::new();
    let mut memory = Reserved::default();
    loop {
        batch.clear();
        stream.next(run, BATCH_ROWS, &mut batch)?;
        if batch.is_empty() {
            break;
        }
        run.check()?;
        count += batch.rows();
        if let Subquery::Collect(slot) = kind {
            for row in 0..batch.rows() {
                let value = batch.value(slot, row);
                memory.take(&run.shared.memory, value.memory_size())?;
                items.push(value);
            }
        }
    }
    memory.release_all(&run.shared.memory);
    Ok(match kind {
        Subquery::Collect(_) => Value::from(items),
        _ => Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)),
    })
}
