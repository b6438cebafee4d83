//! `caviada host`.

mod defaults;
mod source;

use std::path::PathBuf;

use caviada_api::client::{Client, Error, every};
use caviada_api::duration::Duration;
use caviada_api::host::{
    CheckHost, DeleteHost, DriverName, Host, HostCheck, HostCredential, HostFinding, HostPatch,
    HostPorts, HostSpec, HostSubnets, Verdict,
};
use caviada_api::list::PageQuery;
use caviada_api::problem::code;
use caviada_api::quantity;
use caviada_core::limits;
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::file::read_text;
use super::lease::want::key_values as pairs;
use super::output::{Out, Row};
use super::pool::wire;
use super::table::{key_values, or_dash, time, word};
use defaults::DefaultArgs;
use source::SourceArgs;

const LOOK: std::time::Duration = std::time::Duration::from_millis(limits::client::LOOK_MS);

/// Hosts.
#[derive(Debug, Subcommand)]
pub enum HostCommand {
    /// List them
    Ls,
    /// Show all of one
    Show {
        /// Its name
        name: String,
    },
    /// Declare one, or change what is said of it
    Set(Box<SetArgs>),
    /// Look what would be in the way of building there, as it is declared or would be with these
    /// flags, and change nothing
    Check(Box<SetArgs>),
    /// Take no new grants and builds there; holders keep theirs. Ends a drain, too
    Cordon {
        /// Its name
        name: String,
    },
    /// Empty it: cordon it, build what is free elsewhere, and what is leased once it is released
    Drain {
        /// Its name
        name: String,
        /// Wait until nothing is left on it, at most so long
        #[arg(long, value_name = "TIME")]
        wait: Option<Duration>,
    },
    /// Take grants and builds again
    Uncordon {
        /// Its name
        name: String,
    },
    /// Drain one and remove it once its last resource is gone
    Rm {
        /// Its name
        name: String,
        /// It will not come back: count what is on it as gone
        #[arg(long)]
        forget: bool,
    },
}

/// Declare a host.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Its name
    name: String,
    /// How it is spoken to: docker, swarm or process
    #[arg(long, value_parser = wire::<DriverName>)]
    driver: Option<DriverName>,
    /// Where: unix:///var/run/docker.sock, tcp://10.0.0.5:2376, ssh://user@host
    #[arg(long)]
    address: Option<String>,
    /// Address under which holders reach what runs there [default: the engine's own]
    #[arg(long, value_name = "ADDRESS")]
    reach: Option<String>,
    /// What it holds: resources=8,mem=64Gi
    #[arg(long, value_name = "AMOUNTS")]
    capacity: Option<String>,
    /// Fill it to its capacity
    #[arg(long)]
    autofill: Option<bool>,
    /// Ports that resources may publish, and how many each gets: 20000-29999/16
    #[arg(long, value_name = "FIRST-LAST/BLOCK", value_parser = ports)]
    ports: Option<HostPorts>,
    /// Networks of resources, and the prefix length of each: 10.200.0.0/16/28
    #[arg(long, value_name = "PREFIX/LENGTH", value_parser = subnets)]
    subnets: Option<HostSubnets>,
    #[command(flatten)]
    defaults: DefaultArgs,
    #[command(flatten)]
    images: SourceArgs,
    /// Label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Option of its driver: publish=host; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// Speak plain TCP: whoever reaches that port owns the machine
    #[arg(long)]
    allow_plain_tcp: Option<bool>,
    /// Authorities that may have signed its certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Our certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Private key for SSH
    #[arg(long, value_name = "FILE")]
    ssh_key: Option<PathBuf>,
    /// known_hosts for SSH
    #[arg(long, value_name = "FILE")]
    ssh_known_hosts: Option<PathBuf>,
    /// Check it first, and declare it only if building there would not fail
    #[arg(long)]
    check: bool,
    /// Forget the stored certificates and keys
    #[arg(long, conflicts_with_all = ["tls_ca", "tls_key", "ssh_key", "ssh_known_hosts"])]
    no_credential: bool,
}

fn ports(text: &str) -> Result<HostPorts, String> {
    let parse = || {
        let (range, block) = text.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        Some(HostPorts {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
            block: block.parse().ok()?,
        })
    };
    parse().ok_or_else(|| "write FIRST-LAST/BLOCK, like 20000-29999/16".to_owned())
}

