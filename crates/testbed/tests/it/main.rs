//! The parts keep what they promise to the tests that stand on them.

// Says to clippy that helpers may unwrap here as tests may.
#![cfg(test)]

mod absence;
mod docker;
mod postgres;
mod program;
mod victim;
