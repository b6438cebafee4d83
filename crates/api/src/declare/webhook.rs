//! Webhooks in a file.

use serde::Deserialize;

use crate::webhook::WebhookSpec;

/// A webhook. Its secret never stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEntry {
    /// DNS-like, unique.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Kinds of events or nouns with all theirs; all when absent.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// Only what is about these pools.
    #[serde(default)]
    pub pools: Option<Vec<String>>,
    /// Environment variable with the secret; without one the server makes it and `load` prints it.
    #[serde(default)]
    pub secret_env: Option<String>,
}

impl WebhookEntry {
    /// What is put, without the secret, which the caller looks up.
    pub fn spec(&self, declared_in: &str) -> WebhookSpec {
        let sorted = |list: &Option<Vec<String>>| {
            let mut list = list.clone()?;
            list.sort();
            list.dedup();
            Some(list)
        };
        WebhookSpec {
            url: self.url.clone(),
            events: sorted(&self.events),
            pools: sorted(&self.pools),
            secret: None,
            declared_in: Some(declared_in.to_owned()),
        }
    }
}
