#![cfg(test)]
//! Templates, and drivers against real parts.

mod template;
