//! The ledger's promises, on real stores and on one that fails on demand.
#![cfg(test)]

mod sim;
mod store;
mod turn;
