//! The shim and the sample alone, for tests of the process driver: the `caviada` executable has
//! both as hidden subcommands.

use std::ffi::OsString;
use std::process::ExitCode;

use caviada_driver::process::{sample, shim};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((word, rest)) if word == "shim" => shim::run(rest),
        Some((word, rest)) if word == "sample" => sample::run(rest),
        _ => {
            eprintln!("caviada-shim: shim … | sample …");
            ExitCode::from(2)
        }
    }
}
