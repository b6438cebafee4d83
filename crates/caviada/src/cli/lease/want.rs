//! What is wanted, as typed; and waiting for it.

use caviada_api::attribute::Labels;
use caviada_api::client::Client;
use caviada_api::duration::Duration;
use caviada_api::lease::{
    Acquire, Item, Lease, LeaseState, Purpose, Release, Renew, Reuse, SliceSize,
};
use caviada_api::quantity;
use caviada_core::limits;
use clap::Args;
use tokio::time::Instant;

use crate::cli::exit::{Exit, Failure, of_ended};
use crate::cli::run::stop::{self, Stop};

/// How long one long-poll is kept open, in milliseconds: a third of [`limits::client::POLL_WITHIN_MS`].
pub const POLL_MS: u64 = limits::client::POLL_MS;

/// What is wanted.
#[derive(Debug, Clone, Default, Args)]
pub struct Want {
    /// Pools, each with how many if more than one: boards clusters:2
    #[arg(value_name = "POOL[:COUNT]")]
    pools: Vec<String>,
    /// Conditions on labels and attributes: 'arch=arm64, cores>=4, gpu exists'
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    select: Option<String>,
    /// Attribute of at least this: cores=4; may be repeated
    #[arg(long, value_name = "NAME=NUMBER")]
    at_least: Vec<String>,
    /// Size of a slice: /28 of addresses, 16 ports in a row, or cpu=2,mem=4Gi
    #[arg(long, value_name = "SIZE")]
    slice: Option<String>,
    /// For whom [default: the key's owner]
    #[arg(long)]
    owner: Option<String>,
    /// How long [default: the pool's]
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Duration>,
    /// How long to wait when nothing is free [default: as the pool says]
    #[arg(short, long, value_name = "DURATION")]
    wait: Option<Duration>,
    /// Fail at once when nothing is free
    #[arg(long, conflicts_with = "wait")]
    no_wait: bool,
    /// 0 to 9, higher first; above 5 for operators [default: 5]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=9))]
    priority: Option<u8>,
    /// Take any live healthy lease of the owner that fits
    #[arg(long, conflicts_with = "slot")]
    reuse: bool,
    /// Take the owner's live lease in this slot, if there is one
    #[arg(long, value_name = "NAME")]
    slot: Option<String>,
    /// KEY=VALUE; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// For people who ask who has it
    #[arg(long)]
    note: Option<String>,
    /// Take dirty ones, to clean them
    #[arg(long)]
    clean: bool,
}

/// `KEY=VALUE` pairs.
pub fn key_values(flag: &str, texts: &[String]) -> Result<Labels, Failure> {
    let pair = |text: &String| {
        text.split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| Failure::usage(format!("{flag} {text}: write KEY=VALUE")))
    };
    texts.iter().map(pair).collect()
}

impl Want {
    /// Something must be wanted.
    pub fn check(&self) -> Result<(), Failure> {
        if self.pools.is_empty() && self.select.is_none() && self.at_least.is_empty() {
            return Err(Failure::usage(
                "say a pool, or what it must be like with --select: `caviada pool ls` lists pools",
            ));
        }
        self.request().map(drop)
    }

    /// As the API takes it.
    pub fn request(&self) -> Result<Acquire, Failure> {
        let mut acquire = Acquire {
            owner: self.owner.clone(),
            ttl_ms: self.ttl.map(|d| d.0),
            wait_ms: if self.no_wait {
                Some(0)
            } else {
                self.wait.map(|d| d.0)
            },
            poll_within_ms: self.waits().then_some(limits::client::POLL_WITHIN_MS),
            priority: self.priority,
            reuse: match &self.slot {
                Some(slot) => Reuse::Slot(slot.clone()),
                None if self.reuse => Reuse::Matching,
                None => Reuse::Never,
            },
            labels: key_values("--label", &self.labels)?,
            note: self.note.clone(),
            purpose: if self.clean {
                Purpose::Clean
            } else {
                Purpose::Use
            },
            ..Acquire::default()
        };
        let mut items = self.items()?;
        // A single item stands at the top, as people write it by hand.
        if let ([_], Some(item)) = (items.as_slice(), items.first().cloned()) {
            acquire.pool = item.pool;
            acquire.selector = item.selector;
            acquire.count = item.count;
            acquire.slice = item.slice;
        } else {
            acquire.items = std::mem::take(&mut items);
        }
        Ok(acquire)
    }

    fn waits(&self) -> bool {
        !self.no_wait && self.wait != Some(Duration(0))
    }

    fn items(&self) -> Result<Vec<Item>, Failure> {
        let item = Item {
            pool: None,
            selector: self.selector()?,
            count: None,
            slice: self.slice.as_deref().map(slice).transpose()?,
        };
        if self.pools.is_empty() {
            return Ok(vec![item]);
        }
        let of_pool = |text: &String| {
            let (pool, count) = match text.split_once(':') {
                None => (text.as_str(), None),
                Some((pool, count)) => {
                    let count = count.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                        Failure::usage(format!("{text}: write POOL or POOL:COUNT"))
                    })?;
                    (pool, Some(count))
                }
            };
            Ok(Item {
                pool: Some(pool.to_owned()),
                count,
                ..item.clone()
            })
        };
        self.pools.iter().map(of_pool).collect()
    }

    fn selector(&self) -> Result<Option<String>, Failure> {
        let mut conditions: Vec<String> = self.select.iter().cloned().collect();
        for text in &self.at_least {
            let (name, number) = text
                .split_once('=')
                .filter(|(_, number)| number.parse::<i64>().is_ok())
                .ok_or_else(|| {
                    Failure::usage(format!(
                        "--at-least {text}: write NAME=NUMBER, like cores=4"
                    ))
                })?;
            conditions.push(format!("{name}>={number}"));
        }
        Ok((!conditions.is_empty()).then(|| conditions.join(", ")))
    }
}

