//! Caviada.
fn main() {}
