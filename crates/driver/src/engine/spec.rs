//! What an engine is told of a service in the same words, whether it makes a container of it or a
//! service of a swarm.

use std::collections::HashMap;

use bollard::models::{HealthConfig, ResourcesUlimits};

use super::subnet::DEFAULT;
use crate::blueprint::{Healthcheck, Service};

/// The networks a service joins with the names it bears there, its own always among them.
pub(crate) fn networks(service: &Service) -> Vec<(&str, Vec<String>)> {
    if service.networks.is_empty() {
        return vec![(DEFAULT, vec![service.name.clone()])];
    }
    let named = service.networks.iter().map(|(network, aliases)| {
        let mut names = vec![service.name.clone()];
        names.extend(aliases.iter().filter(|a| **a != service.name).cloned());
        (network.as_str(), names)
    });
    named.collect()
}

/// Its health test.
pub(crate) fn health(check: &Healthcheck) -> HealthConfig {
    let ns = |ms: u64| i64::try_from(ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    HealthConfig {
        test: Some(check.test.clone()),
        interval: Some(ns(check.interval_ms)),
        timeout: Some(ns(check.timeout_ms)),
        retries: Some(i64::from(check.retries)),
        start_period: Some(ns(check.start_period_ms)),
        start_interval: check.start_interval_ms.map(ns),
    }
}

/// Its ulimits.
pub(crate) fn ulimits(service: &Service) -> Vec<ResourcesUlimits> {
    let all = service.ulimits.iter();
    all.map(|(name, (soft, hard))| ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(*soft),
        hard: Some(*hard),
    })
    .collect()
}

/// What an engine keeps in memory of a log that its server does not take: services never wait for
/// that.
const LOG_BUFFER: &str = "4m";

/// The engine's `json-file` whatever the host's default, since `logs` must be able to read it. Beside
/// a syslog server the engine keeps a file of its own for that, under the same bounds.
pub(crate) fn log(service: &Service) -> (&'static str, HashMap<String, String>) {
    let rotation = service.log.clone().unwrap_or_default();
    let (size, files) = (rotation.max_bytes, rotation.max_files);
    let (typ, options) = match &service.log_server {
        None => (
            "json-file",
            vec![
                ("max-size", size.to_string()),
                ("max-file", files.to_string()),
            ],
        ),
        Some(server) => (
            "syslog",
            vec![
                ("syslog-address", server.clone()),
                ("syslog-format", "rfc5424micro".to_owned()),
                ("tag", "{{.ImageName}}/{{.Name}}/{{.ID}}".to_owned()),
                ("mode", "non-blocking".to_owned()),
                ("max-buffer-size", LOG_BUFFER.to_owned()),
                ("cache-max-size", size.to_string()),
                ("cache-max-file", files.to_string()),
            ],
        ),
    };
    let options = options
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    (typ, options.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_reached_by_its_own_name_in_every_network() {
        let service = Service {
            name: "db".into(),
            networks: [("back".to_owned(), vec!["sql".to_owned(), "db".to_owned()])].into(),
            ..Service::default()
        };
        assert_eq!(
            networks(&service),
            [("back", vec!["db".to_owned(), "sql".to_owned()])]
        );
    }
}
