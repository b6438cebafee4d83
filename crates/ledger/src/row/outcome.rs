//! Outcomes of idempotency keys as rows.

use caviada_core::id::{KeyId, LeaseId};
use caviada_core::outcome::{Outcome, OutcomeKey};
use caviada_core::time::Time;

use crate::field::{Field, Reader, json};
use crate::store::StoreError;

pub(super) fn row(o: &Outcome) -> [Field; 6] {
    [
        o.at.by.0.into(),
        o.at.key.as_ref().into(),
        hex(&o.digest).into(),
        json(&o.subject).into(),
        o.lease.map(|l| l.0).into(),
        o.until.map(|t| t.0).into(),
    ]
}

pub(crate) fn read_outcome(mut row: Reader<'_>) -> Result<Outcome, StoreError> {
    let at = OutcomeKey {
        by: KeyId(row.u64()?),
        key: row.text()?.into(),
    };
    let digest = row.text()?;
    Ok(Outcome {
        at,
        digest: unhex(digest).ok_or_else(|| row.broken("no digest"))?,
        subject: row.json()?,
        lease: row.maybe_u64()?.map(LeaseId),
        until: row.maybe_u64()?.map(Time),
    })
}

fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for b in bytes {
        let _ = write!(text, "{b:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, b) in bytes.iter_mut().enumerate() {
        *b = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{hex, unhex};

    #[test]
    fn a_digest_reads_back_and_anything_else_does_not() {
        let digest = std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap());
        assert_eq!(unhex(&hex(&digest)), Some(digest));
        assert_eq!(unhex("é"), None);
        assert_eq!(unhex(&"x".repeat(64)), None);
    }
}
