//! The client against the ways in which a network and a server go wrong.

// So that clippy lets helper functions unwrap as it lets tests.
#![cfg(test)]

mod client;
mod stand_in;
mod stream;
