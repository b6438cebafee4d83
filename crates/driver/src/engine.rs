//! What every driver of a Docker engine shares: the way to it, calls with deadlines, what its answers
//! mean, names and labels, and a look into one container.

pub(crate) mod address;
pub(crate) mod call;
pub(crate) mod container;
pub(crate) mod credential;
pub(crate) mod fault;
pub(crate) mod image;
pub(crate) mod label;
pub(crate) mod plan;
pub(crate) mod spec;
mod ssh;
pub(crate) mod steps;
pub(crate) mod subnet;
mod transport;
