//! Where people and vehicles are by their devices: judged, in the order of their fixes, whatever the order in which they
//! came. Positions raise alarms about places; they make no contact and no arrival.

mod distress;
mod fence;
mod judge;
mod records;
mod take;
mod tracker;

pub use fence::{Crossing, Fence, FenceKind, STOP_US, Side, Standing, crossings, stands_since};
pub use judge::{COARSE_M, Doubt, Fix, Judgement, Trust, judge, judge_all};
pub use records::{CrossingFilter, FenceCrossing, Position, PositionFilter, TrackerView};
pub use tracker::TRACKER;

pub(crate) use distress::{aged, cancelled, signalled};
pub(crate) use take::{fences, take};
pub(crate) use tracker::silent;