fn subnets(text: &str) -> Result<HostSubnets, String> {
    let parse = || {
        let (range, prefix) = text.rsplit_once('/')?;
        range.contains('/').then_some(())?;
        Some(HostSubnets {
            range: range.to_owned(),
            prefix: prefix.parse().ok()?,
        })
    };
    parse().ok_or_else(|| "write PREFIX/LENGTH, like 10.200.0.0/16/28".to_owned())
}

impl Row for Host {
    const COLUMNS: &'static [&'static str] = &[
        "HOST",
        "DRIVER",
        "STATE",
        "SCHEDULABLE",
        "FREE",
        "LEASED",
        "TOTAL",
        "WHY",
    ];
    const WIDE: &'static [&'static str] = &[
        "ADDRESS", "SEEN", "VERSION", "RESERVED", "CAPACITY", "LABELS",
    ];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self) -> Vec<String> {
        let schedulable = if self.spec.schedulable { "yes" } else { "no" };
        vec![
            self.name.clone(),
            word(&self.spec.driver),
            word(&self.state),
            schedulable.to_owned(),
            self.counts.free.to_string(),
            self.counts.leased.to_string(),
            self.counts.total().to_string(),
            or_dash(self.why.as_deref()),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            or_dash(self.spec.address.as_deref()),
            or_dash(self.seen_at.map(time)),
            or_dash(self.facts.as_ref().map(|f| f.version.as_str())),
            key_values(&self.reserved),
            key_values(&self.spec.capacity),
            key_values(&self.spec.labels),
        ]
    }
}

impl Row for HostFinding {
    const COLUMNS: &'static [&'static str] = &["CHECK", "VERDICT", "WHAT"];
    const WIDE: &'static [&'static str] = &[];

    fn name(&self) -> String {
        self.check.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![self.check.clone(), word(&self.verdict), self.what.clone()]
    }

    fn wide_cells(&self) -> Vec<String> {
        Vec::new()
    }
}

/// `caviada host`.
pub async fn host(client: &Client, command: HostCommand, out: &Out) -> Result<Exit, Failure> {
    let patch = async |name: &str, schedulable, drain| {
        let patch = HostPatch {
            schedulable: Some(schedulable),
            drain: Some(drain),
            ..HostPatch::default()
        };
        client.patch_host(name, &patch).await
    };
    match command {
        HostCommand::Ls => {
            let page = async |cursor| {
                let query = PageQuery {
                    limit: None,
                    cursor,
                };
                client.hosts(&query).await
            };
            out.list(&every(page).await?)?;
        }
        HostCommand::Show { name } => out.one(&client.host(&name).await?)?,
        HostCommand::Set(args) => {
            if args.check {
                fit(client, &args).await?;
            }
            out.one(&set(client, &args).await?)?;
        }
        HostCommand::Check(args) => {
            let found = check(client, &args).await?;
            out.rows(&found, &found.findings)?;
            if found.has_bad() {
                return Ok(Exit::Failed);
            }
        }
        HostCommand::Cordon { name } => out.one(&patch(&name, false, false).await?)?,
        HostCommand::Uncordon { name } => out.one(&patch(&name, true, false).await?)?,
        HostCommand::Drain { name, wait } => {
            let host = patch(&name, false, true).await?;
            let host = match wait {
                Some(wait) => drained(client, host, wait).await?,
                None => host,
            };
            out.one(&host)?;
        }
        HostCommand::Rm { name, forget } => {
            client.delete_host(&name, &DeleteHost { forget }).await?;
        }
    }
    Ok(Exit::Ok)
}

/// Looks until nothing is left on a host.
async fn drained(client: &Client, mut host: Host, wait: Duration) -> Result<Host, Failure> {
    let end = tokio::time::Instant::now() + wait.into();
    while host.draining {
        if tokio::time::Instant::now() >= end {
            let why = host.why.unwrap_or_default();
            let said = format!("{}: {why}", host.name);
            return Err(Failure::new(Exit::WaitOver, said));
        }
        tokio::time::sleep(LOOK).await;
        host = client.host(&host.name).await?;
    }
    Ok(host)
}

