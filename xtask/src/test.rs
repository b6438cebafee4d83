//! `cargo xtask test`: the whole check, from the parts it needs to the summary.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, cargo};
use crate::container::Count;
use crate::dist;
use crate::part::{self, Parts};
use crate::report::Report;

const FETCH_DEADLINE: Duration = Duration::from_secs(60);
/// As many names of left-out tests as a person reads.
const NAMES_MAX: usize = 4;

/// The tests of the kill harness, its checker's included.
const KILLS: &str = "package(caviada) & test(/^kill::/)";
/// Of these the one that kills.
const KILLER: &str = "kill::what_was_acknowledged_survives_every_kill";

/// What to do and what not.
pub struct Flags {
    pub docker: bool,
    pub postgres: bool,
    pub install: bool,
    pub dist: bool,
    pub quick: bool,
    /// How often the kill harness kills, if it is told.
    pub kills: Option<u64>,
    /// `CI=true`: nothing may be left out.
    pub strict: bool,
}

impl Flags {
    pub fn parse(words: &[&str]) -> Result<Self> {
        Self::parse_for(words, std::env::var("CI").as_deref() == Ok("true"))
    }

    fn parse_for(words: &[&str], strict: bool) -> Result<Self> {
        let mut flags = Self {
            docker: true,
            postgres: true,
            install: true,
            dist: true,
            quick: false,
            kills: None,
            strict,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--no-docker" => flags.docker = false,
                "--no-postgres" => flags.postgres = false,
                "--no-install" => flags.install = false,
                "--no-dist" => flags.dist = false,
                "--quick" => flags.quick = true,
                "--kills" => {
                    let number = words.next().and_then(|n| n.parse().ok());
                    flags.kills = Some(number.context("--kills wants a number")?);
                }
                _ => bail!("{word} is no flag of test; see cargo xtask --help"),
            }
        }
        let all = flags.docker && flags.postgres && flags.dist && !flags.quick;
        ensure!(
            all || !flags.strict,
            "CI=true leaves nothing out, so the flags that do cannot be obeyed"
        );
        Ok(flags)
    }
}

/// Runs all stages; the exit code tells whether all succeeded.
pub fn run(flags: &Flags) -> Result<ExitCode> {
    let mut report = Report::new(flags.strict);
    let parts = match flags.quick {
        true => Parts::default(),
        false => part::prepare(flags, &mut report),
    };
    look(&mut report, "format", &["fmt", "--all", "--check"]);
    if !flags.quick {
        policy(&mut report);
    }
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ];
    look(&mut report, "lints", &lints);
    if flags.quick {
        report.left_out("all but format, lints and unit tests, by --quick");
    }
    release(flags, &mut report);
    suite(flags, &parts, &mut report)?;
    Ok(report.finish())
}

/// The program that ships: that it is static, and can what static programs may fail at.
fn release(flags: &Flags, report: &mut Report) {
    if flags.quick {
        return;
    }
    if !flags.dist {
        report.left_out("the release: --no-dist");
        return;
    }
    report.stage("release", || {
        let (program, said) = dist::build()?;
        let able = dist::try_out(&program)?;
        Ok(format!("{said}; {able}"))
    });
}

/// A stage that is one command of cargo, left out where its component is not installed.
fn look(report: &mut Report, name: &'static str, words: &[&str]) {
    if !cargo::has(words[0]) {
        report.left_out(format!("{name}: cargo {} is not installed", words[0]));
        return;
    }
    report.stage(name, || {
        cargo::run(&mut cargo(words)).map(|()| String::new())
    });
}

