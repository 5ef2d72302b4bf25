//! Calls: procedures, subqueries, CSV files.

use std::sync::Arc;

use bastide_cypher::ast::{self, CallProcedure, CallSubquery, ImportedVariables, InTransactions, Span, YieldColumns};
use bastide_model::Value;

use crate::expression::{Expression, Slot};
use crate::fault::{Result, SemanticFault};
use crate::function;
use crate::operator::{OnError, OperatorKind};
use crate::planner::{Planner, offset};
use crate::procedure::{ProcedureMode, ProcedureSignature, accepts};
use crate::query::{Chain, Column, PlannedQuery, QueryPlace};
use crate::scope::Scope;
use crate::types::Type;

/// How many rows a procedure is taken to yield.
const PROCEDURE_ROWS: f64 = 10.0;
/// How many rows a CSV file is taken to have.
const CSV_ROWS: f64 = 1_000.0;

impl Planner<'_> {
    /// A call that is the whole statement: all columns are answered, and parameters of the same names are passed.
    pub(crate) fn standalone_call(&mut self, call: &CallProcedure, span: Span) -> Result<PlannedQuery> {
        let signature = self.procedure(call, span)?;
        let arguments = match &call.arguments {
            Some(arguments) => self.procedure_arguments(&signature, arguments, &Scope::default(), span)?,
            None => signature
                .arguments
                .iter()
                .map(|argument| Expression::Parameter(self.parameter(&argument.name)))
                .collect(),
        };
        let mut scope = Scope::default();
        let columns = match &call.yields {
            Some(YieldColumns::Columns(items)) => self.yielded(&signature, items, &mut scope)?,
            _ => self.all_columns(&signature, &mut scope),
        };
        let chain = Chain {
            operator: self.argument(1.0),
            scope,
            columns: None,
        };
        let chain = self.called(chain, call, &signature, arguments, &columns, span)?;
        let returns = !columns.is_empty();
        let operator = if returns {
            chain.operator
        } else {
            self.over(chain.operator, |input| OperatorKind::EmptyResult { input })
        };
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        Ok(PlannedQuery {
            operator,
            columns,
            returns,
        })
    }

    pub(crate) fn call_procedure(&mut self, mut chain: Chain, call: &CallProcedure, span: Span) -> Result<Chain> {
        let signature = self.procedure(call, span)?;
        let arguments = match &call.arguments {
            Some(arguments) => self.procedure_arguments(&signature, arguments, &chain.scope, span)?,
            None if signature.arguments.is_empty() => Vec::new(),
            None => {
                return self.fail(
                    SemanticFault::InvalidArgumentPassingMode,
                    span,
                    "a call within a query has to pass its arguments in parentheses",
                );
            }
        };
        let columns = match &call.yields {
            None => Vec::new(),
            Some(YieldColumns::Columns(items)) => self.yielded(&signature, items, &mut chain.scope)?,
            Some(YieldColumns::All) => {
                return self.fail(
                    SemanticFault::UnexpectedSyntax,
                    span,
                    "YIELD * can only stand in a call that is the whole statement; name the columns",
                );
            }
        };
        self.called(chain, call, &signature, arguments, &columns, span)
    }

    fn called(
        &mut self,
        mut chain: Chain,
        call: &CallProcedure,
        signature: &ProcedureSignature,
        arguments: Vec<Expression>,
        columns: &[(Arc<str>, Column)],
        span: Span,
    ) -> Result<Chain> {
        match signature.mode {
            ProcedureMode::Write => self.calls_writer = true,
            ProcedureMode::Schema => self.calls_schema = true,
            ProcedureMode::Read | ProcedureMode::Dbms => {}
        }
        let is_void = signature.results.is_empty();
        let rows = chain.operator.estimated_rows * if is_void { 1.0 } else { PROCEDURE_ROWS };
        let kind = OperatorKind::ProcedureCall {
            input: Box::new(chain.operator),
            name: Arc::clone(&signature.name),
            arguments,
            yields: columns
                .iter()
                .map(|(name, column)| (Arc::clone(name), column.slot))
                .collect(),
            is_void,
            optional: call.optional,
            offset: offset(span),
        };
        chain.operator = self.operator(kind, rows);
        if let Some(predicate) = &call.predicate {
            let predicate = self.condition(predicate, &chain.scope)?;
            chain.operator = self.filtered(chain.operator, predicate);
        }
        Ok(chain)
    }

    fn procedure(&self, call: &CallProcedure, span: Span) -> Result<ProcedureSignature> {
        let name = call.full_name();
        if let Some(signature) = self.context.procedure(&name)
            && !name.starts_with("show.")
        {
            return Ok(signature);
        }
        let mut error = self.fault(
            SemanticFault::ProcedureNotFound,
            span,
            format!("there is no procedure with the name `{name}` registered for this database instance"),
        );
        let names = self.context.procedure_names();
        if let Some(near) = function::nearest(&name, names.iter().map(AsRef::as_ref)) {
            error.status = error.status.with_advice(format!("did you mean `{near}`?"));
        }
        Err(error)
    }

    fn procedure_arguments(
        &mut self,
        signature: &ProcedureSignature,
        given: &[ast::Expression],
        scope: &Scope,
        span: Span,
    ) -> Result<Vec<Expression>> {
        let needed = signature
            .arguments
            .iter()
            .take_while(|argument| argument.default.is_none())
            .count();
        if given.len() > signature.arguments.len() || given.len() < needed {
            return self.fail(
                SemanticFault::InvalidNumberOfArguments,
                span,
                format!(
                    "procedure `{}` takes {} arguments, got {}",
                    signature.name,
                    signature.arguments.len(),
                    given.len()
                ),
            );
        }
        let mut arguments = Vec::with_capacity(signature.arguments.len());
        let mut given = given.iter();
        for argument in &signature.arguments {
            let Some(expression) = given.next() else {
                let default = argument.default.clone().unwrap_or(Value::Null);
                arguments.push(Expression::Literal(default));
                continue;
            };
            let typed = self.translate(expression, scope)?;
            if !accepts(&argument.value_type, &typed.value_type) {
                return self.wrong_type(expression.span, &argument.value_type.name(), &typed.value_type);
            }
            arguments.push(typed.expression);
        }
        Ok(arguments)
    }

    /// All columns under their own names: the procedure's column, and the column of the result.
    pub(crate) fn all_columns(&mut self, signature: &ProcedureSignature, scope: &mut Scope) -> Vec<(Arc<str>, Column)> {
        let mut columns = Vec::with_capacity(signature.results.len());
        for result in &signature.results {
            let slot = self.new_slot();
            scope.bind(Arc::clone(&result.name), slot, result.value_type.clone());
            let column = Column::new(Arc::clone(&result.name), slot, result.value_type.clone());
            columns.push((Arc::clone(&result.name), column));
        }
        columns
    }

    pub(crate) fn yielded(
        &mut self,
        signature: &ProcedureSignature,
        items: &[ast::YieldItem],
        scope: &mut Scope,
    ) -> Result<Vec<(Arc<str>, Column)>> {
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            let Some(result) = signature
                .results
                .iter()
                .find(|result| *result.name == *item.column.text)
            else {
                return self.fail(
                    SemanticFault::UndefinedVariable,
                    item.span,
                    format!("`{}` has no column `{}`", signature.name, item.column),
                );
            };
            let name = item.alias.as_ref().unwrap_or(&item.column);
            self.refuse_known(scope, name)?;
            let slot = self.new_slot();
            scope.bind(Arc::clone(&name.text), slot, result.value_type.clone());
            let column = Column::new(Arc::clone(&name.text), slot, result.value_type.clone());
            columns.push((Arc::clone(&result.name), column));
        }
        Ok(columns)
    }

    pub(crate) fn call_subquery(&mut self, mut chain: Chain, form: &CallSubquery) -> Result<Chain> {
        let planned = match &form.imports {
            ImportedVariables::Unstated => {
                let inner = chain.scope.next();
                self.plan_query(&form.query, &inner, QueryPlace::Call(Some(&chain.scope)))?
            }
            ImportedVariables::All => {
                let inner = chain.scope.enclosed();
                self.plan_query(&form.query, &inner, QueryPlace::Call(None))?
            }
            ImportedVariables::Variables(names) => {
                let mut inner = chain.scope.next();
                for name in names {
                    let Some(variable) = chain.scope.lookup(&name.text) else {
                        return Err(self.undefined(&chain.scope, name));
                    };
                    inner.bind_outer(Arc::clone(&name.text), variable.clone());
                }
                self.plan_query(&form.query, &inner, QueryPlace::Call(None))?
            }
        };
        for column in &planned.columns {
            if chain.scope.lookup(&column.name).is_some() {
                return self.fail(
                    SemanticFault::VariableAlreadyBound,
                    form.query.span,
                    format!("variable `{}` already declared outside of the subquery", column.name),
                );
            }
        }
        let slots: Vec<Slot> = planned.columns.iter().map(|column| column.slot).collect();
        for column in &planned.columns {
            chain
                .scope
                .bind(Arc::clone(&column.name), column.slot, column.value_type.clone());
        }
        let rows = if planned.returns {
            chain.operator.estimated_rows * planned.operator.estimated_rows
        } else {
            chain.operator.estimated_rows
        };
        let input = Box::new(chain.operator);
        let inner = Box::new(planned.operator);
        let kind = match &form.in_transactions {
            Some(batches) => {
                let rows_per_transaction = self.row_count(batches.rows.as_ref(), "OF … ROWS")?;
                let report = self.report_slot(batches, &mut chain.scope)?;
                OperatorKind::CallInTransactions {
                    input,
                    inner,
                    rows_per_transaction,
                    on_error: on_error(batches),
                    report,
                    returns: planned.returns,
                }
            }
            None if !planned.returns => OperatorKind::CallForEffect { input, inner },
            None if form.optional => OperatorKind::OptionalApply {
                input,
                inner,
                nullable: slots,
            },
            None => OperatorKind::Apply { input, inner },
        };
        chain.operator = self.operator(kind, rows);
        Ok(chain)
    }

    fn report_slot(&mut self, batches: &InTransactions, scope: &mut Scope) -> Result<Option<Slot>> {
        let Some(name) = &batches.report_status else {
            return Ok(None);
        };
        self.refuse_known(scope, name)?;
        let slot = self.new_slot();
        scope.bind(Arc::clone(&name.text), slot, Type::Map);
        Ok(Some(slot))
    }

    pub(crate) fn load_csv(&mut self, mut chain: Chain, form: &ast::LoadCsv, span: Span) -> Result<Chain> {
        let url = self.translate(&form.url, &chain.scope)?;
        if !url.value_type.is_open() && url.value_type != Type::String {
            return self.wrong_type(form.url.span, "STRING", &url.value_type);
        }
        self.refuse_known(&chain.scope, &form.variable)?;
        if let Some(terminator) = &form.field_terminator
            && terminator.chars().count() != 1
        {
            return self.fail(
                SemanticFault::InvalidArgumentValue,
                span,
                "FIELDTERMINATOR takes a single character",
            );
        }
        let slot = self.new_slot();
        let value_type = if form.with_headers {
            Type::Map
        } else {
            Type::list(Type::String)
        };
        chain.scope.bind(Arc::clone(&form.variable.text), slot, value_type);
        let rows = chain.operator.estimated_rows * CSV_ROWS;
        let kind = OperatorKind::LoadCsv {
            input: Box::new(chain.operator),
            url: url.expression,
            slot,
            headers: form.with_headers,
            delimiter: form
                .field_terminator
                .as_ref()
                .map(|terminator| Expression::Literal(Value::string(terminator.as_str()))),
            offset: offset(span),
        };
        chain.operator = self.operator(kind, rows);
        Ok(chain)
    }
}

fn on_error(batches: &InTransactions) -> OnError {
    match batches.on_error {
        Some(ast::OnErrorBehaviour::Continue) => OnError::Continue,
        Some(ast::OnErrorBehaviour::Break) => OnError::Break,
        Some(ast::OnErrorBehaviour::Fail) | None => OnError::Fail,
    }
}
