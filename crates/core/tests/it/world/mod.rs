//! A small world and what its people do at random. Every choice comes from one seed, so that a
//! run can be had again exactly. Used by the tests of the core and by the ledger's simulation.

pub mod acts;
pub mod event;
pub mod fault;
pub mod history;
pub mod nouns;
pub mod offer;
pub mod rng;
pub mod rush;
pub mod user;
