//! Random bits of the operating system.

use kernel::id::Randomness;

/// What production uses for ids and salts.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system always has random bits once it has booted");
    }
}
