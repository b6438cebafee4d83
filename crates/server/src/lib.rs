//! How Caviada is served: HTTP, and the reconciler that makes hosts match the ledger.

pub mod host;
pub mod reconciler;
