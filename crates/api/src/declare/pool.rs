//! Pools in a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{SliceEntry, quantity};
use crate::attribute::Attributes;
use crate::duration::Duration;
use crate::pool::{
    LeasePolicy, OnBad, Pick, Placement, PoolSpec, RecycleClass, RecyclePolicy, Visibility,
};
use crate::quantity::Amount;

/// A pool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolEntry {
    /// DNS-like, unique.
    pub name: String,
    /// Resources are built from this template; without one they are declared.
    #[serde(default)]
    pub template: Option<String>,
    /// Inputs of the template.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// What one built resource takes of its host's capacity.
    #[serde(default)]
    pub needs: BTreeMap<String, Amount>,
    /// Free ones kept ready.
    #[serde(default)]
    pub warm: u32,
    /// Most there may be.
    #[serde(default)]
    pub max: Option<u32>,
    /// Bounds of leases.
    #[serde(default)]
    pub lease: LeaseEntry,
    /// How a used one becomes clean.
    #[serde(default)]
    pub recycle: RecycleEntry,
    /// Which free one goes first.
    #[serde(default)]
    pub pick: Pick,
    /// Who sees the pool and its holders.
    #[serde(default)]
    pub visibility: Visibility,
    /// What happens to a lease whose resource goes bad.
    #[serde(default)]
    pub on_bad: OnBad,
    /// How built ones are spread over hosts.
    #[serde(default)]
    pub placement: Placement,
    /// Attributes with an index.
    #[serde(default)]
    pub indexed: Vec<String>,
    /// A grant is bound before the lease is active.
    #[serde(default)]
    pub prepare: bool,
    /// Free ones are frozen until they are granted; needs `prepare`.
    #[serde(default)]
    pub pause: bool,
    /// Images that holders may bring when they alter what they hold.
    #[serde(default)]
    pub holder_images: Vec<String>,
    /// Facts of every built one.
    #[serde(default)]
    pub attributes: Attributes,
    /// Hosts that may carry built ones.
    #[serde(default)]
    pub hosts: Option<Vec<String>>,
    /// Its resources are divisible; size of a slice for callers who name none.
    #[serde(default)]
    pub slice: Option<SliceEntry>,
    /// Built at once, at most.
    #[serde(default)]
    pub builds_max: Option<u32>,
    /// A dirty one that nobody cleans raises an alert after so long.
    #[serde(default)]
    pub dirty_alert: Option<Duration>,
}

/// Bounds of leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LeaseEntry {
    /// For callers who name none; `none` gives leases without deadline.
    pub ttl: Option<Ttl>,
    /// The furthest a deadline may lie from the grant.
    pub ttl_max: Option<Duration>,
    /// First deadline of a lease that had to wait.
    pub claim_within: Option<Duration>,
    /// Longest wait.
    pub wait_max: Option<Duration>,
}

/// A duration, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Leases end by themselves after so long.
    After(Duration),
    /// They do not.
    Never,
}

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        if text == "none" {
            return Ok(Self::Never);
        }
        text.parse()
            .map(Self::After)
            .map_err(serde::de::Error::custom)
    }
}

/// How a used resource becomes clean.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecycleEntry {
    /// The way.
    pub class: Option<RecycleClass>,
    /// Not granted again for so long after cleaning.
    pub cooldown: Option<Duration>,
    /// Replaced once older than this.
    pub age_max: Option<Duration>,
    /// Replaced after so many uses.
    pub uses_max: Option<u32>,
    /// A cleaning that takes longer has failed.
    pub clean_max: Option<Duration>,
}

impl PoolEntry {
    /// What is put.
    pub fn spec(&self, declared_in: &str) -> PoolSpec {
        let ms = |duration: Option<Duration>| duration.map(|d| d.0);
        PoolSpec {
            template: self.template.clone(),
            parameters: self.parameters.clone(),
            needs: quantity(&self.needs),
            warm: self.warm,
            max: self.max,
            lease: LeasePolicy {
                ttl_ms: match self.lease.ttl {
                    Some(Ttl::After(ttl)) => Some(ttl.0),
                    _ => None,
                },
                ttl_ms_max: ms(self.lease.ttl_max),
                no_deadline: self.lease.ttl == Some(Ttl::Never),
                claim_within_ms: ms(self.lease.claim_within),
                wait_ms_max: ms(self.lease.wait_max),
            },
            recycle: RecyclePolicy {
                class: self.recycle.class,
                cooldown_ms: ms(self.recycle.cooldown),
                age_ms_max: ms(self.recycle.age_max),
                uses_max: self.recycle.uses_max,
                clean_ms_max: ms(self.recycle.clean_max),
            },
            pick: self.pick,
            visibility: self.visibility.clone(),
            on_bad: self.on_bad,
            placement: self.placement,
            indexed: self.indexed.clone(),
            prepare: self.prepare,
            pause: self.pause,
            holder_images: self.holder_images.clone(),
            attributes: self.attributes.clone(),
            hosts: self.hosts.clone(),
            slice: self.slice.as_ref().map(SliceEntry::size),
            builds_max: self.builds_max,
            dirty_alert_ms: ms(self.dirty_alert),
            declared_in: Some(declared_in.to_owned()),
        }
    }
}
