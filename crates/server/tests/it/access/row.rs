//! The rows of HTTP v1: every endpoint, and what it asks of its caller.

use std::time::{SystemTime, UNIX_EPOCH};

use caviada_api::timestamp::Timestamp;
use caviada_core::access::Verb;
use caviada_driver::template::builtin;
use reqwest::Method;
use serde_json::{Value, json};

/// What an endpoint asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Needs {
    /// Nothing, not even a key.
    Nothing,
    /// Any key: it shows only what is the caller's.
    Key,
    /// A right, in nobody's matter.
    Right(Verb),
    /// A right with a lease.
    OfLease(Verb),
    /// To manage what nobody has, and to operate what somebody has.
    OfMember,
    /// A right, unless it is the caller's own.
    OrOwn(Verb),
    /// A right with a user.
    OfUser(Verb),
    /// A right with every user.
    OfUsers(Verb),
}

/// One endpoint and what stands in its path.
pub struct Row {
    pub method: Method,
    pub path: &'static str,
    pub needs: Needs,
    pub body: fn() -> Value,
    /// What who may call is answered: any of these and nothing else.
    pub answers: &'static [u16],
}

fn row(method: Method, path: &'static str, needs: Needs) -> Row {
    Row {
        method,
        path,
        needs,
        body: || Value::Null,
        answers: &[200],
    }
}

impl Row {
    fn with(self, body: fn() -> Value) -> Self {
        Self { body, ..self }
    }

    fn answers(self, answers: &'static [u16]) -> Self {
        Self { answers, ..self }
    }

    /// Something new is there then.
    fn made(self) -> Self {
        self.answers(&[201])
    }

    /// There is nothing to show then.
    fn done(self) -> Self {
        self.answers(&[204])
    }

    /// Who may call is told that it cannot be done: what stands in the path is declared, not built.
    fn in_vain(self) -> Self {
        self.answers(&[422])
    }
}

/// Every row.
pub fn rows() -> Vec<Row> {
    let parts = [open(), leases(), pools(), hosts(), keys(), users()];
    parts.into_iter().flatten().collect()
}

fn get(path: &'static str, needs: Needs) -> Row {
    row(Method::GET, path, needs)
}

fn put(path: &'static str, needs: Needs) -> Row {
    row(Method::PUT, path, needs)
}

fn post(path: &'static str, needs: Needs) -> Row {
    row(Method::POST, path, needs)
}

fn patch(path: &'static str, needs: Needs) -> Row {
    row(Method::PATCH, path, needs)
}

fn delete(path: &'static str, needs: Needs) -> Row {
    row(Method::DELETE, path, needs)
}

use Needs::{Key, Nothing, OfLease, OfMember, OfUser, OfUsers, OrOwn, Right};
use Verb::*;

fn open() -> Vec<Row> {
    vec![
        get("/livez", Nothing),
        get("/readyz", Nothing),
        get("/openapi.json", Nothing),
        get("/problems/{code}", Nothing),
        get("/metrics", Right(SeeEvents)),
        get("/api/v1/events", Right(SeeEvents)),
        get("/api/v1/stats", Right(SeePools)),
    ]
}

fn leases() -> Vec<Row> {
    vec![
        post("/api/v1/leases", Right(Acquire))
            .with(|| json!({"pool": "open"}))
            .made(),
        get("/api/v1/leases", Key),
        get("/api/v1/leases/{id}", OfLease(SeeLease)),
        delete("/api/v1/leases/{id}", OfLease(Release)),
        patch("/api/v1/leases/{id}", OfLease(Annotate)).with(|| json!({"note": "n"})),
        get("/api/v1/leases/{id}/files", OfLease(TakeFiles)),
        post("/api/v1/leases/{id}/renew", OfLease(Renew)).with(|| json!({"ttl_ms": 7_200_000})),
        post("/api/v1/leases/{id}/give", OfLease(Give)).with(|| json!({"owner": "eve"})),
        post("/api/v1/leases/{id}/share", OfLease(Give)).with(|| json!({"owners": ["eve"]})),
        post("/api/v1/leases/{id}/revoke", OfLease(Revoke)).with(|| json!({})),
        post("/api/v1/leases/past", Right(Administer))
            .with(|| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let at = Timestamp(u64::try_from(now.as_millis()).unwrap() - 60_000);
                json!({"owner": "eve", "pool": "open", "granted_at": at, "ended_at": at})
            })
            .made(),
    ]
}

