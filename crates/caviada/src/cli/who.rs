//! `caviada who` and `caviada why`.

use caviada_api::client::Client;
use caviada_api::lease::{Lease, LeaseState};
use caviada_api::list::List;
use caviada_api::pool::Pool;
use caviada_api::resource::{Holder, Resource, ResourceQuery, ResourceState};
use caviada_core::id::{LeaseId, ResourceId};
use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Format, Out, Row, no_env};
use super::resource;
use super::table::{or_dash, short, time, word};

/// Show who holds what.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// A pool, POOL/NAME or a resource's id
    target: String,
}

/// Show why something is as it is.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A lease's or resource's id, POOL/NAME, a pool, or host/NAME
    target: String,
}

/// A held resource and who has it.
#[derive(Serialize)]
struct Held {
    resource: String,
    pool: String,
    #[serde(flatten)]
    holder: Holder,
}

impl Row for Held {
    const COLUMNS: &'static [&'static str] = &["RESOURCE", "OWNER", "SINCE", "UNTIL", "NOTE"];
    const WIDE: &'static [&'static str] = &["LEASE"];

    fn name(&self) -> String {
        self.holder.owner.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            format!("{}/{}", self.pool, self.resource),
            self.holder.owner.clone(),
            time(self.holder.granted_at),
            or_dash(self.holder.expires_at.map(time)),
            or_dash(self.holder.note.as_deref()),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![self.holder.lease.to_string()]
    }
}

/// `caviada who`.
pub async fn who(client: &Client, args: WhoArgs, out: &Out) -> Result<Exit, Failure> {
    let single = args.target.contains('/') || args.target.parse::<ResourceId>().is_ok();
    let (resources, revision) = if single {
        (vec![resource::find(client, &args.target).await?], 0)
    } else {
        // An unknown pool is an error, an idle one an empty answer.
        client.pool(&args.target).await?;
        let query = ResourceQuery {
            pool: Some(args.target),
            ..ResourceQuery::default()
        };
        let list = resource::all(client, &query).await?;
        (list.items, list.revision)
    };
    let hidden = resources
        .iter()
        .filter(|r| r.state == ResourceState::Leased && r.holder.is_none())
        .count();
    let items = resources.into_iter().filter_map(held).collect();
    out.list(&List {
        items,
        revision,
        next: None,
    })?;
    if hidden > 0 {
        eprintln!("{hidden} held by somebody whom the pool does not show");
    }
    Ok(Exit::Ok)
}

fn held(resource: Resource) -> Option<Held> {
    Some(Held {
        holder: resource.holder?,
        resource: resource.name,
        pool: resource.pool,
    })
}

/// `caviada why`.
pub async fn why(client: &Client, args: WhyArgs, out: &Out) -> Result<Exit, Failure> {
    let target = args.target;
    let because = if let Ok(id) = target.parse::<LeaseId>() {
        of_lease(&client.lease(id).await?)
    } else if let Some(name) = target.strip_prefix("host/") {
        let host = client.host(name).await?;
        vec![("state", word(&host.state)), ("why", or_dash(host.why))]
    } else if target.contains('/') || target.parse::<ResourceId>().is_ok() {
        of_resource(&resource::find(client, &target).await?)
    } else {
        of_pool(&client.pool(&target).await?)
    };
    let rows: Vec<(String, String)> = because
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect();
    match out.format {
        Format::Env => return Err(no_env()),
        Format::Json => {
            let fields: serde_json::Map<String, serde_json::Value> = rows
                .into_iter()
                .map(|(name, text)| (name, text.into()))
                .collect();
            out.json(&fields)?;
        }
        _ => out.pairs(&rows)?,
    }
    Ok(Exit::Ok)
}

type Because = Vec<(&'static str, String)>;

fn of_lease(lease: &Lease) -> Because {
    let mut rows = vec![("state", word(&lease.state))];
    rows.extend(lease.end.map(|end| ("end", word(&end))));
    rows.extend(lease.position.map(|n| ("before it", n.to_string())));
    rows.extend(lease.estimate_ms.map(|ms| ("estimate", short(ms))));
    rows.extend(lease.why.clone().map(|why| ("why", why)));
    if lease.why.is_none() && lease.state == LeaseState::Active {
        rows.push((
            "why",
            "it is granted and all its resources are bound".into(),
        ));
    }
    rows
}

fn of_resource(resource: &Resource) -> Because {
    let mut rows = vec![
        ("state", word(&resource.state)),
        ("since", or_dash(resource.since.map(time))),
    ];
    rows.extend(resource.until.map(|at| ("until", time(at))));
    rows.extend(resource.why.clone().map(|why| ("why", why)));
    rows.extend(resource.health.map(|health| ("health", word(&health))));
    if let Some(withheld) = &resource.withheld {
        rows.push(("withheld", word(&withheld.reason)));
        rows.extend(withheld.note.clone().map(|note| ("note", note)));
    }
    if let Some(failure) = &resource.failure {
        rows.push(("failure", format!("{}: {}", failure.cause, failure.detail)));
        rows.push(("attempts", failure.attempts.to_string()));
    }
    if let Some(holder) = &resource.holder {
        rows.push(("holder", holder.owner.clone()));
    }
    rows.extend(resource.then.map(|then| ("then", word(&then))));
    rows
}

fn of_pool(pool: &Pool) -> Because {
    let counts = &pool.counts;
    let mut rows = vec![(
        "free",
        format!(
            "{} of {}, {} offerable",
            counts.free,
            counts.total(),
            counts.offerable
        ),
    )];
    if pool.spec.template.is_some() {
        rows.push(("warm", pool.spec.warm.to_string()));
    }
    rows.push(("waiting", pool.waiting.to_string()));
    let otherwise = if counts.free == 0 && counts.total() == 0 {
        "it has no resources"
    } else if counts.free == 0 {
        "all are held, being cleaned or kept out"
    } else {
        "nothing keeps it from granting"
    };
    let why = pool.why.clone().unwrap_or_else(|| otherwise.to_owned());
    rows.push(("why", why));
    rows
}
