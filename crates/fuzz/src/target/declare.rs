//! The file that `caviada load` reads.

use caviada_api::declare::Document;
use caviada_api::named::Named;
use serde::Deserialize as _;

use super::Target;

pub const TARGET: Target = Target {
    name: "declare",
    check,
    seeds: &[
        include_str!("../../../../examples/machines.toml"),
        include_str!("../../../../examples/clusters.toml"),
        r#"name = "lab"
[[pool]]
name = "boards"
lease = { ttl = "none", claim_within = "1m", wait_max = "10m" }
recycle = { class = "replace", uses_max = 10, cooldown = "5s" }
visibility = { holders = "everyone" }
needs = { mem = "2Gi" }
[[resource]]
pool = "compute"
names = ["rack"]
quantity = { cpu = 16, mem = "64Gi" }
slice = { quantity = { cpu = 1, mem = "1Gi" } }
exclude = ["10.0.0.0/30"]
[[key]]
name = "ci"
role = "user"
groups = ["builders"]
expires_in = "4w"
secret_env = "CI_KEY"
[[quota]]
owner = "ci"
leases_max = 10
quantity_max = { mem = "32Gi" }
"#,
    ],
    words: &[
        "[[pool]]\n",
        "[[resource]]\n",
        "[[host]]\n",
        "[[key]]\n",
        "[[quota]]\n",
        "[[template]]\n",
        "name = ",
        "pool = ",
        "names = [",
        "]",
        "{ ",
        " }",
        "\"30m\"",
        "\"none\"",
        "ttl = ",
        "quantity = ",
        "range = ",
        "\"10.0.0.0/24\"",
        "slice = ",
        "prefix = 29",
        "ports = ",
        "\n",
        "#",
        "'''",
        "\"\"\"",
        "=",
        ".",
        "true",
        "1979-05-27",
        "nan",
        "0x1F",
    ],
};

fn check(text: &str) {
    let read = toml::Deserializer::parse(text).and_then(|toml| Document::deserialize(Named(toml)));
    let document = match read {
        Ok(document) => document,
        Err(error) => {
            let said = error.to_string();
            assert!(!error.message().trim().is_empty(), "{said}");
            // A missing key at the top stands on no line.
            let lines = text.split('\n').count();
            let line = said.split_once("at line ").map(|(_, rest)| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<usize>().unwrap_or(0)
            });
            let placed = line.is_none_or(|line| (1..=lines).contains(&line));
            assert!(placed, "{lines} lines, and yet {said}");
            return;
        }
    };
    // What it becomes for the server is made without looking back at the file.
    let from = document.name.as_str();
    let sent = [
        serde_json::to_value(
            document
                .pools
                .iter()
                .map(|p| p.spec(from))
                .collect::<Vec<_>>(),
        ),
        serde_json::to_value(
            document
                .hosts
                .iter()
                .map(|h| h.spec(from, None))
                .collect::<Vec<_>>(),
        ),
        serde_json::to_value(
            document
                .keys
                .iter()
                .map(|k| k.new_key(from))
                .collect::<Vec<_>>(),
        ),
        serde_json::to_value(
            document
                .quotas
                .iter()
                .map(|q| q.spec(from))
                .collect::<Vec<_>>(),
        ),
    ];
    for value in sent {
        value.expect("what is sent is JSON");
    }
    for entry in &document.resources {
        let names = entry.names().count();
        assert_eq!(entry.specs(from).len(), names);
    }
}
