//! The ledger's promises, on real stores and on one that fails on demand.
#![cfg(test)]

mod backup;
mod handle;
mod history;
mod migration;
#[cfg(debug_assertions)] // It is an assertion that panics.
mod panic;
mod postgres;
mod projection;
mod random;
mod rollback;
mod sim;
mod simulation;
mod store;
mod turn;
