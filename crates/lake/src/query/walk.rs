//! Window functions that carry a state from row to row and can start anew: `row_number`, `row_cumsum`,
//! `row_rank_dense`, `row_rank_min`, `row_window_session`.
//!
//! A function in a plan is a [`KqlWalk`]: which one, argument types, result type; its name spells all three.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, TypeSignature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use kernel::{ScalarType, Value};

use super::cells::{Cells, CellsBuilder, plan_type};
use super::functions::BadValue;
use super::{convert, decimal};

/// What is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Walk {
    /// `(start, restart)`
    Number,
    /// `(value, restart)`
    Sum,
    /// `(term, restart)`
    RankDense,
    /// `(term, restart)`
    RankMin,
    /// `(time, most from the first, most from the one before, restart)`
    Session,
}

impl Walk {
    /// The window function called `name`.
    pub fn named(name: &str) -> Option<Walk> {
        [Walk::Number, Walk::Sum, Walk::RankDense, Walk::RankMin, Walk::Session]
            .into_iter()
            .find(|walk| walk.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Walk::Number => "row_number",
            Walk::Sum => "row_cumsum",
            Walk::RankDense => "row_rank_dense",
            Walk::RankMin => "row_rank_min",
            Walk::Session => "row_window_session",
        }
    }

    /// Where the argument that starts anew stands.
    fn restart(self) -> usize {
        match self {
            Walk::Session => 3,
            Walk::Number | Walk::Sum | Walk::RankDense | Walk::RankMin => 1,
        }
    }
}

/// A walk bound to types.
#[derive(Debug, Clone)]
pub struct KqlWalk {
    name: String,
    walk: Walk,
    args: Vec<ScalarType>,
    returns: ScalarType,
    signature: Signature,
}

impl PartialEq for KqlWalk {
    fn eq(&self, other: &KqlWalk) -> bool {
        self.name == other.name
    }
}
impl Eq for KqlWalk {}
impl Hash for KqlWalk {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl KqlWalk {
    /// `walk` over columns of types `args`.
    pub fn udwf(walk: Walk, args: &[ScalarType], returns: ScalarType) -> WindowUDF {
        let types: Vec<&str> = args.iter().map(|scalar| scalar.as_str()).collect();
        let name = format!("kql_{}({}):{returns}", walk.name(), types.join(","));
        let shape = if args.is_empty() { TypeSignature::Nullary } else { TypeSignature::Any(args.len()) };
        let signature = Signature::new(shape, Volatility::Immutable);
        WindowUDF::new_from_impl(KqlWalk { name, walk, args: args.to_vec(), returns, signature })
    }

    /// The function that `name` spells, as written by [`Self::udwf`].
    pub fn from_name(name: &str) -> Option<WindowUDF> {
        let (called, returns) = name.strip_prefix("kql_")?.rsplit_once("):")?;
        let (called, args) = called.split_once('(')?;
        let args = args.split(',').filter(|name| !name.is_empty()).map(super::functions::scalar_named);
        let args: Option<Vec<ScalarType>> = args.collect();
        Some(KqlWalk::udwf(Walk::named(called)?, &args?, super::functions::scalar_named(returns)?))
    }
}

impl WindowUDFImpl for KqlWalk {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Walker { walk: self.walk, args: self.args.clone(), returns: self.returns }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let data_type: DataType = plan_type(self.returns);
        Ok(Arc::new(Field::new(args.name(), data_type, true)))
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        // A row depends on those before it alone.
        LimitEffect::None
    }
}

#[derive(Debug)]
struct Walker {
    walk: Walk,
    args: Vec<ScalarType>,
    returns: ScalarType,
}

impl PartitionEvaluator for Walker {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let cells = values
            .iter()
            .zip(&self.args)
            .map(|(array, scalar)| Cells::column(Arc::clone(array), *scalar))
            .collect::<Result<Vec<_>>>()?;
        let mut builder = CellsBuilder::new(self.returns);
        let mut state = State::start();
        for row in 0..num_rows {
            let arg = |at: usize| cells.get(at).map_or(Value::Null, |cells| cells.value(row));
            if matches!(arg(self.walk.restart()), Value::Bool(true)) {
                state = State::start();
            }
            builder.push(state.step(self.walk, arg)?);
        }
        Ok(builder.finish())
    }
}

/// What the rows so far have left, since the last start.
struct State {
    /// Rows.
    rows: i64,
    rank: i64,
    /// The term or time of the row before.
    before: Option<Value>,
    /// The sum, or the start of the session.
    held: Value,
}

impl State {
    fn start() -> State {
        State { rows: 0, rank: 0, before: None, held: Value::Null }
    }

    /// The result of the next row, whose arguments `arg` gives.
    fn step(&mut self, walk: Walk, arg: impl Fn(usize) -> Value) -> Result<Value> {
        self.rows += 1;
        match walk {
            Walk::Number => {
                let start = convert::to_long(&arg(0)).unwrap_or(1);
                Ok(Value::Long(start.wrapping_add(self.rows - 1)))
            }
            Walk::Sum => {
                self.held = sum(std::mem::replace(&mut self.held, Value::Null), arg(0))?;
                Ok(self.held.clone())
            }
            Walk::RankDense | Walk::RankMin => {
                let term = Some(arg(0));
                if term != self.before {
                    self.rank = if walk == Walk::RankMin { self.rows } else { self.rank + 1 };
                    self.before = term;
                }
                Ok(Value::Long(self.rank))
            }
            Walk::Session => Ok(self.session(&arg(0), &arg(1), &arg(2))),
        }
    }

    fn session(&mut self, time: &Value, from_first: &Value, from_before: &Value) -> Value {
        let Some(now) = convert::to_long(time) else {
            // The next row begins a session.
            *self = State::start();
            return Value::Null;
        };
        let reached = |since: &Value, span: &Value| match (convert::to_long(since), convert::to_long(span)) {
            (Some(since), Some(span)) => now >= since.saturating_add(span),
            _ => false,
        };
        let begins = match &self.before {
            None => true,
            Some(before) => reached(&self.held, from_first) || reached(before, from_before),
        };
        if begins {
            self.held = time.clone();
        }
        self.before = Some(time.clone());
        self.held.clone()
    }
}

/// A null adds nothing.
fn sum(held: Value, next: Value) -> Result<Value> {
    Ok(match (held, next) {
        (held, Value::Null) => held,
        (Value::Null, next) => next,
        (Value::Int(left), Value::Int(right)) => Value::Int(left.wrapping_add(right)),
        (Value::Long(left), Value::Long(right)) => Value::Long(left.wrapping_add(right)),
        (Value::TimeSpan(left), Value::TimeSpan(right)) => Value::TimeSpan(left.wrapping_add(right)),
        (Value::Real(left), Value::Real(right)) => Value::Real(left + right),
        (Value::Decimal(left), Value::Decimal(right)) => {
            let total = decimal::parse(&left).zip(decimal::parse(&right)).and_then(|(l, r)| l.checked_add(r));
            match total {
                Some(total) => Value::Decimal(decimal::text(total)),
                None => {
                    let problem = BadValue("row_cumsum: the sum of decimals is too large".to_owned());
                    return Err(datafusion::error::DataFusionError::External(Box::new(problem)));
                }
            }
        }
        (held, _) => held,
    })
}
