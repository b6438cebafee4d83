//! The program as its users run it.

// So that clippy lets helper functions unwrap as it lets tests.
#![cfg(test)]

mod cli;
mod health;
mod kill;
mod progress;
mod run;
mod server;
mod stand_in;
mod webhook;
