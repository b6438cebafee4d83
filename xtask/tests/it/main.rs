//! The code is tested for tidiness: each rule is one that a review would otherwise repeat.

// Says to clippy that helpers may unwrap here as tests may.
#![cfg(test)]

mod architecture;
mod length;
mod link;
mod machine;
mod manifest;
mod name;
mod repository;
mod tree;
mod wall;
