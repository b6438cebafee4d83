#![cfg(test)]
//! Templates, and drivers against real parts.

mod contract;
mod docker;
mod process;
mod template;
