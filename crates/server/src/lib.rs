//! How Caviada is served.

pub mod http;
