//! `caviada pool`.

use std::collections::BTreeMap;

use caviada_api::client::{Client, every};
use caviada_api::declare::Ttl;
use caviada_api::duration::Duration;
use caviada_api::list::PageQuery;
use caviada_api::pool::{Holders, OnBad, Pick, Placement, Pool, PoolSpec, RecycleClass};
use caviada_api::quantity;
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::lease::want::slice;
use super::output::{Out, Row};
use super::table::{or_dash, short, word};

/// Pools.
#[derive(Debug, Subcommand)]
pub enum PoolCommand {
    /// List them
    Ls,
    /// Show all of one
    Show {
        /// Its name
        name: String,
    },
    /// Declare one, or change what is said of it
    Set(Box<SetArgs>),
    /// Drain one and remove it once its last resource is gone
    Rm {
        /// Its name
        name: String,
    },
}

/// Declare a pool.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Its name
    name: String,
    /// Build resources from this template
    #[arg(long)]
    template: Option<String>,
    /// Input of the template; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Free ones kept ready
    #[arg(long, value_name = "N")]
    warm: Option<u32>,
    /// Most there may be
    #[arg(long, value_name = "N")]
    max: Option<u32>,
    /// What each takes of its host's capacity: cpu=2,mem=4Gi
    #[arg(long, value_name = "AMOUNTS")]
    needs: Option<String>,
    /// Time of a lease that names none; `none` for no deadline
    #[arg(long, value_name = "DURATION", value_parser = ttl)]
    ttl: Option<Ttl>,
    /// The furthest a deadline may lie from the grant
    #[arg(long, value_name = "DURATION")]
    ttl_max: Option<Duration>,
    /// Longest wait
    #[arg(long, value_name = "DURATION")]
    wait_max: Option<Duration>,
    /// How a used one becomes clean: replace, reset, hook or keep
    #[arg(long, value_parser = wire::<RecycleClass>)]
    recycle: Option<RecycleClass>,
    /// Which free one goes first: first or oldest
    #[arg(long, value_parser = wire::<Pick>)]
    pick: Option<Pick>,
    /// What happens to a lease whose resource goes bad: keep, swap or end
    #[arg(long, value_parser = wire::<OnBad>)]
    on_bad: Option<OnBad>,
    /// How built ones are spread over hosts: spread or pack
    #[arg(long, value_parser = wire::<Placement>)]
    placement: Option<Placement>,
    /// Who sees who holds what: nobody, group or everyone
    #[arg(long, value_parser = wire::<Holders>)]
    holders: Option<Holders>,
    /// Owners who see the pool, separated by commas; empty for all
    #[arg(long, value_delimiter = ',')]
    owners: Option<Vec<String>>,
    /// Hosts that may carry built ones, separated by commas; empty for every fitting one
    #[arg(long, value_delimiter = ',')]
    hosts: Option<Vec<String>>,
    /// Its resources are divisible; a slice for callers who name none: /28, 16 or cpu=2,mem=4Gi
    #[arg(long, value_name = "SIZE")]
    slice: Option<String>,
    /// Bind a grant before its lease is active
    #[arg(long)]
    prepare: Option<bool>,
    /// Freeze what is free until it is granted; needs --prepare true
    #[arg(long)]
    pause: Option<bool>,
    /// Images that holders may bring when they alter what they hold, separated by commas: whole, or a
    /// beginning that ends with `/`, `:` or `@`, or `*`
    #[arg(long, value_delimiter = ',', value_name = "IMAGE")]
    holder_images: Option<Vec<String>>,
    /// Attributes with an index, separated by commas
    #[arg(long, value_delimiter = ',')]
    indexed: Option<Vec<String>>,
}

fn ttl(text: &str) -> Result<Ttl, String> {
    if text == "none" {
        return Ok(Ttl::Never);
    }
    text.parse().map(Ttl::After).map_err(|e| format!("{e}"))
}

/// A word of the API as a flag's value; the API's own error names the words there are.
pub fn wire<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|e| e.to_string())
}

impl Row for Pool {
    const COLUMNS: &'static [&'static str] =
        &["POOL", "FREE", "LEASED", "TOTAL", "WARM", "WAITING", "WHY"];
    const WIDE: &'static [&'static str] = &[
        "TEMPLATE", "TTL", "RECYCLE", "MAX", "DIRTY", "CLEANING", "CREATING", "FAILED", "WITHHELD",
    ];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.counts.free.to_string(),
            self.counts.leased.to_string(),
            self.counts.total().to_string(),
            or_dash(self.spec.template.as_ref().map(|_| self.spec.warm)),
            self.waiting.to_string(),
            or_dash(self.why.as_deref()),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        let spec = &self.spec;
        let ttl = spec.lease.ttl_ms.map(short);
        let ttl = if spec.lease.no_deadline {
            Some("none".to_owned())
        } else {
            ttl
        };
        vec![
            or_dash(spec.template.as_deref()),
            or_dash(ttl),
            or_dash(spec.recycle.class.map(|class| word(&class))),
            or_dash(spec.max),
            self.counts.dirty.to_string(),
            self.counts.cleaning.to_string(),
            (self.counts.planned + self.counts.creating).to_string(),
            self.counts.failed.to_string(),
            self.counts.withheld.to_string(),
        ]
    }
}

/// `caviada pool`.
pub async fn pool(client: &Client, command: PoolCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        PoolCommand::Ls => {
            let page = async |cursor| {
                let query = PageQuery {
                    limit: None,
                    cursor,
                };
                client.pools(&query).await
            };
            out.list(&every(page).await?)?;
        }
        PoolCommand::Show { name } => out.one(&client.pool(&name).await?)?,
        PoolCommand::Set(args) => out.one(&set(client, &args).await?)?,
        PoolCommand::Rm { name } => client.delete_pool(&name).await?,
    }
    Ok(Exit::Ok)
}

