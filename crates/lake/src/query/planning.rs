//! How DataFusion plans for us.
//!
//! Our plans come typed, folded and pruned, with every subquery computed before: most of the optimizer's rules would
//! look for what cannot be there, and each costs a look at every expression, three times over. Over the 1,500 columns
//! of a `union *` that was most of a query's time. These rules are what is left to do, and once is enough. The analyzer
//! has nothing to do at all: there is no type to coerce.

use std::sync::Arc;

use datafusion::execution::context::SessionConfig;
use datafusion::optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion::optimizer::eliminate_duplicated_expr::EliminateDuplicatedExpr;
use datafusion::optimizer::eliminate_filter::EliminateFilter;
use datafusion::optimizer::eliminate_limit::EliminateLimit;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::optimizer::OptimizerRule;
use datafusion::optimizer::propagate_empty_relation::PropagateEmptyRelation;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;

/// Rows in one batch inside a plan.
const BATCH_ROWS: usize = 8_192;

/// The settings of one query that runs on `partitions` threads.
pub fn settings(partitions: usize) -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(BATCH_ROWS);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.optimizer.max_passes = 1;
    // Files are shared out by their rows of interest, which are not known here.
    options.optimizer.repartition_file_min_size = usize::MAX;
    // Stored columns carry metadata that our own schemas leave out; the types are the same.
    options.execution.skip_physical_aggregate_schema_check = true;
    config
}

/// The rules, in their order.
pub fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![
        Arc::new(ReplaceDistinctWithAggregate::new()),
        Arc::new(EliminateDuplicatedExpr::new()),
        Arc::new(EliminateFilter::new()),
        Arc::new(EliminateLimit::new()),
        Arc::new(PropagateEmptyRelation::new()),
        // A filter does not pass a limit: limits go down first.
        Arc::new(PushDownLimit::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ]
}
