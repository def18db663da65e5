//! Where the operator goes.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::operator::GroupExec;

/// Puts a [`GroupExec`] above every first step of grouping that it can do in its place. The last rule: what is in a plan
/// after it, stays.
#[derive(Debug, Default)]
pub struct GroupByCode;

impl PhysicalOptimizerRule for GroupByCode {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let transformed = plan.transform_up(|node| {
            Ok(match GroupExec::instead_of(&node) {
                Some(group) => Transformed::yes(Arc::new(group) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        })?;
        Ok(transformed.data)
    }

    fn name(&self) -> &'static str {
        "group_by_code"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
