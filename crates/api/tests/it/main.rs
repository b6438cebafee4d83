//! The client against the ways in which a network and a server go wrong.

#![expect(clippy::unwrap_used, reason = "a panic is how a test says no")]

mod client;
mod stand_in;
mod stream;
