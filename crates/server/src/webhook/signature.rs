//! What proves to a target that a call is ours and when it was made.

use std::fmt::Write as _;

use ring::hmac;

/// When the call was signed, in seconds since 1970.
pub const TIMESTAMP: &str = "caviada-timestamp";
/// `v1=` and HMAC-SHA256, in hexadecimal, of the timestamp's text, a dot and the body.
pub const SIGNATURE: &str = "caviada-signature";

/// The signature's header.
pub fn signature(secret: &[u8], timestamp_s: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut signed = hmac::Context::with_key(&key);
    signed.update(timestamp_s.to_string().as_bytes());
    signed.update(b".");
    signed.update(body);
    let tag = signed.sign();
    tag.as_ref().iter().fold("v1=".to_owned(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}