fn pools() -> Vec<Row> {
    vec![
        get("/api/v1/pools", Right(SeePools)),
        get("/api/v1/pools/{name}", Right(SeePools)),
        put("/api/v1/pools/{name}", Right(Manage)).with(|| json!({"attributes": {"a": "b"}})),
        delete("/api/v1/pools/{name}", Right(Manage)).done(),
        post("/api/v1/pools/{name}/build", Right(Manage)).in_vain(),
        get("/api/v1/resources", Right(SeePools)),
        post("/api/v1/resources", Right(Manage))
            .with(|| json!({"items": [{"pool": "open", "name": "another"}]}))
            .made(),
        get("/api/v1/resources/{id}", Right(SeePools)),
        delete("/api/v1/resources/{id}", Right(Manage)).done(),
        post("/api/v1/resources/{id}/withhold", Right(Manage)).with(|| json!({})),
        post("/api/v1/resources/{id}/return", Right(Manage)),
        post("/api/v1/resources/{id}/recycle", Right(Manage)).in_vain(),
        post("/api/v1/resources/{id}/power", OfMember)
            .with(|| json!({"action": "stop"}))
            .in_vain(),
        post("/api/v1/resources/{id}/parameters", OfMember)
            .with(|| json!({"parameters": {}}))
            .in_vain(),
        // Its holder reads what no earlier holder can have written, and this is not built anew.
        get("/api/v1/resources/{id}/logs", OfMember).answers(&[200, 409]),
    ]
}

fn hosts() -> Vec<Row> {
    vec![
        get("/api/v1/hosts", Right(SeeHosts)),
        get("/api/v1/hosts/{name}", Right(SeeHosts)),
        put("/api/v1/hosts/{name}", Right(Manage))
            .with(|| json!({"driver": "process", "autofill": true})),
        patch("/api/v1/hosts/{name}", Right(Manage)).with(|| json!({"autofill": true})),
        delete("/api/v1/hosts/{name}", Right(Manage)).done(),
        post("/api/v1/hosts/{name}/check", Right(Manage)).with(|| json!({})),
        get("/api/v1/hosts/{name}/images", Right(SeeHosts)),
        // It has no images, and no bundle comes.
        post("/api/v1/hosts/{name}/images/pull", Right(Manage))
            .with(|| json!({"images": ["a:1"]}))
            .answers(&[409]),
        post("/api/v1/hosts/{name}/images/load", Right(Manage)).answers(&[503]),
        get("/api/v1/templates", Right(SeeHosts)),
        get("/api/v1/templates/{name}", Right(SeeHosts)),
        put("/api/v1/templates/{name}", Right(Manage))
            .with(|| json!({"files": builtin::source("tiny").unwrap().files, "declared_in": "f"})),
        delete("/api/v1/templates/{name}", Right(Manage)).done(),
    ]
}

fn keys() -> Vec<Row> {
    vec![
        get("/api/v1/keys", Right(SeeKeys)),
        post("/api/v1/keys", Right(Administer))
            .with(|| json!({"name": "new", "role": "user"}))
            .made(),
        get("/api/v1/keys/self", Key),
        get("/api/v1/keys/{id}", Right(SeeKeys)),
        delete("/api/v1/keys/{id}", Right(Administer)).done(),
        get("/api/v1/quotas", Right(SeeKeys)),
        get("/api/v1/quotas/{owner}", OrOwn(SeeKeys)),
        put("/api/v1/quotas/{owner}", Right(Administer)).with(|| json!({"leases_max": 3})),
        delete("/api/v1/quotas/{owner}", Right(Administer)).done(),
        get("/api/v1/webhooks", Right(SeeKeys)),
        get("/api/v1/webhooks/{name}", Right(SeeKeys)),
        put("/api/v1/webhooks/{name}", Right(Administer))
            .with(|| json!({"url": "http://127.0.0.1:9/hook"})),
        delete("/api/v1/webhooks/{name}", Right(Administer)).done(),
    ]
}

fn users() -> Vec<Row> {
    vec![
        get("/api/v1/users", OfUsers(SeeUser)),
        get("/api/v1/users/{name}", OfUser(SeeUser)),
        put("/api/v1/users/{name}", Right(Administer)).with(|| json!({"balance": 1})),
        delete("/api/v1/users/{name}", Right(Administer)).done(),
        put("/api/v1/users/{name}/profile", OfUser(ChangeUser))
            .with(|| json!({"url": "http://a.example"})),
        put("/api/v1/users/{name}/password", OfUser(ChangeUser))
            .with(|| json!({"password": "another horse", "current": HORSE}))
            .done(),
    ]
}

/// What every user here signs in with.
pub const HORSE: &str = "correct horse";
