//! From a plan to operators that run: one arm a kind. Kinds that change the graph or call out are in [`super::build_effects`].

use bastide_plan::Operator;
use bastide_plan::expression::{Expression, Offset, Slot};
use bastide_plan::operator::{Aggregation, IndexSeek, OperatorKind as Kind, SortKey};
use bastide_status::{Code, Status};

use super::aggregate::{Aggregate, PreparedAggregate};
use super::apply::Apply;
use super::argument::{Argument, EmptyResult};
use super::distinct::Distinct;
use super::expand::{Expand, Expansion};
use super::flat_map::{FlatMap, RowSource};
use super::join::{CartesianProduct, HashJoin};
use super::profiled::Profiled;
use super::rows::{Count, Filter, Limit, Project, Projected, Skip};
use super::scan::{Counted, EntityCount, NodeScan, RelationshipScan, RelationshipSlots};
use super::seek::{Identities, NodeByIdSeek, NodeIndexSeek, PreparedSeek, RelationshipByIdSeek};
use super::shortest_path::{PathConditions, PathEnds, ShortestPath};
use super::slots::{carried, produced, written};
use super::sort::{PreparedKey, Sort};
use super::store::Eager;
use super::tokens::{LabelLookup, TypeFilter};
use super::union::{Union, UnionInput};
use super::unwind::Unwind;
use super::variable_expand::{PathShape, VariableExpand};
use super::{Shared, Stream, build_effects};
use crate::aggregate::AggregateFunction;
use crate::evaluate::{Compiled, compile};

/// How many operators may stand on one another; each takes a frame of the stack or two.
const DEPTH_MAX: usize = 1_000;

/// Prepares an operator and all below it.
pub(crate) fn build(operator: &Operator, shared: &Shared) -> Result<Stream, Status> {
    Builder { shared, depth: 0 }.build(operator)
}

/// Prepares operators.
pub(super) struct Builder<'a> {
    pub(super) shared: &'a Shared,
    depth: usize,
}

