//! Tests of the whole core: random acts against the invariants, and the tables of `states.md`.
#![cfg(test)]

mod model;
mod world;
