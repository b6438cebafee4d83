//! `cargo xtask fuzz TARGET`: one parser under libFuzzer, guided by the coverage it measures.
//!
//! The instrumentation is LLVM's and comes by flags of the stable compiler; only the address
//! sanitizer would need a nightly one, and there is no unsafe code to watch. Beside Rust it takes a
//! C++ compiler, which builds the engine.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, cargo};

/// What makes LLVM count edges and trace comparisons, for every crate in the program.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];
const SECONDS: u64 = 60;

/// What to fuzz and for how long.
#[derive(Debug, PartialEq)]
pub struct Flags {
    target: String,
    seconds: u64,
    /// A text to check once, such as a finding.
    input: Option<String>,
}

impl Flags {
    pub fn parse(words: &[&str]) -> Result<Self> {
        let mut flags = Self {
            target: String::new(),
            seconds: SECONDS,
            input: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => {
                    let value = words.next().context("--seconds needs a number")?;
                    flags.seconds = value.parse().context("--seconds needs a number")?;
                }
                "--input" => {
                    let value = words.next().context("--input needs a file")?;
                    flags.input = Some((*value).to_owned());
                }
                name if !name.starts_with('-') && flags.target.is_empty() => {
                    name.clone_into(&mut flags.target);
                }
                other => bail!("{other} is no flag of fuzz; see cargo xtask --help"),
            }
        }
        ensure!(
            !flags.target.is_empty(),
            "name a target: one of those in crates/fuzz/src/target"
        );
        Ok(flags)
    }
}

/// Builds, runs, and says where findings are.
pub fn run(flags: &Flags) -> Result<ExitCode> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let mut version = Command::new(&compiler);
    version
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    ensure!(
        version.status().is_ok_and(|status| status.success()),
        "the engine is C++ and `{compiler}` is not there: install one (Debian: apt install g++), or \
         let CXX name it"
    );
    let host = cargo::host()?;
    // A place of its own: other flags would build everything anew at each change between the two.
    let place = cargo::target_folder()?.join("fuzz");
    let mut build = cargo(&["build", "--package", "caviada-fuzz", "--features", "engine"]);
    build.args(["--target", &host, "--target-dir"]).arg(&place);
    build.env("RUSTFLAGS", INSTRUMENTATION.join(" "));
    // Overflow and assertions are still looked at, some ten times as often.
    build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    cargo::run(&mut build).context("building the fuzzer")?;

    let folder = place.join("targets").join(&flags.target);
    for name in ["corpus", "findings"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let mut program = Command::new(place.join(&host).join("debug/caviada-fuzz"));
    program
        .env("CAVIADA_FUZZ_TARGET", &flags.target)
        .env("CAVIADA_FUZZ_FOLDER", &folder)
        .args(engine_flags(flags, &folder));
    let status = program.status().context("running the fuzzer")?;
    let findings = folder.join("findings");
    if status.success() {
        println!("{}: nothing found", flags.target);
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "\n{}: {status}. The text is in {}; check it again with\n  cargo xtask fuzz {} --input FILE\n\
         Mend the parser, and add the text to the target's seeds.",
        flags.target,
        findings.display(),
        flags.target
    );
    Ok(ExitCode::FAILURE)
}

fn engine_flags(flags: &Flags, folder: &Path) -> Vec<String> {
    // A hang and a heap without end are findings too.
    let mut words = vec!["-timeout=20".to_owned(), "-rss_limit_mb=2048".to_owned()];
    words.push(format!(
        "-artifact_prefix={}/",
        folder.join("findings").display()
    ));
    match &flags.input {
        Some(file) => words.push(file.clone()),
        None => {
            words.push(format!("-max_total_time={}", flags.seconds));
            words.push("-max_len=16384".to_owned());
            words.push(format!("-dict={}", folder.join("words").display()));
            words.push(folder.join("corpus").display().to_string());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_and_bounds_are_numbers() {
        let flags = Flags::parse(&["selector", "--seconds", "5"]).unwrap();
        assert_eq!((flags.target.as_str(), flags.seconds), ("selector", 5));
        for bad in [
            &[][..],
            &["a", "b"],
            &["a", "--seconds"],
            &["a", "--seconds", "x"],
            &["-x"],
        ] {
            assert!(Flags::parse(bad).is_err(), "{bad:?}");
        }
    }
}
