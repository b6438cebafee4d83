//! What to do instead, for the keys people try.

/// At the top of the file.
pub(super) fn top(key: &str) -> Option<&'static str> {
    Some(match key {
        "version" => "the format has no versions any more; remove it",
        "name" => "resources are named by Caviada; remove it",
        "secrets" => "use configs, or a parameter",
        "include" => "a template is one compose file",
        _ => return None,
    })
}

/// In a volume or a network.
pub(super) fn declared(key: &str) -> Option<&'static str> {
    Some(match key {
        "external" => "a resource has only what it brings along",
        "name" => "names on the engine are given by Caviada",
        "ipam" => "subnets are reserved by Caviada",
        _ => "volumes and networks are declared by name alone",
    })
}

/// In a config.
pub(super) fn config(key: &str) -> Option<&'static str> {
    Some(match key {
        "external" => "write `content` or `file`",
        "environment" => "write `content`, with a parameter",
        _ => return None,
    })
}

/// In a service.
pub(super) fn service(key: &str) -> Option<&'static str> {
    Some(match key {
        "build" => "name an image that exists",
        "container_name" => "names on the engine are given by Caviada; use a network alias",
        "env_file" => "write `environment`",
        "expose" => "services of one resource reach each other on every port; remove it",
        "links" => "services reach each other by name; use network aliases",
        "network_mode" | "privileged" | "devices" | "pid" | "ipc" | "uts" | "userns_mode" => {
            "it would open the host"
        }
        "secrets" => "use configs",
        "profiles" => "use a parameter and {% if %}",
        "scale" => "use a parameter and {% for %}",
        "platform" | "pull_policy" => "name the image exactly",
        "mem_reservation" | "memswap_limit" | "cpu_shares" => "there are mem_limit and cpus",
        "extends" => "use an anchor and a merge key",
        _ => return None,
    })
}

/// In a service's `deploy`.
pub(super) fn deploy(key: &str) -> Option<&'static str> {
    Some(match key {
        "replicas" => "use a parameter and {% for %}",
        "restart_policy" => "use `restart` of the service",
        "preferences" | "max_replicas_per_node" => {
            "each service has one replica: write placement.constraints"
        }
        _ => "only resources.limits and placement.constraints are read",
    })
}

/// In a network of a service.
pub(super) fn joined(key: &str) -> Option<&'static str> {
    Some(match key {
        "ipv4_address" | "ipv6_address" => "addresses are given by the engine; use an alias",
        _ => return None,
    })
}
