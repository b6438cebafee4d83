//! What there is on the server: what was declared at first, and what its answers told since.

use std::collections::BTreeMap;

use caviada_api::key::Role;
use caviada_fuzz::Chance;
use reqwest::Method;
use serde_json::{Value, json};

use super::request::Answer;
use crate::site::{ADMIN, Site};

/// Remembered of a kind at once.
const KNOWN_MAX: usize = 40;

/// Who asks.
#[derive(Debug)]
pub struct Principal {
    pub name: &'static str,
    /// None shows no key.
    pub secret: Option<String>,
}

/// What can be named.
#[derive(Debug)]
pub struct World {
    pub principals: Vec<Principal>,
    /// Field name to texts that mean something there.
    known: BTreeMap<String, Vec<String>>,
    pub etags: Vec<String>,
}

impl World {
    /// Pools of each kind with something in them, a host, a template, keys of each role.
    pub async fn made(site: &Site) -> Self {
        for (path, body) in declared() {
            let method = if path.ends_with("resources") {
                Method::POST
            } else {
                Method::PUT
            };
            let request = site.request(method, path, Some(ADMIN)).json(&body);
            let response = request.send().await.unwrap();
            assert!(
                response.status().is_success(),
                "{path}: {}",
                response.text().await.unwrap()
            );
        }
        let secret = |text: String| Some(text);
        let principals = vec![
            ("admin", secret(ADMIN.to_owned())),
            ("operator", secret(site.key("oper", Role::Operator).await)),
            ("ann", secret(site.key("ann", Role::User).await)),
            ("ben", secret(site.key("ben", Role::User).await)),
            ("a stranger", secret("no-such-secret".to_owned())),
            ("nobody", None),
        ];
        let principals = principals.into_iter();
        Self {
            principals: principals
                .map(|(name, secret)| Principal { name, secret })
                .collect(),
            known: known(),
            etags: vec!["0.0".to_owned()],
        }
    }

    /// Mostly whoever may; a stranger now and then, for his failures are slowed down.
    pub fn principal(&self, chance: &mut Chance) -> &Principal {
        let index = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3][chance.below(12)];
        let index = if chance.percent(2) {
            4 + chance.below(2)
        } else {
            index
        };
        &self.principals[index]
    }

    /// Texts for a field of this name.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let name = match name {
            "lease" => "lease_id",
            "hosts" => "host",
            "act_for" => "pool",
            "shared_with" | "owners" | "to" => "owner",
            name => name,
        };
        let texts = self.known.get(name).into_iter().flatten();
        texts.map(String::as_str).collect()
    }

    /// A key for a map of this name.
    pub fn key(&self, name: &str, chance: &mut Chance) -> String {
        let keys: &[&str] = match name {
            "files" => &["template.toml", "compose.yaml", "../x"],
            "parameters" => &["image", "size", "program"],
            "capacity" | "needs" | "quantity" | "quantity_max" => &["cpu", "mem", "resources"],
            "pools" => &["boards", "nets", "compute"],
            "options" => &["tls_ca", "ssh_key"],
            _ => &["arch", "cores", "ssh", "a.b/c", "x"],
        };
        chance.one(keys).to_owned()
    }

    /// An id for a path of these words.
    pub fn id(&self, path: &str, changes: bool, chance: &mut Chance) -> String {
        let kind = path.split('/').nth(3).unwrap_or_default();
        let kind = match kind {
            "leases" => "lease_id",
            "resources" => "resource_id",
            "keys" => "key_id",
            "pools" => "pool",
            "hosts" => "host",
            "templates" => "template",
            "quotas" => "owner",
            other => other,
        };
        // What everything else needs is seldom changed.
        let spare = match kind {
            "pool" => ["p1", "p2"],
            "host" => ["h1", "h2"],
            "template" => ["t1", "t2"],
            _ => ["", ""],
        };
        if changes && !spare[0].is_empty() && chance.percent(85) {
            return chance.one(&spare).to_owned();
        }
        match self.texts(kind).as_slice() {
            [] => "unknown".to_owned(),
            // The newest, which most likely is still there, as often as all others.
            texts if chance.percent(50) => texts[texts.len() - 1].to_owned(),
            texts => chance.one(texts).to_owned(),
        }
    }

    /// Takes ids, names, numbers and cursors out of an answer.
    pub fn learn(&mut self, answer: &Answer) {
        if !(200..300).contains(&answer.status) {
            return;
        }
        let Some(document) = &answer.json else {
            return;
        };
        if let Some(next) = document["next"].as_str() {
            self.note("cursor", next);
        }
        let items = document["items"].as_array().map_or(&[][..], Vec::as_slice);
        for item in items.iter().take(5).chain([document]) {
            if let Some(id) = item["id"].as_str() {
                let kind = match id.split('_').next() {
                    Some("lease") => "lease_id",
                    Some("res") => "resource_id",
                    // The keys of the principals must stay: those are never told.
                    Some("key") if item["name"].as_str().is_some_and(is_spare) => "key_id",
                    _ => continue,
                };
                self.note(kind, id);
            }
            if let Some(etag) = item["etag"].as_str() {
                self.etags.push(etag.to_owned());
                let over = self.etags.len().saturating_sub(KNOWN_MAX);
                self.etags.drain(..over);
            }
        }
    }

    fn note(&mut self, kind: &str, text: &str) {
        let known = self.known.entry(kind.to_owned()).or_default();
        known.retain(|other| other != text);
        known.push(text.to_owned());
        if known.len() > KNOWN_MAX {
            known.remove(0);
        }
    }
}

