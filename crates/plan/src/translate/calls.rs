//! Calls of scalar functions.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind, FunctionCall};

use super::Typed;
use crate::expression::Expression;
use crate::fault::{Result, SemanticFault};
use crate::function::{self, FUNCTIONS, FunctionSignature, Kind};
use crate::planner::{Planner, offset};
use crate::scope::Scope;
use crate::types::Type;

impl Planner<'_> {
    /// The signature of a called function, once its number of arguments is right.
    pub(crate) fn signature(&self, call: &FunctionCall) -> Result<&'static FunctionSignature> {
        let name = call.full_name();
        let Some(signature) = function::find(&name) else {
            let mut error = self.fault(
                SemanticFault::UnknownFunction,
                call.span,
                format!("unknown function `{name}`"),
            );
            if let Some(near) = function::nearest(&name, FUNCTIONS.iter().map(|function| function.display)) {
                error.status = error.status.with_advice(format!("did you mean `{near}`?"));
            }
            return Err(error);
        };
        let given = call.arguments.len();
        if given < signature.minimum || given > signature.maximum {
            let wanted = match (signature.minimum, signature.maximum) {
                (minimum, maximum) if minimum == maximum => minimum.to_string(),
                (minimum, usize::MAX) => format!("at least {minimum}"),
                (minimum, maximum) => format!("{minimum} to {maximum}"),
            };
            return self.fail(
                SemanticFault::InvalidNumberOfArguments,
                call.span,
                format!("function `{}` takes {wanted} arguments, got {given}", signature.display),
            );
        }
        if call.distinct && !signature.aggregate {
            return self.fail(
                SemanticFault::UnexpectedSyntax,
                call.span,
                format!("function `{}` does not take DISTINCT", signature.display),
            );
        }
        Ok(signature)
    }

    pub(super) fn call(&mut self, call: &FunctionCall, scope: &Scope) -> Result<Typed> {
        let signature = self.signature(call)?;
        if signature.name == "exists"
            && let [argument] = call.arguments.as_slice()
        {
            return self.exists(argument, scope);
        }
        let (mut arguments, mut types) = (Vec::new(), Vec::new());
        for argument in &call.arguments {
            let typed = self.translate(argument, scope)?;
            if !signature.kind.accepts(&typed.value_type) {
                return self.wrong_type(argument.span, kind_name(signature.kind), &typed.value_type);
            }
            arguments.push(typed.expression);
            types.push(typed.value_type);
        }
        let expression = Expression::Function {
            name: Arc::from(signature.name),
            arguments,
            offset: offset(call.span),
        };
        Ok(Typed::new(expression, signature.answer.for_arguments(&types)))
    }

    /// `exists(n.p)` and `exists((a)-->())`.
    fn exists(&mut self, argument: &ast::Expression, scope: &Scope) -> Result<Typed> {
        if let ExpressionKind::Pattern(pattern) = &argument.kind {
            let predicate = self.pattern_predicate(pattern, scope)?;
            return Ok(Typed::new(predicate, Type::Boolean));
        }
        let inner = self.translate(argument, scope)?;
        Ok(Typed::new(Expression::IsNotNull(inner.boxed()), Type::Boolean))
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "ANY",
        Kind::Node => "NODE",
        Kind::Relationship => "RELATIONSHIP",
        Kind::Entity => "NODE or RELATIONSHIP",
        Kind::Properties => "MAP, NODE or RELATIONSHIP",
        Kind::Path => "PATH",
        Kind::Sized => "STRING or LIST<ANY>",
        Kind::Number => "INTEGER, FLOAT or DURATION",
    }
}
