//! How large a tree is, so that inlining can be limited.

use super::{Expr, Plan};

/// Extent of a plan or expression, subplans included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Operators and expressions.
    pub nodes: usize,
    /// Longest way from the root to a leaf.
    pub depth: usize,
}

impl Size {
    fn above(children: impl IntoIterator<Item = Size>) -> Size {
        let inner = children.into_iter().fold(Size::default(), |sum, child| Size {
            nodes: sum.nodes.saturating_add(child.nodes),
            depth: sum.depth.max(child.depth),
        });
        Size { nodes: inner.nodes.saturating_add(1), depth: inner.depth + 1 }
    }
}

impl Plan {
    /// Operators and expressions of the whole plan.
    pub fn size(&self) -> Size {
        let inputs = self.inputs().into_iter().map(Plan::size);
        Size::above(inputs.chain(self.expressions().into_iter().map(Expr::size)))
    }
}

impl Expr {
    /// Expressions and operators of the whole tree.
    pub fn size(&self) -> Size {
        let operands = self.operands().into_iter().map(Expr::size);
        Size::above(operands.chain(self.subplan().map(Plan::size)))
    }
}