fn is_spare(name: &str) -> bool {
    name.starts_with("spare")
}

/// What is there at the beginning.
fn declared() -> Vec<(&'static str, Value)> {
    let member = |pool: &str, i: usize| {
        json!({"pool": pool, "name": format!("{pool}-{i}"),
               "attributes": {"arch": "arm64", "cores": i}, "labels": {"rack": "r1"},
               "endpoints": {"ssh": "board.lab:22"}})
    };
    let mut items: Vec<Value> = (0..20).map(|i| member("boards", i)).collect();
    items.push(json!({"pool": "nets", "name": "lab", "divisible": {"range": "10.0.0.0/16"}}));
    items.push(json!({"pool": "ports", "name": "lab", "divisible": {"ports": "20000-29999"}}));
    items.push(json!({"pool": "compute", "name": "rack",
                      "divisible": {"quantity": {"cpu": 64, "mem": 1u64 << 36}}}));
    let tiny = caviada_driver::template::builtin::source("tiny").unwrap();
    vec![
        ("/api/v1/templates/tiny", json!({ "files": tiny.files })),
        (
            "/api/v1/pools/boards",
            json!({"indexed": ["arch"], "lease": {"wait_ms_max": 60_000}}),
        ),
        ("/api/v1/pools/nets", json!({"slice": {"prefix": 29}})),
        ("/api/v1/pools/ports", json!({"slice": {"ports": 4}})),
        (
            "/api/v1/pools/compute",
            json!({"slice": {"quantity": {"cpu": 1}}}),
        ),
        ("/api/v1/resources", json!({ "items": items })),
        (
            "/api/v1/hosts/here",
            json!({"driver": "docker", "capacity": {"resources": 8},
                   "ports": {"first": 20_000, "last": 20_999, "block": 16},
                   "subnets": {"range": "10.200.0.0/16", "prefix": 28}}),
        ),
        (
            "/api/v1/pools/clusters",
            json!({"template": "tiny", "warm": 1, "max": 4}),
        ),
    ]
}

fn known() -> BTreeMap<String, Vec<String>> {
    let tiny = caviada_driver::template::builtin::source("tiny").unwrap();
    let recipe = |name: &str| tiny.files[name].clone();
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let mut known = BTreeMap::new();
    let mut add = |name: &str, list: &[&str]| known.insert(name.to_owned(), texts(list));
    add(
        "pool",
        &[
            "boards", "boards", "nets", "ports", "compute", "clusters", "p1", "p2",
        ],
    );
    add("host", &["here", "h1", "h2"]);
    add("template", &["tiny", "cluster", "t1"]);
    add("owner", &["ann", "ben", "carl", "admin"]);
    add(
        "name",
        &["boards-1", "boards-2", "m1", "m2", "spare-1", "spare-2"],
    );
    add(
        "selector",
        &[
            "arch=arm64",
            "cores>=4",
            "rack in (r1,r2), cores<9",
            "arch exists",
            "",
        ],
    );
    add(
        "range",
        &["10.0.0.0/24", "10.1.0.0-10.1.0.9", "2001:db8::/64"],
    );
    add("ports", &["20000-20999", "8080"]);
    add("exclude", &["10.0.0.1", "10.0.0.0/30", "20001"]);
    add(
        "address",
        &[
            "unix:///var/run/docker.sock",
            "ssh://a@b",
            "tcp://127.0.0.1:2376",
        ],
    );
    add(
        "sort",
        &[
            "name",
            "-name",
            "created_at",
            "expires_at",
            "state",
            "pool",
            "id",
        ],
    );
    add(
        "state",
        &["free", "leased", "active", "waiting", "ended", "withheld"],
    );
    add("type", &["lease.granted", "resource.declared", "pool.put"]);
    add("events", &["lease.granted", "resource", "pool.put"]);
    add("after", &["0.0", "1.0", "9.1", "99999999.0"]);
    add(
        "since",
        &["2020-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"],
    );
    add("until", &["2100-01-01T00:00:00Z"]);
    add("secret", &["spare-secret-1", "spare-secret-2"]);
    add("slot", &["s1", "s2"]);
    add("indexed", &["arch", "cores"]);
    add("groups", &["builders", "testers"]);
    add("code", &["unknown", "malformed", "pool-exhausted"]);
    add("resource", &["res_0000000000001"]);
    add("lease_id", &["lease_0000000000001"]);
    add("resource_id", &["res_0000000000001"]);
    add("key_id", &["key_zzzzzzzzzzzzz"]);
    let files = ["template.toml", "compose.yaml"].map(recipe);
    known.insert("files".to_owned(), files.to_vec());
    known
}
