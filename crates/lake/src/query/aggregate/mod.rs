//! KQL's aggregate functions.
//!
//! `count`, `sum`, `min`, `max` and `avg` of plain columns are DataFusion's. The others are a [`KqlAggregate`]: either
//! one that picks whole rows ([`pick`]: `arg_max`, `arg_min`, `take_any`) or one that folds values ([`fold`]).
//! Constant arguments (a limit, percents) are part of the function's name, so it can be written down and read back.

pub mod distinct;
mod distinct_groups;
mod elements;
pub mod fold;
pub mod folds;
pub mod pick;
mod shape;
mod single;
pub mod sketch;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};
use kernel::ScalarType;

use super::cells::plan_type;
use distinct_groups::DistinctGroups;
use fold::FoldGroups;
use folds::Fold;
use pick::{Extreme, PickGroups};
use single::Single;

/// Which aggregate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole row.
    Pick(Extreme),
    /// A value of values.
    Fold(Fold),
}

/// An aggregate bound to types.
#[derive(Debug, Clone)]
pub struct KqlAggregate {
    name: String,
    kind: Kind,
    args: Vec<ScalarType>,
    /// Limit of a collection, percents, accuracy.
    parameters: Vec<f64>,
    returns: ScalarType,
    signature: Signature,
}

impl PartialEq for KqlAggregate {
    fn eq(&self, other: &KqlAggregate) -> bool {
        self.name == other.name
    }
}
impl Eq for KqlAggregate {}
impl Hash for KqlAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl KqlAggregate {
    /// `kind` over columns of types `args`. A pick returns a struct of its arguments, a fold one value of `returns`.
    pub fn udaf(kind: Kind, args: &[ScalarType], parameters: &[f64], returns: ScalarType) -> Arc<AggregateUDF> {
        let types: Vec<&str> = args.iter().map(|scalar| scalar.as_str()).collect();
        let numbers: Vec<String> = parameters.iter().map(f64::to_string).collect();
        let called = match kind {
            Kind::Pick(extreme) => extreme.name(),
            Kind::Fold(fold) => fold.name(),
        };
        let name = format!("kql_{called}({})[{}]:{returns}", types.join(","), numbers.join(","));
        let signature = Signature::any(args.len(), Volatility::Immutable);
        Arc::new(AggregateUDF::new_from_impl(KqlAggregate {
            name,
            kind,
            args: args.to_vec(),
            parameters: parameters.to_vec(),
            returns,
            signature,
        }))
    }

    /// The aggregate that `name` spells, as written by [`Self::udaf`].
    pub fn from_name(name: &str) -> Option<Arc<AggregateUDF>> {
        let (rest, returns) = name.strip_prefix("kql_")?.rsplit_once("]:")?;
        let (called, rest) = rest.split_once('(')?;
        let (args, parameters) = rest.split_once(")[")?;
        let args: Option<Vec<ScalarType>> =
            args.split(',').filter(|text| !text.is_empty()).map(super::functions::scalar_named).collect();
        let parameters: Result<Vec<f64>, _> =
            parameters.split(',').filter(|text| !text.is_empty()).map(str::parse).collect();
        let kind = Extreme::named(called).map(Kind::Pick).or_else(|| Fold::named(called).map(Kind::Fold))?;
        Some(KqlAggregate::udaf(kind, &args?, &parameters.ok()?, super::functions::scalar_named(returns)?))
    }

    fn groups(&self) -> Box<dyn GroupsAccumulator> {
        match self.kind {
            Kind::Pick(extreme) => Box::new(PickGroups::new(extreme, &self.args)),
            Kind::Fold(Fold::DistinctCount) => Box::new(DistinctGroups::new(self.distinct_scalar())),
            Kind::Fold(fold) => Box::new(self.folds(fold)),
        }
    }

    fn distinct_scalar(&self) -> ScalarType {
        self.args.first().copied().unwrap_or(ScalarType::String)
    }

    fn folds(&self, fold: Fold) -> FoldGroups {
        FoldGroups::new(fold, &self.args, &self.parameters, self.returns)
    }

    /// Fields of the struct that a pick returns: `f0`, `f1`, …
    fn picked_fields(&self) -> Fields {
        picked_fields(&self.args)
    }
}

fn picked_fields(args: &[ScalarType]) -> Fields {
    args.iter().enumerate().map(|(at, scalar)| Field::new(format!("f{at}"), plan_type(*scalar), true)).collect()
}

impl AggregateUDFImpl for KqlAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Pick(_) => DataType::Struct(self.picked_fields()),
            Kind::Fold(_) => plan_type(self.returns),
        })
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match self.kind {
            Kind::Pick(extreme) => Box::new(Single::new(PickGroups::new(extreme, &self.args))),
            Kind::Fold(Fold::DistinctCount) => Box::new(Single::new(DistinctGroups::new(self.distinct_scalar()))),
            Kind::Fold(fold) => Box::new(Single::new(self.folds(fold))),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |at: usize, data_type| Arc::new(Field::new(format!("{}[{at}]", args.name), data_type, true));
        Ok(match self.kind {
            Kind::Pick(_) => {
                let columns = self.args.iter().map(|scalar| plan_type(*scalar));
                std::iter::once(DataType::Boolean).chain(columns).enumerate().map(|(at, t)| field(at, t)).collect()
            }
            Kind::Fold(_) => vec![field(0, DataType::Binary)],
        })
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(self.groups())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        match self.kind {
            Kind::Fold(Fold::List | Fold::ListWithNulls | Fold::Set) => AggregateOrderSensitivity::HardRequirement,
            _ => AggregateOrderSensitivity::Insensitive,
        }
    }
}
