//! Tests of the whole core: what people may count on, scene by scene; random acts against the
//! invariants; and the tables of `states.md`.
#![cfg(test)]

mod alter;
mod bound;
mod health;
mod host;
mod image;
mod key;
mod lease;
mod model;
mod policy;
mod pool;
mod power;
mod queue;
mod quota;
mod retention;
mod scene;
mod slice;
mod user;
mod world;
