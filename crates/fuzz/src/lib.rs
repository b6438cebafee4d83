//! What may be asked of every parser of the product: any text gets an answer, soon and in little
//! memory; what is read and printed reads as itself; a refusal says what is wrong, and where.
//!
//! A [`Target`] is one parser with the check of these promises, a few good texts and the words of
//! its language. Two engines drive the targets: the tests of this crate, for a few seconds with
//! [`Mutator`], and `cargo xtask fuzz TARGET`, guided by coverage, for as long as one likes.

mod chance;
mod mutator;
mod target;

pub use chance::Chance;
pub use mutator::Mutator;
pub use target::{TARGETS, Target, named};

/// What stands between the files of one input, on a line of its own.
pub const BETWEEN: &str = "\n=====\n";
