//! The server as its clients meet it: real ledger, real store, real sockets.

// Says to clippy that helpers may unwrap here as tests may.
#![cfg(test)]

mod access;
mod alter;
mod edge;
mod event;
mod flood;
mod fuzz;
mod host;
mod input;
mod lease;
mod line;
mod noun;
mod poolmanager;
mod ready;
mod reference;
mod site;
mod stall;
mod tls;
mod user;
mod webhook;
