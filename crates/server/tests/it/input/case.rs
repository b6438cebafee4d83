//! What is sent that cannot be taken, and the field that is named for it.

use caviada_core::limits;
use reqwest::Method;
use serde_json::{Value, json};

/// What is sent, and what must come back.
pub struct Case {
    pub method: Method,
    pub path: &'static str,
    pub body: String,
    pub status: u16,
    pub field: &'static str,
}

fn case(
    method: Method,
    path: &'static str,
    body: impl ToString,
    status: u16,
    field: &'static str,
) -> Case {
    Case {
        method,
        path,
        body: body.to_string(),
        status,
        field,
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let post = |path, body: Value, status, field| case(Method::POST, path, body, status, field);
    let put = |path, body: Value, status, field| case(Method::PUT, path, body, status, field);
    let get = |path, status, field| case(Method::GET, path, "", status, field);
    let leases = "/api/v1/leases";
    let resources = "/api/v1/resources";
    let lease = "/api/v1/leases/lease_zzzzz";
    let item = |item: Value| json!({"items": [{"pool": "boards", "name": "ok"}, item]});
    let odd = || json!({"x": "a\u{7}b"});
    vec![
        post(
            resources,
            item(json!({"pool": "boards", "name": "odd", "attributes": odd()})),
            422,
            "items[1].attributes",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "odd", "attributes": {"x": "\u{0}"}})),
            422,
            "items[1].attributes",
        ),
        put(
            "/api/v1/pools/boards",
            json!({"attributes": odd()}),
            422,
            "attributes",
        ),
        put(
            "/api/v1/hosts/odd",
            json!({"driver": "process", "attributes": odd()}),
            422,
            "attributes",
        ),
        put(
            "/api/v1/pools/boards",
            json!({"indexed": ["a\u{7}b"]}),
            422,
            "indexed",
        ),
        case(
            Method::POST,
            leases,
            r#"{"pool":"boards","labels":{"a":"1","a":"2"}}"#,
            400,
            "labels.a",
        ),
        case(
            Method::POST,
            resources,
            r#"{"items":[{"pool":"boards","name":"odd","attributes":{"a":1,"a":2}}]}"#,
            400,
            "items[0].attributes.a",
        ),
        case(
            Method::PUT,
            "/api/v1/quotas/ann",
            r#"{"quantity_max":{"cpu":1,"cpu":2}}"#,
            400,
            "quantity_max.cpu",
        ),
        get("/api/v1/resources/res_zzzzz/logs?service=%0a", 404, ""),
        case(Method::POST, leases, "{", 400, "body"),
        case(Method::POST, leases, "{} {}", 400, "body"),
        case(Method::POST, leases, "[]", 400, "body"),
        case(Method::POST, leases, "\u{0}", 400, "body"),
        case(
            Method::POST,
            leases,
            r#"{"pool":"a","pool":"b"}"#,
            400,
            "pool",
        ),
        case(Method::POST, leases, "[".repeat(100_000), 400, "body"),
        post(leases, json!({"pol": "boards"}), 400, "pol"),
        post(leases, json!({"": 1}), 400, "body"),
        post(leases, json!({"pool": 5}), 400, "pool"),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": -1}),
            400,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": 1.5}),
            400,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": "1h"}),
            400,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "priority": 300}),
            400,
            "priority",
        ),
        post(
            leases,
            json!({"items": [{"pool": "boards", "cont": 2}]}),
            400,
            "items[0].cont",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": 1}),
            422,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": u64::MAX}),
            422,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "wait_ms": u64::MAX}),
            422,
            "wait_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "priority": 10}),
            422,
            "priority",
        ),
        post(
            leases,
            json!({"pool": "boards", "count": 0}),
            422,
            "items.count",
        ),
        post(
            leases,
            json!({"pool": "boards", "count": u32::MAX}),
            422,
            "items.count",
        ),
        post(leases, json!({"pool": "Boards"}), 422, "pool"),
        post(leases, json!({"pool": "bo\nards"}), 422, "pool"),
        post(
            leases,
            json!({"pool": "boards", "owner": "a\u{7}b"}),
            422,
            "owner",
        ),
        post(
            leases,
            json!({"pool": "boards", "owner": "o".repeat(129)}),
            422,
            "owner",
        ),
        post(
            leases,
            json!({"pool": "boards", "note": "n".repeat(513)}),
            422,
            "note",
        ),
        post(
            leases,
            json!({"pool": "boards", "selector": "a ="}),
            422,
            "selector",
        ),
        post(
            leases,
            json!({"pool": "boards", "labels": {"a b": "c"}}),
            422,
            "labels",
        ),
        post(
            leases,
            json!({"pool": "boards", "items": [{"pool": "boards"}]}),
            422,
            "items",
        ),
        post(
            leases,
            json!({"items": vec![json!({"pool": "boards"}); 65]}),
            422,
            "items",
        ),
        post(leases, json!({}), 422, "pool"),
        post(leases, json!({"pool": "no-such-pool"}), 404, ""),
        get(lease, 404, ""),
        get("/api/v1/leases/lease_00000000000zz", 404, ""),
        get("/api/v1/leases/%ff", 400, "request"),
        get("/api/v1/leases?limit=0", 422, "limit"),
        get("/api/v1/leases?limit=x", 400, "limit"),
        get("/api/v1/leases?limit=1&limit=2", 400, "limit"),
        get("/api/v1/leases?cursor=AAAA", 400, "cursor"),
        get("/api/v1/leases?colour=red", 400, "colour"),
        get("/api/v1/leases?sort=colour", 422, "sort"),
        get("/api/v1/resources?state=red", 400, "state"),
        get("/api/v1/events?after=x", 400, "after"),
        get("/api/v1/pools/boards?colour=red", 400, "colour"),
        get("/api/v1/pools/NO", 404, ""),
        get("/nowhere", 404, ""),
        case(Method::PUT, leases, "{}", 405, ""),
        post(
            resources,
            item(json!({"pool": "boards"})),
            400,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": ""})),
            422,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "a\u{1}"})),
            422,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "n".repeat(256)})),
            422,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "b", "attributes": {"x": 1.5}})),
            400,
            "items[1].attributes.x",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "b", "divisible": {"range": "10.0.0.0/99"}})),
            422,
            "items[1].divisible",
        ),
        post(
            resources,
            item(json!({"pool": "nowhere", "name": "b"})),
            404,
            "",
        ),
        post(resources, json!({"items": []}), 422, "items"),
        post(
            resources,
            json!({"items": vec![json!({"pool": "boards", "name": "x"}); 257]}),
            422,
            "items",
        ),
        put("/api/v1/pools/No", json!({}), 422, "name"),
        put(
            "/api/v1/pools/p",
            json!({"lease": {"ttl_ms": 0}}),
            422,
            "lease.ttl_ms",
        ),
        put(
            "/api/v1/pools/p",
            json!({"recycle": {"class": "wash"}}),
            400,
            "recycle.class",
        ),
        put("/api/v1/pools/p", json!({"template": "nowhere"}), 404, ""),
        put(
            "/api/v1/hosts/h",
            json!({"driver": "abacus"}),
            400,
            "driver",
        ),
        put(
            "/api/v1/hosts/h",
            json!({"driver": "docker", "ports": {"first": 0, "last": 0, "block": 0}}),
            422,
            "ports",
        ),
        put(
            "/api/v1/templates/t",
            json!({"files": {}}),
            422,
            "template.toml",
        ),
        post(
            "/api/v1/keys",
            json!({"name": "k", "role": "king"}),
            400,
            "role",
        ),
        post(
            "/api/v1/keys",
            json!({"name": "k", "role": "user", "secret": "short"}),
            422,
            "secret",
        ),
    ]
    .into_iter()
    .chain(out_of_time())
    .collect()
}

/// Keys that would be over before they are made, or never.
fn out_of_time() -> [Case; 4] {
    [
        0,
        limits::TTL_MS_MIN - 1,
        limits::client::DURATION_MS_MAX + 1,
        u64::MAX,
    ]
    .map(|ms| {
        let key = json!({"name": "k", "role": "user", "expires_in_ms": ms});
        case(Method::POST, "/api/v1/keys", key, 422, "expires_in_ms")
    })
}
