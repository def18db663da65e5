//! Plugins over states that follow one another: `sequence_detect`, `funnel_sequence` and `funnel_sequence_completion`.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::ScalarType;

use super::{Arguments, column, plain, text_of, ticks_of};
use crate::algebra::{Bins, Expr, ExprKind, FunnelSides, Method, Node, Plan};
use crate::bind::name::Names;
use crate::bind::project::projected;
use crate::bind::{Binder, Row, expr};
use crate::{codes, syntax};

impl Binder<'_> {
    /// `sequence_detect`: conditions are steps, in their order; what is no condition correlates them.
    pub(super) fn sequence_detect(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Plan> {
        let span = given.span;
        let time = self.column_argument(input, given)?;
        let axis = input.schema[time].scalar;
        self.check_axis(axis, given)?;
        let most_between = self.step_argument(axis, given)?;
        let most_overall = self.step_argument(axis, given)?;
        let mut row = Row::of(&input.schema);
        let (mut steps, mut dimensions) = (Vec::new(), Vec::new());
        for argument in given.rest.by_ref() {
            let bound = self.scalar(&argument.value, &mut row);
            let name = argument.name.as_ref().map(|name| name.text.clone());
            let name = name.or_else(|| crate::bind::name::automatic(&argument.value));
            match bound.scalar {
                _ if matches!(bound.kind, ExprKind::Invalid) => return None,
                ScalarType::Bool => steps.push((name, bound)),
                ScalarType::Dynamic => {
                    self.error(codes::WRONG_TYPE, bound.span, "rows cannot be correlated by a dynamic value")
                        .help("use `tostring(…)`");
                    return None;
                }
                _ => dimensions.push((name, bound)),
            }
        }
        if steps.is_empty() {
            self.error(codes::BAD_ARGUMENTS, span, "`sequence_detect` needs at least one condition")
                .help(format!("write `evaluate {}`", given.form));
            return None;
        }
        let mut names = Names::default();
        let mut schema: Vec<ColumnSchema> =
            dimensions.iter().map(|(name, bound)| column(&names.automatic(name.clone()), bound.scalar)).collect();
        for (at, (name, _)) in steps.iter().enumerate() {
            let step = name.clone().unwrap_or_else(|| format!("step{}", at + 1));
            schema.push(column(&names.free(&format!("{step}_{}", input.schema[time].name)), axis));
        }
        let length = if axis == ScalarType::DateTime { ScalarType::TimeSpan } else { axis };
        schema.push(column(&names.free("Duration"), length));
        let count = dimensions.len();
        let columns: Vec<Expr> = (dimensions.into_iter().map(|(_, bound)| bound))
            .chain([expr::at(&input.schema, time, span)])
            .chain(steps.into_iter().map(|(_, bound)| bound))
            .collect();
        let below = columns.iter().enumerate().map(|(at, bound)| column(&format!("${at}"), bound.scalar)).collect();
        let inputs = vec![projected(input.clone(), below, columns, row.window, span)];
        let method = Method::SequenceDetect { dimensions: count, most_between, most_overall };
        Some(Plan { node: Node::Derive { inputs, method }, schema, span })
    }

    /// The three tables of `funnel_sequence`.
    pub(in crate::bind) fn funnels(&mut self, input: &Plan, args: &[syntax::Argument], span: Span) -> [Plan; 3] {
        let form = "funnel_sequence(id, time, start, end, longest pause, step, state, dynamic([…]))";
        let input = self.share(input.clone());
        [FunnelSides::Both, FunnelSides::Before, FunnelSides::After].map(|sides| {
            let mut given = Arguments { plugin: "funnel_sequence", rest: args.iter(), span, form };
            self.funnel(&input, &mut given, Some(sides)).unwrap_or_else(|| input.clone())
        })
    }

    /// `sides` is told for `funnel_sequence`, and not for `funnel_sequence_completion`.
    pub(super) fn funnel(
        &mut self,
        input: &Plan,
        given: &mut Arguments<'_>,
        sides: Option<FunnelSides>,
    ) -> Option<Plan> {
        let span = given.span;
        let completion = sides.is_none();
        let id = self.column_argument(input, given)?;
        let time = self.column_argument(input, given)?;
        let axis = input.schema[time].scalar;
        self.check_axis(axis, given)?;
        let start = self.axis_argument(axis, given)?;
        let end = self.axis_argument(axis, given)?;
        let most_between = if completion { None } else { Some(self.step_argument(axis, given)?) };
        let step = self.step_argument(axis, given)?;
        let state = self.column_argument(input, given)?;
        let states = self.list_argument(given)?.iter().map(text_of).collect();
        let bins = Bins { start, end, step };
        let period = if axis == ScalarType::DateTime { ScalarType::TimeSpan } else { axis };
        let mut schema = vec![input.schema[time].clone()];
        let method = if completion {
            let listed = self.list_argument(given)?;
            let periods: Option<Vec<i64>> = listed.iter().map(ticks_of).collect();
            let Some(periods) = periods else {
                self.error(codes::BAD_ARGUMENTS, span, "the periods are a list of timespans").help(given.form);
                return None;
            };
            schema.push(column(&input.schema[state].name, ScalarType::String));
            schema.extend([column("Period", period), column("dcount", ScalarType::Long)]);
            Method::FunnelCompletion { span: bins, states, periods }
        } else {
            let (most_between, sides) = (most_between?, sides?);
            let told: &[&str] = match sides {
                FunnelSides::Both => &["prev", "next"],
                FunnelSides::Before => &["prev"],
                FunnelSides::After => &["next"],
            };
            schema.extend(told.iter().map(|name| column(name, ScalarType::String)));
            schema.extend([column("dcount", ScalarType::Long), column("samples", ScalarType::Dynamic)]);
            Method::FunnelSequence { span: bins, states, most_between, sides }
        };
        self.no_more(given)?;
        let inputs = vec![plain(input, &[id, time, state], span)];
        self.check_names(&schema, span);
        Some(Plan { node: Node::Derive { inputs, method }, schema, span })
    }
}
