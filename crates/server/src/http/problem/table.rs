//! The table of problems, and the page that explains each.

/// One code: what it means and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable, part of the API.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The code in words.
    pub title: &'static str,
    /// When a repeat of the same request may fare better, in milliseconds; none if it will not.
    pub retry_after_ms: Option<u64>,
    /// What the caller does about it.
    pub advice: &'static str,
}

macro_rules! problems {
    ($($status:literal $code:literal after $retry_after_ms:literal: $title:literal, $advice:literal;)+) => {
        /// Every problem there is, by status.
        pub const KINDS: &[Kind] = &[$(Kind {
            code: $code,
            status: $status,
            title: $title,
            retry_after_ms: match $retry_after_ms {
                0 => None,
                ms => Some(ms),
            },
            advice: $advice,
        }),+];
    };
}

problems! {
    400 "malformed" after 0: "The request cannot be read",
        "Correct the field that `errors` names: it is unknown, or of another type.";
    401 "unauthenticated" after 0: "No valid key",
        "Send `Authorization: Bearer KEY` with a key that exists and has not expired.";
    403 "forbidden" after 0: "The key may not do this",
        "Use a key with the role that `detail` names.";
    403 "not-owner" after 0: "The key may not act for this owner",
        "Acquire for the key's own owner, or use a key that names the pool in `act_for`.";
    404 "unknown" after 0: "There is no such thing",
        "Check the name or id. What the key may not see does not exist for it.";
    404 "no-such-path" after 0: "There is no such path",
        "See `/openapi.json` for the paths there are.";
    405 "method-not-allowed" after 0: "The path does not take this method",
        "See `/openapi.json` for the methods of the path.";
    409 "pool-exhausted" after 1_000: "Nothing free meets this now",
        "Ask again with `wait_ms`, or later.";
    409 "impossible" after 0: "Nothing could ever meet this",
        "Ask for less, or declare or build what is missing; `detail` says what that is.";
    409 "lease-ended" after 0: "The lease has ended",
        "Stop using its resources and acquire anew.";
    409 "stale-fence" after 0: "The fence is not the lease's",
        "Somebody else was granted it since, or a member was swapped: read the lease again.";
    409 "bad-transition" after 0: "Its state does not allow this",
        "Do what `detail` advises first.";
    409 "conflict" after 0: "Something stands against it",
        "Resolve what `detail` names first.";
    409 "retiring" after 0: "It is being removed",
        "Wait until it is gone, or use another name.";
    410 "events-gone" after 0: "These events are no longer kept",
        "Read the lists anew and stream from their revision.";
    412 "changed" after 0: "It changed since it was read",
        "Read it again, decide anew, and send its new ETag.";
    413 "too-large" after 0: "The body is too large",
        "Split it; `limit_bytes` is the most one request may bring.";
    415 "unsupported-media-type" after 0: "The body is not JSON",
        "Send `Content-Type: application/json`.";
    422 "invalid" after 0: "A field is out of its bounds",
        "Correct the fields that `errors` names.";
    422 "target-not-allowed" after 0: "A webhook may not go there",
        "Ask the operator of this server to list the target in `webhook.targets`.";
    422 "scan-too-long" after 0: "The selector looks at too many",
        "Narrow the selector, or have the pool index the attribute that `detail` names.";
    422 "key-reused" after 0: "The idempotency key stands for another request",
        "Use a fresh key for each new request, and the same one only for repeats.";
    429 "quota-exceeded" after 5_000: "The owner's quota is used up",
        "Release something, or ask for a larger quota.";
    429 "limit-reached" after 5_000: "A limit of this installation is reached",
        "Come again later; `what` and `max` say which limit it is.";
    429 "too-many-requests" after 1_000: "Too many requests",
        "Slow down to the rate this key may have.";
    500 "internal" after 0: "This is a bug in Caviada",
        "Report it with the request id; nothing was changed.";
    503 "busy" after 500: "Too much is waiting",
        "Send it again after the pause, under the same `Idempotency-Key`.";
    503 "host-unavailable" after 2_000: "The host does not answer now",
        "Send it again after the pause; `caviada host ls` tells an operator why.";
    503 "unavailable" after 1_000: "The store does not answer now",
        "Send it again after the pause, under the same `Idempotency-Key`.";
}

/// A code without a row is a bug, and reads as one.
const BUG: Kind = Kind {
    code: "internal",
    status: 500,
    title: "This is a bug in Caviada",
    retry_after_ms: None,
    advice: "Report it with the request id.",
};

/// The row of a code.
pub fn kind_of(code: &str) -> &'static Kind {
    KINDS.iter().find(|k| k.code == code).unwrap_or(&BUG)
}

/// A refusal's code as this API says it: for a client it is the same whether its key was unknown
/// at the entrance or in the turn.
pub fn wire_code(refusal: &'static str) -> &'static str {
    match refusal {
        "unknown-key" => "unauthenticated",
        code => code,
    }
}

/// The page of a code.
pub fn page(kind: &Kind) -> String {
    let retry = kind.retry_after_ms.map_or_else(
        || "The same request will not fare better by itself.".to_owned(),
        |ms| format!("The same request may fare better after {ms} ms, or what `Retry-After` says."),
    );
    format!(
        "{}\n{}\n\nHTTP status {}. Code `{}`.\n\n{}\n\n{retry}\n",
        kind.title,
        "=".repeat(kind.title.chars().count()),
        kind.status,
        kind.code,
        kind.advice,
    )
}
