//! What can be wrong with a statement before it runs.
//!
//! Owns [`SemanticFault`], whose [`SemanticFault::detail`] names are those of the openCypher conformance suite, and
//! [`PlanError`], which carries one beside the [`Status`] for the client.

use bastide_status::{Code, Status};

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:ident;)+) => {
        /// A rule of the language that a statement breaks. The names are openCypher's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SemanticFault {
            $($(#[doc = $doc])+ $name,)+
        }

        impl SemanticFault {
            /// The name of the rule, as the conformance suite spells it.
            pub fn detail(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The code that goes with it.
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code::$code,)+ }
            }
        }
    };
}

faults! {
    /// A variable that is not in scope.
    UndefinedVariable = SyntaxError;
    /// A variable is introduced where one of its name is in scope.
    VariableAlreadyBound = SyntaxError;
    /// A variable is used as something else than it is.
    VariableTypeConflict = SyntaxError;
    /// An aggregate where there is nothing to aggregate over.
    InvalidAggregation = SyntaxError;
    /// An expression with aggregates also reads what is no grouping key.
    AmbiguousAggregationExpression = SyntaxError;
    /// An aggregate within an aggregate.
    NestedAggregation = SyntaxError;
    /// An expression in WITH without a name.
    NoExpressionAlias = SyntaxError;
    /// Two columns of one name.
    ColumnNameConflict = SyntaxError;
    /// A parameter as a pattern's properties in MATCH or MERGE.
    InvalidParameterUse = SyntaxError;
    /// The parts of a UNION answer different columns.
    DifferentColumnsInUnion = SyntaxError;
    /// A clause where it cannot stand.
    InvalidClauseComposition = SyntaxError;
    /// A relationship to create without exactly one type.
    NoSingleRelationshipType = SyntaxError;
    /// A relationship to create without a direction.
    RequiresDirectedRelationship = SyntaxError;
    /// A relationship to create with a length.
    CreatingVarLength = SyntaxError;
    /// A value of a type that the operation never takes.
    InvalidArgumentType = SyntaxError;
    /// The same, where the suite wants a type error.
    InvalidOperandType = TypeError;
    /// An expression that would have to be the same for all rows, and is not.
    NonConstantExpression = SyntaxError;
    /// Something in DELETE that is no entity.
    InvalidDelete = SyntaxError;
    /// A negative number of rows.
    NegativeIntegerArgument = SyntaxError;
    /// One relationship twice in one MATCH.
    RelationshipUniquenessViolation = SyntaxError;
    /// A function that is not there.
    UnknownFunction = SyntaxError;
    /// A call with too few or too many arguments.
    InvalidNumberOfArguments = SyntaxError;
    /// `*` without any variable.
    NoVariablesInScope = SyntaxError;
    /// A form that cannot stand where it does.
    UnexpectedSyntax = SyntaxError;
    /// A procedure that is not there.
    ProcedureNotFound = ProcedureNotFound;
    /// A call within a query without parentheses.
    InvalidArgumentPassingMode = SyntaxError;
    /// Something known that this version cannot do.
    NotSupported = FeatureNotSupported;
    /// A statement larger than the limits allow.
    TooLarge = ArgumentError;
    /// A constant whose content cannot be right.
    InvalidArgumentValue = SyntaxError;
}

/// Why a statement has no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}")]
pub struct PlanError {
    /// What the client is told.
    pub status: Status,
    /// The rule that is broken.
    pub fault: SemanticFault,
}

impl PlanError {
    /// The name of the rule that is broken, as the conformance suite spells it.
    pub fn detail(&self) -> &'static str {
        match self.fault {
            SemanticFault::InvalidOperandType => SemanticFault::InvalidArgumentType.detail(),
            fault => fault.detail(),
        }
    }
}

impl From<PlanError> for Status {
    fn from(error: PlanError) -> Self {
        error.status
    }
}

pub(crate) type Result<T> = std::result::Result<T, PlanError>;
