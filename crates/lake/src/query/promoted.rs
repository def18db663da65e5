//! Promoted paths in a scan: columns of the scan that a file has, or for which the path is followed in its texts.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use kernel::ScalarType;

use super::dynamic::{Dynamic, Kind, Step};
use super::functions::{self, KqlScalar, steps_of};
use crate::paths::DynamicPath;

/// The column of a scan that holds what lies at `path`.
pub(super) fn field(path: &DynamicPath) -> Field {
    Field::new(path.name(), DataType::Utf8View, true)
}

/// What lies at `path` in each of `texts`.
pub(super) fn followed(texts: &ArrayRef, path: &DynamicPath) -> ArrayRef {
    let steps: Vec<Step> = steps_of(&path.path);
    let mut builder = StringViewBuilder::with_capacity(texts.len());
    let texts = texts.as_string_view();
    for row in 0..texts.len() {
        let found = texts.is_valid(row).then(|| Dynamic::new(texts.value(row)).path(&steps)).flatten();
        builder.append_option(found.filter(|value| value.kind() != Kind::Null).map(Dynamic::stored));
    }
    Arc::new(builder.finish())
}

/// Follows the paths `paths` in the files that have no column for them.
#[derive(Debug)]
pub(super) struct FollowingFactory {
    pub paths: Arc<[DynamicPath]>,
}

impl PhysicalExprAdapterFactory for FollowingFactory {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let usual = DefaultPhysicalExprAdapterFactory.create(Arc::clone(&logical), Arc::clone(&physical))?;
        Ok(Arc::new(Following { paths: Arc::clone(&self.paths), logical, physical, usual }))
    }
}

#[derive(Debug)]
struct Following {
    paths: Arc<[DynamicPath]>,
    logical: SchemaRef,
    physical: SchemaRef,
    usual: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for Following {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let expr = expr.transform_up(|node| {
            let Some(column) = node.downcast_ref::<Column>() else { return Ok(Transformed::no(node)) };
            let missing = self
                .paths
                .iter()
                .find(|path| path.name() == column.name() && self.physical.index_of(column.name()).is_err());
            Ok(match missing {
                Some(path) => Transformed::yes(self.follow(path)?),
                None => Transformed::no(node),
            })
        })?;
        self.usual.rewrite(expr.data)
    }
}

impl Following {
    /// `path` as a function of the column that it leads into.
    fn follow(&self, path: &DynamicPath) -> Result<Arc<dyn PhysicalExpr>> {
        let base = Column::new(&path.column, self.logical.index_of(&path.column)?);
        let steps = Literal::new(ScalarValue::Utf8View(Some(path.path.clone())));
        let Some(entry) = functions::entry("op_path") else {
            return datafusion::common::internal_err!("paths are followed by a function of the registry");
        };
        let function = KqlScalar::udf(entry, &[ScalarType::Dynamic, ScalarType::String], ScalarType::Dynamic);
        Ok(Arc::new(ScalarFunctionExpr::new(
            function.name(),
            Arc::clone(&function),
            vec![Arc::new(base), Arc::new(steps)],
            Arc::new(field(path)),
            Arc::new(ConfigOptions::default()),
        )))
    }
}
