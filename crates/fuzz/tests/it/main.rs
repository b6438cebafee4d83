//! Every target for a few seconds, from a seed of chance that is told and can be given.

// Says to clippy that helpers may unwrap here as tests may.
#![cfg(test)]

mod fuzz;
