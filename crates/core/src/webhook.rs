//! What a webhook is: an address that is told what happens, signed, at least once.

pub mod delivery;
pub mod target;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Number;
use crate::id::WebhookId;
use crate::name::Name;
use crate::time::Time;

/// A webhook as State holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// From the ledger's counter.
    pub id: WebhookId,
    /// Unique among webhooks.
    pub name: Name,
    /// What its admin asked for.
    pub spec: Arc<WebhookSpec>,
    /// The signing secret, sealed for the place [`secret_place`] names.
    pub sealed: Box<str>,
    /// It is told what follows this event, its own declaration.
    pub since: Number,
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// When it was declared, in ledger time.
    pub made_at: Time,
    /// Number of the last event that changed it: its ETag.
    pub changed: Number,
}

/// What an admin asks of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// Where to; `https://…` or `http://…`.
    pub url: Box<str>,
    /// Kinds of events (`lease.granted`) or nouns with all theirs (`lease`); none is every event.
    pub events: Option<BTreeSet<Box<str>>>,
    /// Only what is about one of these pools; none is every pool and none.
    pub pools: Option<BTreeSet<Name>>,
}

/// What a webhook's secret is sealed for.
pub fn secret_place(name: &Name) -> String {
    format!("webhook/{name}/secret")
}

impl WebhookSpec {
    /// Is an event of this kind, about these pools, told?
    pub fn takes<'n>(&self, kind: &str, mut pools: impl Iterator<Item = &'n Name>) -> bool {
        let noun = kind.split('.').next().unwrap_or(kind);
        let of_kind = |wanted: &BTreeSet<Box<str>>| wanted.contains(kind) || wanted.contains(noun);
        self.events.as_ref().is_none_or(of_kind)
            && self
                .pools
                .as_ref()
                .is_none_or(|wanted| pools.any(|p| wanted.contains(p)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_takes_kinds_and_nouns_and_only_of_its_pools() {
        let name = |text: &str| Name::new(text).unwrap();
        let mut spec = WebhookSpec {
            url: "https://example.org".into(),
            events: None,
            pools: None,
        };
        let (a, b) = (name("a"), name("b"));
        assert!(spec.takes("host.seen", [].iter()));
        spec.events = Some(BTreeSet::from(["lease".into(), "resource.failed".into()]));
        assert!(spec.takes("lease.granted", [].iter()));
        assert!(spec.takes("resource.failed", [].iter()));
        assert!(!spec.takes("resource.built", [].iter()));
        spec.pools = Some(BTreeSet::from([a.clone()]));
        assert!(spec.takes("lease.granted", [&b, &a].into_iter()));
        assert!(!spec.takes("lease.granted", [&b].into_iter()));
        assert!(!spec.takes("lease.granted", [].iter()));
    }
}