/// Reads, changes and puts it back only if nobody else did meanwhile.
async fn set(client: &Client, args: &SetArgs) -> Result<Pool, Failure> {
    let (mut spec, etag) = match client.pool(&args.name).await {
        Ok(pool) => (pool.spec, Some(pool.etag)),
        Err(error) if error.is_unknown() => (PoolSpec::default(), None),
        Err(error) => return Err(error.into()),
    };
    args.change(&mut spec)?;
    Ok(client.put_pool(&args.name, &spec, etag.as_deref()).await?)
}

impl SetArgs {
    fn change(&self, spec: &mut PoolSpec) -> Result<(), Failure> {
        fn put<T: Clone>(slot: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                slot.clone_from(value);
            }
        }
        if self.template.is_some() {
            spec.template.clone_from(&self.template);
        }
        spec.parameters.extend(parameters(&self.parameters)?);
        put(&mut spec.warm, self.warm.as_ref());
        spec.max = self.max.or(spec.max);
        if let Some(text) = &self.needs {
            spec.needs = quantity::parse(text)
                .map_err(|e| Failure::usage(format!("--needs {text}: {e}")))?;
        }
        match self.ttl {
            Some(Ttl::After(ttl)) => {
                spec.lease.ttl_ms = Some(ttl.0);
                spec.lease.no_deadline = false;
            }
            Some(Ttl::Never) => {
                spec.lease.ttl_ms = None;
                spec.lease.no_deadline = true;
            }
            None => {}
        }
        spec.lease.ttl_ms_max = self.ttl_max.map(|d| d.0).or(spec.lease.ttl_ms_max);
        spec.lease.wait_ms_max = self.wait_max.map(|d| d.0).or(spec.lease.wait_ms_max);
        spec.recycle.class = self.recycle.or(spec.recycle.class);
        put(&mut spec.pick, self.pick.as_ref());
        put(&mut spec.on_bad, self.on_bad.as_ref());
        put(&mut spec.placement, self.placement.as_ref());
        put(&mut spec.visibility.holders, self.holders.as_ref());
        if let Some(owners) = &self.owners {
            spec.visibility.owners = some_of(owners);
        }
        if let Some(hosts) = &self.hosts {
            spec.hosts = some_of(hosts);
        }
        if let Some(text) = &self.slice {
            spec.slice = Some(slice(text)?);
        }
        put(&mut spec.prepare, self.prepare.as_ref());
        put(&mut spec.pause, self.pause.as_ref());
        put(&mut spec.holder_images, self.holder_images.as_ref());
        put(&mut spec.indexed, self.indexed.as_ref());
        Ok(())
    }
}

/// The names, or none for `--owners=`.
fn some_of(names: &[String]) -> Option<Vec<String>> {
    let names: Vec<String> = names.iter().filter(|n| !n.is_empty()).cloned().collect();
    (!names.is_empty()).then_some(names)
}

/// `size=4` is a number, `debug=true` a bool, `list=[{"name": "x"}]` a list, and everything else a
/// text: `version=3.1` too.
pub(super) fn parameters(texts: &[String]) -> Result<BTreeMap<String, serde_json::Value>, Failure> {
    let pair = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--parameter {text}: write NAME=VALUE")))?;
        let value = match serde_json::from_str(value) {
            Ok(read @ serde_json::Value::Bool(_)) => read,
            Ok(serde_json::Value::Number(read)) if read.is_i64() => read.into(),
            Ok(serde_json::Value::Array(items)) if items.iter().all(|i| i.is_object()) => {
                items.into()
            }
            _ => value.into(),
        };
        Ok((name.to_owned(), value))
    };
    texts.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use caviada_api::lease::SliceSize;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        set: SetArgs,
    }

    fn changed(line: &str, mut spec: PoolSpec) -> PoolSpec {
        let line = Line::try_parse_from(line.split(' ')).unwrap();
        line.set.change(&mut spec).unwrap();
        spec
    }

    #[test]
    fn set_changes_only_what_is_said() {
        let before = changed(
            "x p --template tiny --parameter size=4 --parameter tag=v1 --parameter version=3.1 --parameter list=[{\"name\":\"x\"}] --parameter text=[1] --warm 2 --ttl 30m",
            PoolSpec::default(),
        );
        assert_eq!(before.parameters["list"][0]["name"], "x");
        assert_eq!(before.parameters["text"], "[1]");
        assert_eq!(before.parameters["size"], 4);
        assert_eq!(before.parameters["tag"], "v1");
        assert_eq!(before.parameters["version"], "3.1");
        let after = changed(
            "x p --warm 3 --ttl none --owners ana,bo --recycle keep",
            before,
        );
        assert_eq!(after.template.as_deref(), Some("tiny"));
        assert_eq!((after.warm, after.lease.ttl_ms), (3, None));
        assert!(after.lease.no_deadline);
        assert_eq!(after.visibility.owners.as_ref().unwrap().len(), 2);
        assert_eq!(after.recycle.class, Some(RecycleClass::Keep));
        let open = changed("x p --owners= --hosts a,b --slice /28", after);
        assert_eq!(open.visibility.owners, None);
        assert_eq!(open.hosts.map(|hosts| hosts.len()), Some(2));
        assert_eq!(open.slice, Some(SliceSize::Prefix(28)));
    }

    #[test]
    fn a_wrong_word_is_told_which_words_there_are() {
        let error = Line::try_parse_from(["x", "p", "--recycle", "wash"])
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("replace") && error.contains("keep"),
            "{error}"
        );
    }
}
