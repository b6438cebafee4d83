//! What a pool, a lease and a host *are*, and every choice Caviada makes: pure, without clock,
//! randomness, I/O or async.
//!
//! [`step::step`] decides a command, applies the events and settles what follows. [`state::State`]
//! changes only by [`evolve::evolve`].

pub mod access;
pub mod alter;
pub mod attribute;
pub mod check;
mod choose;
pub mod command;
mod decide;
pub mod event;
pub mod evolve;
pub mod fault;
mod grant;
pub mod host;
pub mod id;
pub mod image;
pub mod index;
pub mod key;
pub mod lease;
pub mod limits;
pub mod name;
pub mod outcome;
pub mod plan;
pub mod pool;
pub mod power;
pub mod quota;
pub mod reconcile;
pub mod refusal;
pub mod resource;
pub mod selector;
pub mod settle;
pub mod space;
pub mod state;
pub mod step;
pub mod table;
pub mod template;
pub mod time;
pub mod user;
pub mod webhook;

#[cfg(test)]
mod tests;
