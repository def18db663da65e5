//! The Access desk from outside, on both engines.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod reading;
mod rig;

testkit::on_both_databases! { suite:
    reading::every_statement_prepares,
}
