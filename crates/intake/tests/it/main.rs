//! Tests of the intake as its callers see it.

mod decode;
mod files;
mod live;
mod shared;
mod support;
mod twin;
