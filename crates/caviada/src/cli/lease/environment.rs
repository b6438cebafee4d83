//! A lease as environment variables, for `run` and `-o env`.

use std::collections::BTreeSet;

use caviada_api::lease::Lease;

/// `CAVIADA_LEASE`, `CAVIADA_FENCE`; per resource (from 0) `CAVIADA_RESOURCE_<N>` and
/// `CAVIADA_ENDPOINT_<N>_<NAME>`; and `CAVIADA_RESOURCE` and `CAVIADA_ENDPOINT_<NAME>` of the first
/// resource that has it. Of two names that become one variable the first counts.
pub fn pairs(lease: &Lease) -> Vec<(String, String)> {
    let mut pairs = vec![("CAVIADA_LEASE".to_owned(), lease.id.to_string())];
    if let Some(fence) = lease.fence {
        pairs.push(("CAVIADA_FENCE".to_owned(), fence.to_string()));
    }
    for resource in lease.resources.iter().take(1) {
        pairs.push(("CAVIADA_RESOURCE".to_owned(), resource.name.clone()));
    }
    for resource in &lease.resources {
        for (name, value) in &resource.endpoints {
            let name = format!("CAVIADA_ENDPOINT_{}", variable(name));
            pairs.push((name, value.clone()));
        }
    }
    for (n, resource) in lease.resources.iter().enumerate() {
        pairs.push((format!("CAVIADA_RESOURCE_{n}"), resource.name.clone()));
        for (name, value) in &resource.endpoints {
            let name = format!("CAVIADA_ENDPOINT_{n}_{}", variable(name));
            pairs.push((name, value.clone()));
        }
    }
    let mut seen = BTreeSet::new();
    // A value with a zero byte cannot be in an environment.
    pairs.retain(|(name, value)| !value.contains('\0') && seen.insert(name.clone()));
    pairs
}

/// `rpc-url` → `RPC_URL`.
fn variable(name: &str) -> String {
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(fit).collect()
}

/// Lines that a POSIX shell can evaluate.
pub fn shell(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={}\n", quote(value)))
        .collect()
}

fn quote(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if !value.is_empty() && value.chars().all(safe) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        serde_json::from_value(serde_json::json!({
            "id": "lease_0000000000007", "state": "active", "fence": 8, "owner": "ana",
            "pools": ["boards"], "created_at": "2031-04-05T06:07:08.009Z",
            "resources": [
                {"id": "res_0000000000003", "name": "b 1", "pool": "boards",
                 "endpoints": {"rpc-url": "http://127.0.0.1:1", "rpc_url": "second"}},
                {"id": "res_0000000000004", "name": "b2", "pool": "boards",
                 "endpoints": {"rpc-url": "http://127.0.0.1:2", "ssh": "it's"}},
            ],
            "priority": 5, "purpose": "use", "etag": "1.0",
        }))
        .unwrap()
    }

    #[test]
    fn each_endpoint_has_a_variable_and_the_first_resource_the_short_ones() {
        let pairs = pairs(&lease());
        let get = |name: &str| {
            let found: Vec<&str> = pairs
                .iter()
                .filter(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
                .collect();
            assert_eq!(found.len(), 1, "{name}");
            found[0].to_owned()
        };
        assert_eq!(get("CAVIADA_LEASE"), "lease_0000000000007");
        assert_eq!(get("CAVIADA_FENCE"), "8");
        assert_eq!(get("CAVIADA_RESOURCE"), "b 1");
        assert_eq!(get("CAVIADA_ENDPOINT_RPC_URL"), "http://127.0.0.1:1");
        assert_eq!(get("CAVIADA_ENDPOINT_1_RPC_URL"), "http://127.0.0.1:2");
        assert_eq!(get("CAVIADA_ENDPOINT_SSH"), "it's");
    }

    #[test]
    fn a_shell_reads_the_values_back() {
        let text = shell(&pairs(&lease()));
        let script =
            format!("{text}printf '%s|%s' \"$CAVIADA_RESOURCE\" \"$CAVIADA_ENDPOINT_SSH\"");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "b 1|it's");
    }
}
