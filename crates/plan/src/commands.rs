//! `SHOW`, and index and constraint commands.

use std::sync::Arc;

use bastide_cypher::ast::{
    self, ConstraintKind, EntityKind, ExecutableBy, IndexKind, Name, NameOrParameter, PrivilegesOf, Projection,
    SchemaCommand, ShowCommand, ShowKind, Span, YieldColumns,
};
use bastide_model::Value;

use crate::expression::Expression;
use crate::fault::{Result, SemanticFault};
use crate::operator::{OperatorKind, SchemaOperation, SchemaTargetName};
use crate::planner::{Planner, offset};
use crate::query::{Chain, Column, PlannedQuery};
use crate::scope::Scope;

impl Planner<'_> {
    /// A `SHOW` command is a call of a procedure `show.*` followed by filters and projections.
    pub(crate) fn show(&mut self, command: &ShowCommand) -> Result<PlannedQuery> {
        let (name, arguments) = self.show_call(&command.kind)?;
        let Some(signature) = self.context.procedure(name) else {
            return self.fail(
                SemanticFault::NotSupported,
                command.span,
                "this SHOW command is not available in this version",
            );
        };
        let mut scope = Scope::default();
        let columns = match command.yields.as_ref().map(|yields| &yields.columns) {
            Some(YieldColumns::Columns(items)) => self.yielded(&signature, items, &mut scope)?,
            _ => self.all_columns(&signature, &mut scope),
        };
        let kind = OperatorKind::ProcedureCall {
            input: Box::new(self.argument(1.0)),
            name: Arc::clone(&signature.name),
            arguments,
            yields: columns
                .iter()
                .map(|(name, column)| (Arc::clone(name), column.slot))
                .collect(),
            is_void: false,
            optional: false,
            offset: offset(command.span),
        };
        let mut chain = Chain {
            operator: self.operator(kind, 10.0),
            scope,
            columns: None,
        };
        if let Some(predicate) = &command.predicate {
            let predicate = self.condition(predicate, &chain.scope)?;
            chain.operator = self.filtered(chain.operator, predicate);
        }
        let is_default = |name: &Arc<str>| {
            command.yields.is_some()
                || signature
                    .results
                    .iter()
                    .any(|result| result.name == *name && result.is_default)
        };
        let shown: Vec<Column> = columns
            .into_iter()
            .filter(|(name, _)| is_default(name))
            .map(|(_, column)| column)
            .collect();
        if let Some(yields) = &command.yields {
            let all = Projection {
                distinct: false,
                star: true,
                items: Vec::new(),
                order_by: yields.order_by.clone(),
                skip: yields.skip.clone(),
                limit: yields.limit.clone(),
                predicate: yields.predicate.clone(),
            };
            chain = self.with_clause(chain, &all, command.span)?;
        }
        let columns = match &command.returns {
            Some(returns) => {
                chain = self.return_clause(chain, returns, command.span)?;
                chain.columns.take().unwrap_or_default()
            }
            None => shown,
        };
        Ok(PlannedQuery {
            operator: chain.operator,
            columns,
            returns: true,
        })
    }

    /// The procedure that answers, and its arguments: always as many as listed here, null for what was not written.
    fn show_call(&mut self, kind: &ShowKind) -> Result<(&'static str, Vec<Expression>)> {
        Ok(match kind {
            ShowKind::Indexes(kind) => ("show.indexes", vec![text_or_null(kind.as_deref())]),
            ShowKind::Constraints(kind) => ("show.constraints", vec![text_or_null(kind.as_deref())]),
            ShowKind::Databases(name) => ("show.databases", vec![self.name_value(name.as_ref())]),
            ShowKind::DefaultDatabase => ("show.default_database", Vec::new()),
            ShowKind::HomeDatabase => ("show.home_database", Vec::new()),
            ShowKind::Users { with_auth } => ("show.users", vec![boolean(Some(*with_auth))]),
            ShowKind::CurrentUser => ("show.current_user", Vec::new()),
            ShowKind::Settings(names) => ("show.settings", vec![self.list_or_value(names)?]),
            ShowKind::Functions { built_in, executable } => (
                "show.functions",
                vec![
                    boolean(*built_in),
                    boolean(Some(executable.is_some())),
                    executing_user(executable.as_ref()),
                ],
            ),
            ShowKind::Procedures { executable } => (
                "show.procedures",
                vec![boolean(Some(executable.is_some())), executing_user(executable.as_ref())],
            ),
            ShowKind::TlsPolicies => ("show.tls_policies", Vec::new()),
            ShowKind::Transactions(ids) => ("show.transactions", vec![self.list_or_value(ids)?]),
            ShowKind::Privileges(of) => {
                let (whose, names) = match of {
                    PrivilegesOf::All => ("all", &[] as &[NameOrParameter]),
                    PrivilegesOf::CurrentUser => ("current user", &[] as &[NameOrParameter]),
                    PrivilegesOf::Users(names) => ("users", names.as_slice()),
                    PrivilegesOf::Roles(names) => ("roles", names.as_slice()),
                };
                let names = names.iter().map(|name| self.name_value(Some(name))).collect();
                (
                    "show.privileges",
                    vec![text_or_null(Some(whose)), Expression::List(names)],
                )
            }
            ShowKind::Roles { populated, with_users } => (
                "show.roles",
                vec![boolean(Some(*populated)), boolean(Some(*with_users))],
            ),
        })
    }

    fn name_value(&mut self, name: Option<&NameOrParameter>) -> Expression {
        match name {
            None => Expression::Literal(Value::Null),
            Some(NameOrParameter::Name(name)) => text_or_null(Some(&name.text)),
            Some(NameOrParameter::Parameter(name)) => Expression::Parameter(self.parameter(&name.text)),
        }
    }

    /// One expression by itself, as it may yield a list; several as a list; none as an empty list.
    fn list_or_value(&mut self, expressions: &[ast::Expression]) -> Result<Expression> {
        let scope = Scope::default();
        if expressions.is_empty() {
            return Ok(Expression::Literal(Value::Null));
        }
        if let [only] = expressions {
            return Ok(self.translate(only, &scope)?.expression);
        }
        let mut items = Vec::with_capacity(expressions.len());
        for expression in expressions {
            items.push(self.translate(expression, &scope)?.expression);
        }
        Ok(Expression::List(items))
    }

    pub(crate) fn schema(&mut self, command: &SchemaCommand, span: Span) -> Result<SchemaOperation> {
        match command {
            SchemaCommand::CreateIndex {
                kind,
                name,
                if_not_exists,
                entity,
                labels,
                properties,
                ..
            } => self.create_index(*kind, name.as_ref(), *if_not_exists, *entity, labels, properties, span),
            SchemaCommand::DropIndex { name, if_exists } => Ok(SchemaOperation::DropIndex {
                name: self.schema_name(name)?,
                if_exists: *if_exists,
            }),
            SchemaCommand::CreateConstraint {
                name,
                if_not_exists,
                entity,
                label,
                properties,
                kind,
                ..
            } => {
                let kind = match kind {
                    ConstraintKind::Unique => bastide_model::ConstraintKind::Unique,
                    ConstraintKind::Key => bastide_model::ConstraintKind::Key,
                    ConstraintKind::Exists => bastide_model::ConstraintKind::Exists,
                    ConstraintKind::Type(_) => {
                        return self.fail(
                            SemanticFault::NotSupported,
                            span,
                            "property type constraints are not available in this version",
                        );
                    }
                };
                Ok(SchemaOperation::CreateConstraint {
                    name: self.optional_schema_name(name.as_ref())?,
                    kind,
                    target: target(*entity, label),
                    properties: texts(properties),
                    if_not_exists: *if_not_exists,
                })
            }
            SchemaCommand::DropConstraint { name, if_exists } => Ok(SchemaOperation::DropConstraint {
                name: self.schema_name(name)?,
                if_exists: *if_exists,
            }),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command, taken apart once")]
    fn create_index(
        &self,
        kind: IndexKind,
        name: Option<&NameOrParameter>,
        if_not_exists: bool,
        entity: EntityKind,
        labels: &[Name],
        properties: &[Name],
        span: Span,
    ) -> Result<SchemaOperation> {
        let name = self.optional_schema_name(name)?;
        match (kind, labels) {
            (IndexKind::Lookup, _) => Ok(SchemaOperation::CreateLookupIndex {
                name,
                relationships: entity == EntityKind::Relationship,
                if_not_exists,
            }),
            (IndexKind::Range | IndexKind::Text | IndexKind::Point, [label]) => Ok(SchemaOperation::CreateIndex {
                name,
                target: target(entity, label),
                properties: texts(properties),
                if_not_exists,
            }),
            _ => self.fail(
                SemanticFault::NotSupported,
                span,
                "full-text and vector indexes are not available in this version",
            ),
        }
    }

    fn optional_schema_name(&self, name: Option<&NameOrParameter>) -> Result<Option<Arc<str>>> {
        name.map(|name| self.schema_name(name)).transpose()
    }

    fn schema_name(&self, name: &NameOrParameter) -> Result<Arc<str>> {
        match name {
            NameOrParameter::Name(name) => Ok(Arc::clone(&name.text)),
            NameOrParameter::Parameter(name) => self.fail(
                SemanticFault::NotSupported,
                name.span,
                "the name of an index or constraint has to be written out in this version",
            ),
        }
    }
}

fn target(entity: EntityKind, label: &Name) -> SchemaTargetName {
    let name = Arc::clone(&label.text);
    match entity {
        EntityKind::Node => SchemaTargetName::Label(name),
        EntityKind::Relationship => SchemaTargetName::RelationshipType(name),
    }
}

fn texts(names: &[Name]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::clone(&name.text)).collect()
}

fn text_or_null(text: Option<&str>) -> Expression {
    Expression::Literal(text.map_or(Value::Null, Value::string))
}

fn boolean(value: Option<bool>) -> Expression {
    Expression::Literal(value.map_or(Value::Null, Value::Boolean))
}

fn executing_user(executable: Option<&ExecutableBy>) -> Expression {
    match executable {
        Some(ExecutableBy::User(name)) => text_or_null(Some(&name.text)),
        Some(ExecutableBy::CurrentUser) | None => Expression::Literal(Value::Null),
    }
}
