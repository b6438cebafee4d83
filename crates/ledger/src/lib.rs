//! Caviada.