impl Builder<'_> {
    /// Prepares an operator and all below it.
    pub(super) fn build(&self, operator: &Operator) -> Result<Stream, Status> {
        if self.depth >= DEPTH_MAX {
            return Err(Status::new(
                Code::ArgumentError,
                format!("the query has more than {DEPTH_MAX} steps that depend on one another"),
            )
            .with_advice("split it into several queries, or use UNWIND over a list of rows"));
        }
        let builder = Builder {
            shared: self.shared,
            depth: self.depth + 1,
        };
        let stream = builder.kind(operator)?;
        Ok(match &self.shared.profile {
            Some(_) => Box::new(Profiled::new(stream, operator.id)),
            None => stream,
        })
    }

    fn kind(&self, operator: &Operator) -> Result<Stream, Status> {
        let live = &operator.live;
        match &operator.kind {
            Kind::Argument => Ok(Box::new(Argument::new(live.clone()))),
            Kind::EmptyResult { input } => Ok(Box::new(EmptyResult::new(self.build(input)?))),
            Kind::AllNodesScan { .. }
            | Kind::NodeByLabelScan { .. }
            | Kind::NodeByIdSeek { .. }
            | Kind::NodeIndexSeek { .. }
            | Kind::RelationshipScan { .. }
            | Kind::RelationshipByIdSeek { .. }
            | Kind::NodeCount { .. }
            | Kind::RelationshipCount { .. } => self.leaf(operator),
            Kind::Expand { .. } | Kind::VariableExpand { .. } | Kind::ShortestPath { .. } => self.step(operator),
            Kind::Filter { .. }
            | Kind::Project { .. }
            | Kind::Distinct { .. }
            | Kind::Aggregate { .. }
            | Kind::Sort { .. }
            | Kind::Skip { .. }
            | Kind::Limit { .. }
            | Kind::Unwind { .. }
            | Kind::Union { .. }
            | Kind::Eager { .. } => self.rows(operator),
            Kind::Apply { .. } | Kind::OptionalApply { .. } | Kind::CartesianProduct { .. } | Kind::HashJoin { .. } => {
                self.join(operator)
            }
            Kind::Create { .. }
            | Kind::Merge { .. }
            | Kind::Update { .. }
            | Kind::Delete { .. }
            | Kind::Foreach { .. }
            | Kind::LoadCsv { .. }
            | Kind::ProcedureCall { .. }
            | Kind::CallForEffect { .. }
            | Kind::CallInTransactions { .. }
            | Kind::Schema(_) => build_effects::build(self, operator),
        }
    }

    fn leaf(&self, operator: &Operator) -> Result<Stream, Status> {
        let plan = &self.shared.plan;
        let live = &operator.live;
        match &operator.kind {
            Kind::AllNodesScan { input, node } => {
                self.flat_map(input, NodeScan::new(None, kept(live, *node)), live, &[*node])
            }
            Kind::NodeByLabelScan { input, node, label } => {
                let label = LabelLookup::new(plan, *label);
                self.flat_map(input, NodeScan::new(Some(label), kept(live, *node)), live, &[*node])
            }
            Kind::NodeByIdSeek {
                input,
                node,
                ids,
                element_ids,
            } => {
                let seek = NodeByIdSeek::new(self.identities(ids, *element_ids)?, kept(live, *node));
                self.flat_map(input, seek, live, &[*node])
            }
            Kind::NodeIndexSeek {
                input,
                node,
                index,
                seek,
            } => {
                let seek = NodeIndexSeek::new(index.clone(), self.seek(seek)?, kept(live, *node));
                self.flat_map(input, seek, live, &[*node])
            }
            Kind::RelationshipScan {
                input,
                relationship,
                start,
                end,
                direction,
                types,
            } => {
                let slots = relationship_slots(live, *relationship, *start, *end);
                let scan = RelationshipScan::new(TypeFilter::new(plan, types), slots, *direction);
                self.flat_map(input, scan, live, &[*relationship, *start, *end])
            }
            Kind::RelationshipByIdSeek {
                input,
                relationship,
                start,
                end,
                ids,
                element_ids,
            } => {
                let slots = relationship_slots(live, *relationship, *start, *end);
                let seek = RelationshipByIdSeek::new(self.identities(ids, *element_ids)?, slots);
                self.flat_map(input, seek, live, &[*relationship, *start, *end])
            }
            Kind::NodeCount { input, label, count } => {
                let counted = Counted::Nodes(label.map(|label| LabelLookup::new(plan, label)));
                self.flat_map(input, EntityCount::new(counted, *count), live, &[*count])
            }
            Kind::RelationshipCount { input, types, count } => {
                let counted = Counted::Relationships(TypeFilter::new(plan, types));
                self.flat_map(input, EntityCount::new(counted, *count), live, &[*count])
            }
            _ => Err(misplaced()),
        }
    }

    fn step(&self, operator: &Operator) -> Result<Stream, Status> {
        let plan = &self.shared.plan;
        let live = &operator.live;
        let node = |to: Slot, into: bool| if into { None } else { kept(live, to) };
        let own = |slot: Slot, to: Slot, into: bool| if into { vec![slot] } else { vec![slot, to] };
        match &operator.kind {
            Kind::Expand {
                input,
                from,
                relationship,
                to,
                direction,
                types,
                into,
            } => {
                let expansion = Expansion {
                    from: *from,
                    to: *to,
                    direction: *direction,
                    types: TypeFilter::new(plan, types),
                    into: *into,
                };
                let expand = Expand::new(expansion, kept(live, *relationship), node(*to, *into));
                self.flat_map(input, expand, live, &own(*relationship, *to, *into))
            }
            Kind::VariableExpand {
                input,
                from,
                relationships,
                to,
                direction,
                types,
                min,
                max,
                into,
                reversed,
                relationship_filter,
            } => {
                let expansion = Expansion {
                    from: *from,
                    to: *to,
                    direction: *direction,
                    types: TypeFilter::new(plan, types),
                    into: *into,
                };
                let shape = PathShape {
                    min: *min,
                    max: *max,
                    reversed: *reversed,
                    relationship_filter: self.condition(relationship_filter.as_ref())?,
                };
                let expand = VariableExpand::new(expansion, shape, kept(live, *relationships), node(*to, *into));
                self.flat_map(input, expand, live, &own(*relationships, *to, *into))
            }
            Kind::ShortestPath {
                input,
                from,
                relationships,
                to,
                direction,
                types,
                min,
                max,
                all,
                path,
                relationship_filter,
                node_filter,
                path_filter,
            } => {
                let ends = PathEnds {
                    from: *from,
                    to: *to,
                    direction: *direction,
                    min: *min,
                    max: *max,
                    all: *all,
                };
                let conditions = PathConditions {
                    relationship: self.condition(relationship_filter.as_ref())?,
                    node: self.condition(node_filter.as_ref())?,
                    whole: path_filter.as_ref().map(|filter| self.compile(filter)).transpose()?,
                };
                let types = TypeFilter::new(plan, types);
                let search = ShortestPath::new(ends, types, conditions, *relationships, *path);
                let own: Vec<Slot> = std::iter::once(*relationships).chain(*path).collect();
                self.flat_map(input, search, live, &own)
            }
            _ => Err(misplaced()),
        }
    }

    fn rows(&self, operator: &Operator) -> Result<Stream, Status> {
        let live = &operator.live;
        Ok(match &operator.kind {
            Kind::Filter { input, predicate } => Box::new(Filter::new(self.build(input)?, self.compile(predicate)?)),
            Kind::Project { input, items } => {
                let items = items
                    .iter()
                    .map(|(slot, expression)| match expression {
                        Expression::Slot(from) => Ok((*slot, Projected::Slot(*from))),
                        other => Ok((*slot, Projected::Expression(self.compile(other)?))),
                    })
                    .collect::<Result<_, Status>>()?;
                Box::new(Project::new(self.build(input)?, items))
            }
            Kind::Distinct { input, keys } => Box::new(Distinct::new(self.build(input)?, self.keys(keys)?)),
            Kind::Aggregate {
                input,
                keys,
                aggregates,
            } => {
                let aggregates = aggregates
                    .iter()
                    .map(|(slot, aggregation)| self.aggregate(*slot, aggregation))
                    .collect::<Result<_, _>>()?;
                Box::new(Aggregate::new(self.build(input)?, self.keys(keys)?, aggregates))
            }
            Kind::Sort { input, keys, limit } => {
                let limit = match limit {
                    Some(limit) => Some(self.count(limit, Offset::default(), "LIMIT")?),
                    None => None,
                };
                let keys = keys.iter().map(|key| self.sort_key(key)).collect::<Result<_, _>>()?;
                Box::new(Sort::new(self.build(input)?, keys, limit, live.clone()))
            }
            Kind::Skip { input, count, offset } => {
                Box::new(Skip::new(self.build(input)?, self.count(count, *offset, "SKIP")?))
            }
            Kind::Limit {
                input,
                count,
                offset,
                exhaust,
            } => {
                let count = self.count(count, *offset, "LIMIT")?;
                Box::new(Limit::new(self.build(input)?, count, *exhaust))
            }
            Kind::Unwind { input, list, slot } => {
                let unwind = Unwind::new(self.compile(list)?, self.range_arguments(list)?, *slot);
                return self.flat_map(input, unwind, live, &[*slot]);
            }
            Kind::Union {
                inputs,
                mappings,
                slots,
                distinct,
            } => {
                let inputs = inputs
                    .iter()
                    .zip(mappings)
                    .map(|(input, mapping)| {
                        Ok(UnionInput {
                            input: self.build(input)?,
                            mapping: mapping.clone(),
                        })
                    })
                    .collect::<Result<_, Status>>()?;
                Box::new(Union::new(inputs, slots.clone(), *distinct))
            }
            Kind::Eager { input } => Box::new(Eager::new(self.build(input)?, live.clone())),
            _ => return Err(misplaced()),
        })
    }

    fn join(&self, operator: &Operator) -> Result<Stream, Status> {
        let live = &operator.live;
        match &operator.kind {
            Kind::Apply { input, inner } => {
                let own = produced(live, &written(inner));
                let apply = Apply::new(self.build(inner)?, own.clone(), None);
                self.flat_map(input, apply, live, &own)
            }
            Kind::OptionalApply { input, inner, nullable } => {
                let mut all = written(inner);
                all.extend(nullable);
                let own = produced(live, &all);
                let apply = Apply::new(self.build(inner)?, own.clone(), Some(nullable.clone()));
                self.flat_map(input, apply, live, &own)
            }
            Kind::CartesianProduct { input, inner } => {
                let own = produced(live, &written(inner));
                let product = CartesianProduct::new(self.build(inner)?, own.clone());
                self.flat_map(input, product, live, &own)
            }
            Kind::HashJoin { input, inner, keys } => {
                let kept = written(inner);
                let own = produced(live, &kept);
                let keys = keys
                    .iter()
                    .map(|(outer, inner)| Ok((self.compile(outer)?, self.compile(inner)?)))
                    .collect::<Result<_, Status>>()?;
                let join = HashJoin::new(self.build(inner)?, kept, own.clone(), keys);
                self.flat_map(input, join, live, &own)
            }
            _ => Err(misplaced()),
        }
    }

    /// An operator that answers rows of its own for each of its input; `own` are the slots it writes.
    pub(super) fn flat_map<S: RowSource + 'static>(
        &self,
        input: &Operator,
        source: S,
        live: &[Slot],
        own: &[Slot],
    ) -> Result<Stream, Status> {
        Ok(Box::new(FlatMap::new(self.build(input)?, source, carried(live, own))))
    }

    /// Prepares an expression.
    pub(super) fn compile(&self, expression: &Expression) -> Result<Compiled, Status> {
        compile(expression, &self.shared.text)
    }

    /// The prepared arguments of a call of `range()`, so that UNWIND can count instead of keeping a list.
    fn range_arguments(&self, list: &Expression) -> Result<Option<Vec<Compiled>>, Status> {
        match list {
            Expression::Function { name, arguments, .. } if name.as_ref() == "range" => arguments
                .iter()
                .map(|argument| self.compile(argument))
                .collect::<Result<_, _>>()
                .map(Some),
            _ => Ok(None),
        }
    }

    /// Prepares a row count.
    pub(super) fn count(&self, expression: &Expression, offset: Offset, what: &'static str) -> Result<Count, Status> {
        Ok(Count {
            expression: self.compile(expression)?,
            offset,
            what,
        })
    }

    fn keys(&self, keys: &[(Slot, Expression)]) -> Result<Vec<(Slot, Compiled)>, Status> {
        keys.iter()
            .map(|(slot, expression)| Ok((*slot, self.compile(expression)?)))
            .collect()
    }

    fn sort_key(&self, key: &SortKey) -> Result<PreparedKey, Status> {
        Ok(PreparedKey {
            expression: self.compile(&key.expression)?,
            descending: key.descending,
        })
    }

    fn aggregate(&self, slot: Slot, aggregation: &Aggregation) -> Result<PreparedAggregate, Status> {
        let function = AggregateFunction::from_name(&aggregation.function).ok_or_else(|| {
            Status::new(
                Code::SyntaxError,
                format!("unknown aggregating function `{}`", aggregation.function),
            )
        })?;
        Ok(PreparedAggregate {
            slot,
            function,
            arguments: aggregation
                .arguments
                .iter()
                .map(|argument| self.compile(argument))
                .collect::<Result<_, _>>()?,
            distinct: aggregation.distinct,
            offset: aggregation.offset,
        })
    }

    fn condition(&self, condition: Option<&(Slot, Expression)>) -> Result<Option<(Slot, Compiled)>, Status> {
        condition
            .map(|(slot, expression)| Ok((*slot, self.compile(expression)?)))
            .transpose()
    }

    fn identities(&self, ids: &Expression, element_ids: bool) -> Result<Identities, Status> {
        Ok(Identities {
            ids: self.compile(ids)?,
            element_ids,
        })
    }

    fn seek(&self, seek: &IndexSeek) -> Result<PreparedSeek, Status> {
        let bound = |bound: &Option<(Expression, bool)>| {
            bound
                .as_ref()
                .map(|(expression, included)| Ok::<_, Status>((self.compile(expression)?, *included)))
                .transpose()
        };
        Ok(match seek {
            IndexSeek::All => PreparedSeek::All,
            IndexSeek::Equal(parts) => {
                PreparedSeek::Equal(parts.iter().map(|part| self.compile(part)).collect::<Result<_, _>>()?)
            }
            IndexSeek::AnyOf(list) => PreparedSeek::AnyOf(self.compile(list)?),
            IndexSeek::Range { from, to } => PreparedSeek::Range {
                from: bound(from)?,
                to: bound(to)?,
            },
            IndexSeek::Prefix(text) => PreparedSeek::Prefix(self.compile(text)?),
        })
    }
}

/// The slot, if anything above reads it.
fn kept(live: &[Slot], slot: Slot) -> Option<Slot> {
    live.contains(&slot).then_some(slot)
}

fn relationship_slots(live: &[Slot], relationship: Slot, start: Slot, end: Slot) -> RelationshipSlots {
    RelationshipSlots {
        relationship: kept(live, relationship),
        start: kept(live, start),
        end: kept(live, end),
    }
}

/// A kind that came to the wrong function of the builder.
pub(super) fn misplaced() -> Status {
    Status::new(
        Code::UnknownError,
        "the plan holds an operator in a place it cannot have",
    )
}
