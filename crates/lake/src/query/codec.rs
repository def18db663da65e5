//! Plans as bytes and back, so that another process can run a part of a query.
//!
//! Every function of ours is called by a name that spells what it is bound to, so its name is all that has to travel. Of our
//! one operator, [`GroupExec`], that it is there: the node below describes what it does.

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::bytes::{
    physical_plan_from_bytes_with_extension_codec, physical_plan_to_bytes_with_extension_codec,
};
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::aggregate::KqlAggregate;
use super::expansion::Expansion;
use super::functions::KqlScalar;
use super::grouped::GroupExec;
use super::walk::KqlWalk;

/// Writes and reads the functions of the engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct KqlCodec;

impl KqlCodec {
    /// The bytes of `plan`.
    ///
    /// # Errors
    /// When a node or an expression cannot be written.
    pub fn encode(plan: Arc<dyn ExecutionPlan>) -> Result<Vec<u8>> {
        Ok(physical_plan_to_bytes_with_extension_codec(plan, &KqlCodec)?.to_vec())
    }

    /// The plan that `bytes` hold.
    ///
    /// # Errors
    /// When they hold none, or one that names a function that the engine does not have.
    pub fn decode(bytes: &[u8], context: &TaskContext) -> Result<Arc<dyn ExecutionPlan>> {
        physical_plan_from_bytes_with_extension_codec(bytes, context, &KqlCodec)
    }
}

fn unknown<T>(name: &str) -> Result<T> {
    Err(DataFusionError::Plan(format!("the plan calls `{name}`, which this version of the engine does not have")))
}

impl PhysicalExtensionCodec for KqlCodec {
    fn try_decode(
        &self,
        _: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match inputs.first().and_then(GroupExec::instead_of) {
            Some(group) => Ok(Arc::new(group)),
            None => unknown("a node that groups by numbers, without a description of it"),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        _: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if node.is::<GroupExec>() {
            return Ok(());
        }
        datafusion::common::internal_err!("{} cannot be written down", node.name())
    }

    fn try_decode_udf(&self, name: &str, _: &[u8]) -> Result<Arc<ScalarUDF>> {
        KqlScalar::from_name(name).or_else(|| Expansion::from_name(name)).map_or_else(|| unknown(name), Ok)
    }

    fn try_decode_udaf(&self, name: &str, _: &[u8]) -> Result<Arc<AggregateUDF>> {
        KqlAggregate::from_name(name).map_or_else(|| unknown(name), Ok)
    }

    fn try_decode_udwf(&self, name: &str, _: &[u8]) -> Result<Arc<WindowUDF>> {
        KqlWalk::from_name(name).map_or_else(|| unknown(name), |walk| Ok(Arc::new(walk)))
    }
}

#[cfg(test)]
mod tests {
    use kernel::ScalarType;

    use super::*;
    use crate::query::aggregate::Kind;
    use crate::query::aggregate::folds::NAMES;
    use crate::query::aggregate::pick::Extreme;
    use crate::query::functions;
    use crate::query::walk::Walk;

    const TYPES: [ScalarType; 3] = [ScalarType::Dynamic, ScalarType::DateTime, ScalarType::String];

    #[test]
    fn every_function_is_read_back_by_its_name() {
        let mut names: Vec<&str> = functions::names().collect();
        names.sort_unstable();
        assert!(names.len() > 300);
        for name in names {
            for arguments in 0..=TYPES.len() {
                let entry = functions::entry(name).unwrap();
                let function = KqlScalar::udf(entry, &TYPES[..arguments], ScalarType::Decimal);
                let read = KqlCodec.try_decode_udf(function.name(), &[]).unwrap();
                assert_eq!(*read, *function, "{name}");
            }
        }
    }

    #[test]
    fn every_aggregate_is_read_back_by_its_name() {
        let folds = NAMES.into_iter().map(|(fold, _)| Kind::Fold(fold));
        let picks = [Extreme::Max, Extreme::Min, Extreme::Any].map(Kind::Pick);
        for kind in folds.chain(picks) {
            let function = KqlAggregate::udaf(kind, &TYPES, &[0.5, -1.0, 1e300], ScalarType::Real);
            assert_eq!(*KqlCodec.try_decode_udaf(function.name(), &[]).unwrap(), *function);
        }
    }

    #[test]
    fn walks_and_expansions_are_read_back_by_their_names() {
        for walk in [Walk::Number, Walk::Sum, Walk::RankDense, Walk::RankMin, Walk::Session] {
            let function = KqlWalk::udwf(walk, &TYPES, ScalarType::Long);
            assert_eq!(*KqlCodec.try_decode_udwf(function.name(), &[]).unwrap(), function);
        }
        for (limit, bag_as_array) in [(None, true), (Some(7), false)] {
            let function = Expansion::udf(&TYPES, limit, bag_as_array);
            assert_eq!(*KqlCodec.try_decode_udf(function.name(), &[]).unwrap(), *function);
        }
    }

    #[test]
    fn what_the_engine_does_not_have_is_named() {
        let error = KqlCodec.try_decode_udf("kql_absent(string):long", &[]).unwrap_err();
        assert!(error.to_string().contains("`kql_absent(string):long`"), "{error}");
    }
}
