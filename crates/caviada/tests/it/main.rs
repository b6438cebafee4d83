//! The program as its users run it.

// So that clippy lets helper functions unwrap as it lets tests.
#![cfg(test)]

mod cli;
mod docker;
mod kill;
mod run;
mod stand_in;
