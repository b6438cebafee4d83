//! The server's configuration as flags, environment and file give it; `caviada config`.

use std::path::PathBuf;
use std::process::ExitCode;

use caviada_server::config::{self, Config, Loaded, Shown, Sources, Tls};
use caviada_server::http::tls;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::exit::{Exit, Failure};
use crate::cli::file;
use crate::cli::output::{Format, Out, no_env};
use crate::cli::table::Table;

/// Which file, and where everything is kept. Without a flag, the file and the variables say it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct StoreArgs {
    /// Configuration file (TOML); variables lie over it, flags over those
    #[arg(long, env = "CAVIADA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for everything that is kept [default: ./caviada-data] [env: CAVIADA_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Where the ledger is: sqlite, or postgres://…; others see a command line, so give a password
    /// in the variable or the file [default: sqlite] [env: CAVIADA_STORE]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// Everything a flag can say.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Address and port to listen on [default: 127.0.0.1:7632] [env: CAVIADA_LISTEN]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// API of an older system and where it listens: poolmanager=ADDR or poolmanager:VERSION=ADDR
    /// [env: CAVIADA_COMPAT]
    #[arg(long, value_name = "NAME=ADDR")]
    compat: Vec<String>,
    /// PEM file with the server's certificate chain; with it the server speaks TLS
    /// [env: CAVIADA_TLS__CERTIFICATE]
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// PEM file with the key of that certificate [env: CAVIADA_TLS__KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Speak TLS with a certificate made at the first start [env: CAVIADA_TLS__SELF_SIGNED]
    #[arg(long)]
    tls_self_signed: bool,
    /// How to log: text or json [default: text] [env: CAVIADA_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// The server's configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read everything and say what is wrong
    Check(ConfigArgs),
    /// Show each key's value; passwords are left out
    Show {
        #[command(flatten)]
        args: ConfigArgs,
        /// And where it comes from
        #[arg(long)]
        origin: bool,
    },
}

type Flag = (&'static str, String);

impl StoreArgs {
    fn flags(&self) -> Vec<Flag> {
        let one = |key, value: &Option<String>| value.clone().map(|value| (key, value));
        let flags = [one("data_dir", &self.data_dir), one("store", &self.store)];
        flags.into_iter().flatten().collect()
    }

    fn read(&self, mut flags: Vec<Flag>) -> Result<Loaded, Failure> {
        let file = self.config.as_ref().map(|path| {
            let name = path.display().to_string();
            match file::read_to_string(path) {
                Ok(text) => Ok((name, text)),
                Err(error) => Err(Failure::usage(format!(
                    "the configuration file {name} cannot be read: {error}"
                ))),
            }
        });
        flags.extend(self.flags());
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let sources = Sources {
            file: file.transpose()?,
            variables: std::env::vars_os()
                .map(|(name, value)| (lossy(name), lossy(value)))
                .filter(|(name, _)| name.starts_with("CAVIADA_") || config::is_old(name))
                .collect(),
            flags,
        };
        config::load(&sources).map_err(|errors| {
            let lines: String = errors.iter().map(|e| format!("\n  {e}")).collect();
            Failure::usage(format!("the configuration cannot be used:{lines}"))
        })
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(&self) -> Result<Loaded, Failure> {
        self.read(Vec::new())
    }
}

impl ConfigArgs {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(&self) -> Result<Loaded, Failure> {
        let one = |key, value: &Option<String>| value.clone().map(|value| (key, value));
        let compat = (!self.compat.is_empty()).then(|| self.compat.join(","));
        let flags = [
            one("listen", &self.listen),
            one("compat", &compat),
            one("tls.certificate", &self.tls_certificate),
            one("tls.key", &self.tls_key),
            self.tls_self_signed
                .then(|| ("tls.self_signed", "true".to_owned())),
            one("log_format", &self.log_format),
        ];
        self.store.read(flags.into_iter().flatten().collect())
    }
}

/// `caviada config`.
pub fn config(command: &ConfigCommand, format: Format) -> ExitCode {
    let done = match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Show { args, origin } => show(args, *origin, &Out::new(format)),
    };
    match done {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => failure.tell(),
    }
}

fn check(args: &ConfigArgs) -> Result<(), Failure> {
    let loaded = args.load()?;
    warn(&loaded);
    files(&loaded.config)?;
    eprintln!("caviada: the configuration is sound");
    Ok(())
}

/// What the files it names say.
pub fn files(config: &Config) -> Result<(), Failure> {
    if let Some(Tls::Files { certificate, key }) = &config.tls {
        tls::Files::open(certificate, key).map_err(|e| Failure::usage(e.to_string()))?;
    }
    Ok(())
}

/// Says what people should look at.
pub fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        eprintln!("caviada: {warning}");
    }
}

fn show(args: &ConfigArgs, origin: bool, out: &Out) -> Result<(), Failure> {
    let loaded = args.load()?;
    warn(&loaded);
    match out.format {
        Format::Env => Err(no_env()),
        Format::Name => {
            let names = loaded.shown.iter().map(|s| format!("{}\n", s.key));
            out.raw(&names.collect::<String>())
        }
        Format::Json => {
            let one =
                |s: &Shown| json!({"key": s.key, "value": s.value, "origin": s.origin.to_string()});
            out.json(&loaded.shown.iter().map(one).collect::<Vec<_>>())
        }
        Format::Table | Format::Wide => {
            let origin = origin || out.format == Format::Wide;
            let heads = ["KEY", "VALUE", "ORIGIN"];
            let mut table = Table::new(&heads[..if origin { 3 } else { 2 }], false);
            for Shown {
                key,
                value,
                origin: from,
            } in &loaded.shown
            {
                let mut cells = vec![(*key).to_owned(), value.clone()];
                cells.extend(origin.then(|| from.to_string()));
                table.push(cells);
            }
            out.raw(&table.render())
        }
    }
}
