//! What services get on a host where their template says nothing, as it is typed.

use caviada_api::host::{HostDefaults, LogLevel, Ulimit};
use caviada_api::quantity::Amount;
use clap::Args;

use crate::cli::pool::wire;

/// What services get where their template says nothing.
#[derive(Debug, Args)]
pub struct DefaultArgs {
    /// How much services log: debug, info, notice, warning, error or critical
    #[arg(long, value_name = "LEVEL", value_parser = wire::<LogLevel>)]
    log_level: Option<LogLevel>,
    /// Syslog server for all logs, udp://10.0.0.9:514; '' keeps them on the host again
    #[arg(long, value_name = "URL")]
    log_server: Option<String>,
    /// Bytes of one log file
    #[arg(long, value_name = "BYTES")]
    log_bytes_max: Option<Amount>,
    /// Log files kept
    #[arg(long, value_name = "N")]
    log_files_max: Option<u32>,
    /// Memory of one service: 512Mi
    #[arg(long, value_name = "BYTES")]
    memory: Option<Amount>,
    /// Processors one service may use, in thousandths
    #[arg(long, value_name = "N")]
    cpu_milli: Option<u64>,
    /// Processes of one service
    #[arg(long, value_name = "N")]
    pids: Option<u32>,
    /// A bound of each service, nofile=1024:2048; may be repeated, -1 is none
    #[arg(long = "ulimit", value_name = "NAME=SOFT[:HARD]", value_parser = ulimit)]
    ulimits: Vec<(String, Ulimit)>,
    /// Forget all of these first
    #[arg(long)]
    no_defaults: bool,
}

fn ulimit(text: &str) -> Result<(String, Ulimit), String> {
    let parse = || {
        let (name, bounds) = text.split_once('=')?;
        let (soft, hard) = bounds.split_once(':').unwrap_or((bounds, bounds));
        let (soft, hard) = (soft.parse().ok()?, hard.parse().ok()?);
        Some((name.to_owned(), Ulimit { soft, hard }))
    };
    parse().ok_or_else(|| "write NAME=SOFT:HARD, like nofile=1024:2048".to_owned())
}

impl DefaultArgs {
    /// Changes what is typed.
    pub fn change(&self, defaults: &mut HostDefaults) {
        if self.no_defaults {
            *defaults = HostDefaults::default();
        }
        let said = |given: Option<Amount>, there: Option<u64>| given.map(|a| a.0).or(there);
        defaults.log_level = self.log_level.or(defaults.log_level);
        if let Some(server) = &self.log_server {
            defaults.log_server = Some(server.clone()).filter(|text| !text.is_empty());
        }
        defaults.log_bytes_max = said(self.log_bytes_max, defaults.log_bytes_max);
        defaults.log_files_max = self.log_files_max.or(defaults.log_files_max);
        defaults.memory_bytes = said(self.memory, defaults.memory_bytes);
        defaults.cpu_milli = self.cpu_milli.or(defaults.cpu_milli);
        defaults.pids = self.pids.or(defaults.pids);
        defaults.ulimits.extend(self.ulimits.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ulimit_has_one_bound_or_two() {
        let (name, both) = ulimit("nofile=1024:2048").unwrap();
        assert_eq!(
            (name.as_str(), both.soft, both.hard),
            ("nofile", 1024, 2048)
        );
        assert_eq!(ulimit("core=-1").unwrap().1.hard, -1);
        assert!(ulimit("nofile").is_err() && ulimit("nofile=many").is_err());
    }
}
