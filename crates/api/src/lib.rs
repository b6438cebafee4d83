//! How Caviada is spoken to: the wire types of HTTP v1 and the client library over them.
//!
//! One file per noun, as in every other room. Times of day are RFC 3339 texts in UTC
//! ([`timestamp::Timestamp`]), durations are whole milliseconds and say so in their names, enums
//! are snake_case. What goes in refuses fields it does not know; what comes out may grow. Names,
//! selectors and bounds are checked by the server: this crate knows only their shape.
//!
//! [`client`] speaks to a server; [`declare`] is the document that `caviada load` reads, with
//! durations as `30s` and amounts as `64Gi`.

pub mod attribute;
pub mod client;
pub mod declare;
pub mod duration;
pub mod event;
pub mod host;
pub mod image;
pub mod key;
pub mod lease;
pub mod list;
pub mod named;
pub mod pool;
pub mod problem;
pub mod quantity;
pub mod quota;
pub mod resource;
pub mod stats;
pub mod template;
pub mod timestamp;
pub mod user;
pub mod webhook;

/// Where the API lives below a server's address.
pub const BASE_PATH: &str = "/api/v1";
/// Request header: a repeat with the same key answers the first outcome. At most 128 printable
/// ASCII characters.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Header with the id by which a request is found in the server's log; sent back on every answer.
pub const REQUEST_ID: &str = "x-request-id";
/// Largest request body a server takes, in bytes.
pub const BODY_BYTES_MAX: usize = caviada_core::limits::BODY_BYTES_MAX;
