//! The program as its users run it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test says no")]

mod cli;
mod run;
mod stand_in;