async fn set(client: &Client, args: &SetArgs) -> Result<Host, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        match set_once(client, args).await? {
            Ok(host) => return Ok(host),
            // Its etag moves also when the server sees something of it.
            Err(error)
                if error.code() == Some(code::CHANGED)
                    && tries < limits::client::HOST_TRIES_MAX => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Looks at a host as these flags would make it.
async fn check(client: &Client, args: &SetArgs) -> Result<HostCheck, Failure> {
    let (spec, _) = wanted(client, args).await?;
    let asked = CheckHost { spec: Some(spec) };
    Ok(client.check_host(&args.name, &asked).await?)
}

/// Refuses a host on which building would fail, and says what else is not well.
async fn fit(client: &Client, args: &SetArgs) -> Result<(), Failure> {
    let found = check(client, args).await?;
    let wrong = found.findings.iter().filter(|f| f.verdict != Verdict::Ok);
    for finding in wrong {
        let verdict = word(&finding.verdict);
        eprintln!("caviada: {verdict}: {}: {}", finding.check, finding.what);
    }
    match found.has_bad() {
        true => Err(Failure::failed(
            "nothing was declared: mend what is bad, or leave out --check",
        )),
        false => Ok(()),
    }
}

/// A host as these flags would make it, and its etag if it is there.
async fn wanted(client: &Client, args: &SetArgs) -> Result<(HostSpec, Option<String>), Failure> {
    let (mut spec, etag) = match client.host(&args.name).await {
        Ok(host) => (host.spec, Some(host.etag)),
        Err(error) if error.is_unknown() => {
            let driver = args
                .driver
                .ok_or_else(|| Failure::usage(format!("{} is new: say its --driver", args.name)))?;
            (HostSpec::new(driver), None)
        }
        Err(error) => return Err(error.into()),
    };
    args.change(&mut spec)?;
    Ok((spec, etag))
}

async fn set_once(client: &Client, args: &SetArgs) -> Result<Result<Host, Error>, Failure> {
    let (spec, etag) = wanted(client, args).await?;
    Ok(client.put_host(&args.name, &spec, etag.as_deref()).await)
}

impl SetArgs {
    fn change(&self, spec: &mut HostSpec) -> Result<(), Failure> {
        spec.driver = self.driver.unwrap_or(spec.driver);
        if self.address.is_some() {
            spec.address.clone_from(&self.address);
        }
        if self.reach.is_some() {
            spec.reach.clone_from(&self.reach);
        }
        if let Some(text) = &self.capacity {
            spec.capacity = quantity::parse(text)
                .map_err(|e| Failure::usage(format!("--capacity {text}: {e}")))?;
        }
        spec.autofill = self.autofill.unwrap_or(spec.autofill);
        spec.ports = self.ports.or(spec.ports);
        if self.subnets.is_some() {
            spec.subnets.clone_from(&self.subnets);
        }
        self.defaults.change(&mut spec.defaults);
        self.images.change(&mut spec.images)?;
        spec.labels.extend(pairs("--label", &self.labels)?);
        spec.options.extend(pairs("--option", &self.options)?);
        spec.allow_plain_tcp = self.allow_plain_tcp.unwrap_or(spec.allow_plain_tcp);
        let read = |path: &Option<PathBuf>| path.as_deref().map(read_text).transpose();
        let credential = HostCredential {
            ca_pem: read(&self.tls_ca)?,
            certificate_pem: read(&self.tls_certificate)?,
            key_pem: read(&self.tls_key)?,
            ssh_key_pem: read(&self.ssh_key)?,
            ssh_known_hosts: read(&self.ssh_known_hosts)?,
        };
        if self.no_credential || credential != HostCredential::default() {
            spec.credential = Some(credential);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_subnets_are_read() {
        let read = ports("20000-29999/16").unwrap();
        assert_eq!((read.first, read.last, read.block), (20_000, 29_999, 16));
        let read = subnets("10.200.0.0/16/28").unwrap();
        assert_eq!((read.range.as_str(), read.prefix), ("10.200.0.0/16", 28));
        assert!(ports("20000-99999/16").is_err());
        assert!(subnets("10.200.0.0/16").is_err());
    }
}
