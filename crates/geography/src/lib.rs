//! Geography: places, lines and areas on the sphere, and the grids of cells that people number it with.
//!
//! **Owns** GeoJSON and well-known text as shapes, the exact questions about them (inside, crossing, nearest), union,
//! intersection, buffers, simplification, and the S2 and H3 cells that cover them.
//!
//! **Never does** I/O, projections onto a plane, columns: a shape comes in, a value goes out.
//!
//! **Invariants**
//! - Edges are arcs of great circles everywhere, as in S2; angles are radians, areas steradians, coordinates degrees
//!   with the longitude first. [`EARTH_RADIUS_M`] makes metres of them.
//! - A shape that breaks the rules is `None`, never a wrong answer; what rounding makes undecidable is an [`Error`].
//! - On which side of an edge a place lies is decided exactly, and alike in every question.

mod arrangement;
pub mod buffer;
mod chain;
pub mod cover;
pub mod densify;
pub mod flat;
pub mod geojson;
mod hashed;
pub mod hexagon;
pub mod line;
pub mod overlay;
mod predicate;
pub mod region;
mod ring;
pub mod simplify;
pub mod square;
mod tree;
pub mod vector;
mod window;
pub mod wkt;

pub use hashed::hashed;
pub use line::Line;
pub use region::Region;
pub use vector::Vector;

/// The sphere that lengths and areas are measured on (S2's Earth).
pub const EARTH_RADIUS_M: f64 = 6_371_010.0;

/// Why a sound question about sound shapes has no answer. The shapes are at fault, not the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The area cannot be written: of a ring, the smaller side is meant.
    #[error(
        "the area is larger than half of the globe, which GeoJSON polygons cannot say; use a smaller radius or fewer \
         polygons"
    )]
    MoreThanHalf,
    /// The circles around all corners would have a million corners and more.
    #[error("the buffer would have too many corners; use a larger tolerance, or simplify the shape first")]
    TooFine,
    /// Outlines run so close to each other that rounding decides how they lie.
    #[error(
        "the outlines of the shapes run within rounding errors of each other; simplify them first, for example with \
         geo_polygon_simplify()"
    )]
    Tangled,
}