/// `/28` of addresses, `16` ports in a row, `cpu=2,mem=4Gi`.
pub fn slice(text: &str) -> Result<SliceSize, Failure> {
    let wrong = || {
        Failure::usage(format!(
            "--slice {text}: write /28 for addresses, 16 for ports or cpu=2,mem=4Gi"
        ))
    };
    if let Some(prefix) = text.strip_prefix('/') {
        prefix.parse().map(SliceSize::Prefix).map_err(|_| wrong())
    } else if text.contains('=') {
        quantity::parse(text)
            .map(SliceSize::Quantity)
            .map_err(|_| wrong())
    } else {
        text.parse().map(SliceSize::Ports).map_err(|_| wrong())
    }
}

/// A lease as answered, and when it was asked for: its remaining time counts from no later.
#[derive(Debug)]
pub struct Granted {
    /// Active.
    pub lease: Lease,
    /// Before the request was sent.
    pub asked: Instant,
}

/// Stays until a lease is active. Whoever is stopped while he waits leaves the queue.
pub async fn settle(
    client: &Client,
    granted: Granted,
    request: &Acquire,
) -> Result<Granted, Failure> {
    if granted.lease.state == LeaseState::Active {
        return Ok(granted);
    }
    let mut stop = Stop::listen()?;
    let id = granted.lease.id;
    tokio::select! {
        granted = settled(client, granted, request) => granted,
        signal = stop.next() => {
            let _ = client.release(id, &Release::default()).await;
            Err(Failure::new(
                Exit::Child(stop::code(signal)),
                format!("{id} given up: {signal}"),
            ))
        }
    }
}

async fn settled(client: &Client, granted: Granted, request: &Acquire) -> Result<Granted, Failure> {
    let Granted {
        mut lease,
        mut asked,
    } = granted;
    let mut waited = lease.state == LeaseState::Waiting;
    let mut told = None;
    loop {
        match lease.state {
            LeaseState::Active => break,
            LeaseState::Ended => return Err(of_ended(&lease)),
            LeaseState::Waiting | LeaseState::Preparing => {}
        }
        let why = (lease.position, lease.why.clone());
        if told.as_ref() != Some(&why) {
            tell(&lease);
            told = Some(why);
        }
        // A long-poll is answered long after it was asked, so it says nothing about the deadline.
        lease = client.lease_settled(lease.id, POLL_MS).await?;
        if lease.state == LeaseState::Waiting {
            waited = true;
            lease = client.renew(lease.id, &Renew::default()).await?;
        }
    }
    if waited {
        // A lease that had to wait is first granted for a short time, to see that somebody is
        // still there.
        let renew = Renew {
            ttl_ms: request.ttl_ms,
            fence: lease.fence,
        };
        asked = Instant::now();
        lease = client.renew(lease.id, &renew).await?;
    }
    Ok(Granted { lease, asked })
}

fn tell(lease: &Lease) {
    let place = lease
        .position
        .map_or(String::new(), |n| format!(", {n} before it"));
    let why = lease
        .why
        .as_deref()
        .map_or(String::new(), |w| format!(": {w}"));
    let state = crate::cli::table::word(&lease.state);
    eprintln!("{} {state}{place}{why}", lease.id);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(pools: &[&str]) -> Want {
        Want {
            pools: pools.iter().map(|p| (*p).to_owned()).collect(),
            ..Want::default()
        }
    }

    #[test]
    fn one_pool_stands_at_the_top_and_several_are_items() {
        let one = want(&["boards:2"]).request().unwrap();
        assert_eq!(one.pool.as_deref(), Some("boards"));
        assert_eq!((one.count, one.items.len()), (Some(2), 0));
        let two = want(&["boards", "nets"]).request().unwrap();
        assert_eq!((two.pool, two.items.len()), (None, 2));
        assert_eq!(two.items[1].pool.as_deref(), Some("nets"));
    }

    #[test]
    fn at_least_needs_no_quoting() {
        let want = Want {
            select: Some("arch=arm64".into()),
            at_least: vec!["cores=4".into()],
            ..Want::default()
        };
        let request = want.request().unwrap();
        assert_eq!(request.selector.as_deref(), Some("arch=arm64, cores>=4"));
    }

    #[test]
    fn sizes_of_slices_are_told_apart() {
        assert_eq!(slice("/28").unwrap(), SliceSize::Prefix(28));
        assert_eq!(slice("16").unwrap(), SliceSize::Ports(16));
        let quantity = [("cpu".to_owned(), 2)].into();
        assert_eq!(slice("cpu=2").unwrap(), SliceSize::Quantity(quantity));
    }

    #[test]
    fn what_cannot_be_meant_is_a_usage_error() {
        let bad = [
            want(&[]),
            want(&["boards:0"]),
            want(&["boards:x"]),
            Want {
                at_least: vec!["cores=many".into()],
                ..want(&["boards"])
            },
            Want {
                slice: Some("/x".into()),
                ..want(&["nets"])
            },
            Want {
                labels: vec!["job".into()],
                ..want(&["boards"])
            },
        ];
        for want in bad {
            let failure = want.check().unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{want:?}");
        }
    }

    #[test]
    fn who_does_not_wait_need_not_show_that_he_lives() {
        let want = Want {
            no_wait: true,
            ..want(&["boards"])
        };
        let request = want.request().unwrap();
        assert_eq!((request.wait_ms, request.poll_within_ms), (Some(0), None));
    }
}
