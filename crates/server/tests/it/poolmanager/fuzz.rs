//! Whatever is sent, the answer is an envelope: never HTML, never a fault of the server.
//!
//! `CAVIADA_FUZZ_SEED=N` repeats a run, `CAVIADA_FUZZ_CASES=N` makes it longer.

use std::hash::{BuildHasher, RandomState};

use caviada_core::check;
use caviada_fuzz::Chance;
use caviada_server::compat::poolmanager::{Options, Version};

use super::Old;

const CASES: u64 = 2_400;

fn told(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap())
}

fn one<'a>(chance: &mut Chance, of: &[&'a str]) -> &'a str {
    of[chance.below(of.len())]
}

fn value(chance: &mut Chance) -> String {
    let values = [
        "ann",
        "bob",
        "4",
        "0",
        "-1",
        "4.0",
        "1e400",
        "true",
        "null",
        "[]",
        "{}",
        "%ff",
        "%zz",
        "%",
        "%00",
        "a%0d%0ab",
        "\u{202e}",
        "%e2%80%ae",
        "é",
        "\"",
        "'",
        "<b>",
        "\\",
        "a=b=c",
        "$where",
        "{\"$ne\":1}",
        "9223372036854775808",
        "99999999999999999999999",
        "__SYSTEM__",
        " ",
        "%20",
        "0000000000000100000000000",
        "../..",
        ";",
        "pbft",
        "batch",
        "apply",
        "release",
        "fillup",
        "clean",
        "active",
        "host",
        "10.0.0.1:2375",
        "000000000000000000000001",
    ];
    match chance.below(12) {
        0 => "x".repeat(chance.below(3_000)),
        1 => String::new(),
        _ => one(chance, &values).to_owned(),
    }
}

fn pairs(chance: &mut Chance) -> String {
    let names = [
        "user_id",
        "cluster_id",
        "action",
        "size",
        "consensus_plugin",
        "consensus_mode",
        "allow_multiple",
        "new",
        "state",
        "id",
        "col_name",
        "res",
        "name",
        "worker_api",
        "daemon_url",
        "capacity",
        "host_id",
        "username",
        "pageNo",
        "pageSize",
        "sortColumns",
        "role",
        "balance",
        "autofill",
        "$where",
        "",
        "%ff",
        "user_id[]",
        "a.b",
    ];
    let many = match chance.below(20) {
        0 => 80,
        _ => chance.below(4),
    };
    let pairs: Vec<String> = (0..many)
        .map(|_| format!("{}={}", one(chance, &names), value(chance)))
        .collect();
    pairs.join("&")
}

fn body(chance: &mut Chance) -> Vec<u8> {
    match chance.below(10) {
        7 => {
            let part = "--x\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\n";
            let end = one(chance, &["--x--", "--x", "", "--", "\r\n--x--\r\n"]);
            format!("{part}{}{end}", value(chance)).into_bytes()
        }
        0 => pairs(chance).into_bytes(),
        1 => format!("{{\"user_id\": {}}}", value(chance)).into_bytes(),
        2 => format!("{{\"user_id\": \"{}\", \"size\": [1]}}", value(chance)).into_bytes(),
        3 => "[".repeat(chance.below(5_000)).into_bytes(),
        4 => (0..chance.below(300))
            .map(|_| u8::try_from(chance.below(256)).unwrap())
            .collect(),
        5 => vec![b'a'; chance.below(200_000)],
        6 => b"{\"a\": 1, \"a\": 2, \"action\": 7, \"user_id\": true}".to_vec(),
        _ => vec![],
    }
}

