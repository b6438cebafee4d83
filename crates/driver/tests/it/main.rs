#![cfg(test)]
//! Templates, and drivers against real parts.

mod builtin;
mod contract;
mod docker;
mod process;
mod template;