/// Licences, bans, sources and known vulnerabilities of the dependencies.
fn policy(report: &mut Report) {
    if !cargo::has("deny") {
        report.left_out("licences and advisories of the dependencies: cargo-deny is not installed");
        return;
    }
    report.stage("policy", || {
        let words = [
            "deny",
            "--all-features",
            "check",
            "licenses",
            "bans",
            "sources",
        ];
        cargo::run(&mut cargo(&words)).map(|()| String::new())
    });
    match cargo::run_within(&mut cargo(&["deny", "fetch", "db"]), FETCH_DEADLINE) {
        Ok(()) => report.stage("advisories", || {
            let words = ["deny", "check", "--disable-fetch", "advisories"];
            cargo::run(&mut cargo(&words)).map(|()| String::new())
        }),
        Err(why) => report.left_out(format!(
            "advisories: their database is out of reach ({why:#})"
        )),
    }
}

/// The tests themselves, last, so that the runner's closing lines stand above the summary.
fn suite(flags: &Flags, parts: &Parts, report: &mut Report) -> Result<()> {
    let target = cargo::target_folder()?;
    let told = target.join("left-out.txt");
    if told.exists() {
        std::fs::remove_file(&told)?;
    }
    let count = parts.docker.then(|| Count::start(&target)).transpose()?;
    let nextest = cargo::has("nextest");
    if nextest && !flags.quick {
        report.stage("documents", || {
            cargo::run(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]))
                .map(|()| String::new())
        });
    }
    let tell = |command: &mut Command| {
        command.env("CAVIADA_TEST_LEFT_OUT", &told);
        command.env("CAVIADA_TEST_DOCKER", if parts.docker { "1" } else { "0" });
        command.env(
            "CAVIADA_TEST_POSTGRES_BIN",
            parts.postgres.as_deref().unwrap_or(Path::new("")),
        );
        if let Some(kills) = flags.kills {
            command.env("CAVIADA_KILLS", kills.to_string());
        }
        if let Some(count) = &count {
            count.tell(command);
        }
    };
    if !flags.quick {
        let mut command = killer(nextest);
        tell(&mut command);
        kills(&mut command, report);
    }
    if !flags.quick {
        report.stage("planted faults", || hunts(nextest));
    }
    let mut command = runner(flags, nextest);
    tell(&mut command);
    let mut closing = Closing::default();
    report.stage("tests", || {
        let outcome = cargo::run_watched(&mut command, |line| closing.watch(line));
        match outcome {
            Ok(()) => Ok(closing.to_string()),
            Err(why) => Err(why.context(closing.to_string())),
        }
    });
    if let Some(count) = count {
        report.stage("containers", || count.end());
    }
    if !nextest {
        report
            .left_out("the runner's time-outs: cargo-nextest is not installed, so cargo test ran");
    }
    for line in left_out_by_tests(&told)? {
        report.left_out(line);
    }
    Ok(())
}

/// The simulation finds every fault that is planted for it. A build of its own: no other has them.
fn hunts(nextest: bool) -> Result<String> {
    let package = [
        "--package",
        "caviada-ledger",
        "--features",
        "planted-faults",
    ];
    let mut command = match nextest {
        true => cargo(&["nextest", "run", "--no-capture"]),
        false => cargo(&["test"]),
    };
    command.args(package).args(["--test", "it"]);
    match nextest {
        true => command.arg("simulation::hunt"),
        false => command.args(["simulation::hunt", "--", "--nocapture"]),
    };
    let mut found = 0;
    cargo::run_watched(&mut command, |line| {
        found += u64::from(line.contains("(planted fault: "));
    })?;
    ensure!(found > 0, "no fault was hunted");
    Ok(format!("{found} found"))
}

/// The kill harness, apart from the rest: its callers, the server and what that builds want the
/// machine for themselves, or few kills hit anybody in the middle of something.
fn kills(command: &mut Command, report: &mut Report) {
    report.stage("kills", || {
        let mut said = Vec::new();
        let outcome = cargo::run_watched(command, |line| {
            if line.contains(" kills: ") {
                said.push(line.trim().to_owned());
            }
        });
        outcome.and_then(|()| {
            ensure!(!said.is_empty(), "no test killed anything");
            Ok(said.join("; "))
        })
    });
}

