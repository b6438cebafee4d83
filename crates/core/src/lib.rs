//! What a pool, a lease and a host *are*, and every choice Caviada makes: pure, without clock,
//! randomness, I/O or async.

pub mod attribute;
pub mod id;
pub mod limits;
pub mod name;
pub mod selector;
pub mod space;
pub mod time;