fn request(chance: &mut Chance) -> Vec<u8> {
    let methods = [
        "GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
    ];
    let paths = [
        "/v1/cluster_apply",
        "/v1/cluster_release",
        "/v2/cluster_apply",
        "/v2/cluster_release",
        "/v2/cluster_op",
        "/v2/clusters",
        "/v2/cluster/",
        "/v2/cluster/0000000000000100000000",
        "/api/cluster_op",
        "/api/clusters",
        "/api/cluster",
        "/api/hosts",
        "/api/host",
        "/api/host/x",
        "/api/host_op",
        "/host",
        "/host_action",
        "/cluster",
        "/_stat",
        "/api/stat",
        "/api/health",
        "/api/auth/login",
        "/api/auth/register",
        "/api/auth/logout",
        "/api/user/list",
        "/api/user/search",
        "/api/user/account/",
        "/api/user/create",
        "/api/user/update/000000000000000000000001",
        "/api/user/delete/",
        "/api/v2/profile/000000000000000000000001",
        "/",
        "/index",
        "/login",
        "//",
        "/v1",
        "/%ff",
        "/v2/cluster/%00",
        "/.too-long",
        "/../etc",
    ];
    let mut target = one(chance, &paths).to_owned();
    if chance.below(4) == 0 {
        target += &value(chance);
    }
    if chance.below(4) > 0 {
        target = format!("{target}?{}", pairs(chance));
    }
    if chance.below(100) == 0 {
        target += &"y".repeat(20_000);
    }
    let kinds = [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/html",
        "",
        "é",
        "multipart/form-data; boundary=x",
    ];
    let body = body(chance);
    let mut request = format!(
        "{} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
        one(chance, &methods),
        one(chance, &kinds),
        body.len()
    );
    if chance.below(10) == 0 {
        let auth = ["Basic", "Basic ====", "Bearer", "Bearer x", "é"];
        request += &format!("Authorization: {}\r\n", one(chance, &auth));
    }
    if chance.below(10) == 0 {
        let session = ["", "x", "v1.00000000.AAAA", "é", "v1..", "v1.a.b.c"];
        request += &format!("Cookie: caviada_poolmanager={}\r\n", one(chance, &session));
    }
    request += "\r\n";
    let mut bytes = request.into_bytes();
    bytes.extend(body);
    bytes
}

/// Whoever calls may do everything.
async fn opened(version: Version) -> Old {
    let options = Options {
        plain_tcp: true,
        ..Options::default()
    };
    Old::opened(version, 40, options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_comes_back_in_the_envelope() {
    let seed = told("CAVIADA_FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one("old"));
    let cases = told("CAVIADA_FUZZ_CASES").unwrap_or(CASES);
    println!("CAVIADA_FUZZ_SEED={seed}");
    let mut good = 0;
    for (n, (version, name)) in (0..).zip(Version::ALL) {
        let old = opened(version).await;
        for case in 0..cases / 6 {
            let mut chance = Chance::new(seed, case * 6 + n);
            let request = request(&mut chance);
            let shown: String = String::from_utf8_lossy(&request)
                .chars()
                .take(400)
                .collect();
            let answer = old.raw(&request).await;
            let told =
                format!("CAVIADA_FUZZ_SEED={seed}, {name}, case {case}\n{shown}\n{answer:?}");
            let answer = answer.unwrap_or_else(|| panic!("no answer: {told}"));
            let page = answer.kind.starts_with("text/html") && answer.status == 200;
            let moved = answer.status == 302 && answer.body == "";
            assert!(page || moved || answer.kind == "application/json", "{told}");
            match answer.status {
                200 | 201 | 302 => good += 1,
                400 if answer.body["success"] == false => {}
                400 => assert_eq!(answer.body["status"], "FAIL", "{told}"),
                // Of a sign-in alone.
                401 => assert_eq!(answer.body["success"], false, "{told}"),
                _ => panic!("{told}"),
            }
        }
        let state = old.site.handle.snapshot().await.unwrap();
        let found = check::violations(&state);
        assert!(found.is_empty(), "CAVIADA_FUZZ_SEED={seed} {found:?}");
        old.get("/v2/nowhere").await.is_refusal();
    }
    // A fuzzer that is refused everywhere finds nothing.
    assert!(good * 50 > cases, "only {good} of {cases} were done");
}