fn killer(nextest: bool) -> Command {
    match nextest {
        true => {
            let mut command = cargo(&["nextest", "run", "--workspace", "--profile", "kills"]);
            command.args(["--filterset", KILLS]);
            command
        }
        false => {
            let mut command = cargo(&["test", "--package", "caviada", "--test", "it", KILLER]);
            command.args(["--", "--exact", "--nocapture"]);
            command
        }
    }
}

fn runner(flags: &Flags, nextest: bool) -> Command {
    let mut command = match nextest {
        true => cargo(&["nextest", "run", "--workspace"]),
        false => cargo(&["test", "--workspace", "--no-fail-fast"]),
    };
    if nextest && flags.strict {
        command.args(["--profile", "ci"]);
    }
    if flags.quick {
        command.args(["--lib", "--bins"]);
    } else if nextest {
        // They have had a stage of their own.
        command.args(["--filterset", &format!("not ({KILLS})")]);
    } else {
        // As many at once as the other runner lets build on the engine.
        command.args(["--", "--test-threads=2", "--skip", KILLER]);
    }
    command
}

/// What the runner said at its end: nextest's summary, or the sum of what `cargo test` said for
/// each binary.
#[derive(Default)]
struct Closing {
    summary: Option<String>,
    passed: u64,
    ignored: u64,
}

impl Closing {
    fn watch(&mut self, line: &str) {
        if let Some((_, result)) = line.split_once("test result: ") {
            let count = |word: &str| -> u64 {
                let words: Vec<&str> = result.split([' ', ';']).collect();
                let at = words.iter().position(|other| *other == word);
                at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok())
                    .unwrap_or(0)
            };
            self.passed += count("passed");
            self.ignored += count("ignored");
        } else if let Some((_, counts)) = line.split_once(" tests run: ") {
            self.summary = Some(counts.to_owned());
        }
    }
}

impl std::fmt::Display for Closing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.summary {
            Some(summary) => f.write_str(summary),
            None => write!(f, "{} passed, {} ignored", self.passed, self.ignored),
        }
    }
}

/// One line per absent part, with the tests that did without it.
fn left_out_by_tests(told: &Path) -> Result<Vec<String>> {
    if !told.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(told)?;
    let mut tests: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let (part, test) = line.rsplit_once(": ").unwrap_or((line, "a test"));
        tests.entry(part).or_default().push(test);
    }
    let line = |(part, mut tests): (&str, Vec<&str>)| {
        tests.sort_unstable();
        tests.dedup();
        let more = if tests.len() > NAMES_MAX { ", …" } else { "" };
        let names = tests[..tests.len().min(NAMES_MAX)].join(", ");
        format!("{} tests without {part}: {names}{more}", tests.len())
    };
    Ok(tests.into_iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_both_runners_are_understood() {
        let mut closing = Closing::default();
        closing.watch("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        closing.watch("test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(closing.to_string(), "5 passed, 1 ignored");
        closing.watch("     Summary [   8.814s] 12 tests run: 12 passed, 0 skipped");
        assert_eq!(closing.to_string(), "12 passed, 0 skipped");
    }

    #[test]
    fn what_would_leave_something_out_is_refused_where_nothing_may_be() {
        assert!(Flags::parse_for(&["--no-docker"], true).is_err());
        assert!(Flags::parse_for(&["--quick"], true).is_err());
        assert!(Flags::parse_for(&["--no-dist"], true).is_err());
        assert!(Flags::parse_for(&["--no-install"], true).is_ok());
        assert!(Flags::parse_for(&["--no-docker", "--quick"], false).is_ok());
        assert!(Flags::parse_for(&["--no-dokcer"], false).is_err());
        assert_eq!(
            Flags::parse_for(&["--kills", "9"], true).unwrap().kills,
            Some(9)
        );
        assert!(Flags::parse_for(&["--kills"], false).is_err());
    }
}
