//! The program as its users run it.

// So that clippy lets helper functions unwrap as it lets tests.
#![cfg(test)]

mod backup;
mod bench;
mod cli;
mod config;
mod demo;
mod docker;
mod doctor;
mod files;
mod health;
mod hold;
mod host;
mod import;
mod kill;
mod lease;
mod limit;
mod load;
mod log;
mod noun;
mod page;
mod poolmanager;
mod power;
mod progress;
mod run;
mod serve;
mod site;
mod stand_in;
mod terminal;
mod tls;
mod webhook;
