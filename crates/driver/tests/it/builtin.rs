//! The built-in templates on a container engine.

mod docker;
