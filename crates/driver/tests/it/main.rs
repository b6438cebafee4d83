#![cfg(test)]
//! Drivers against real parts.

mod contract;
mod docker;
