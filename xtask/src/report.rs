//! What ran, how long it took, and what was left out.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The stages of one run, in order.
pub struct Report {
    started: Instant,
    /// With `CI=true` whatever is left out is a failure.
    strict: bool,
    stages: Vec<Stage>,
    left_out: Vec<String>,
}

struct Stage {
    name: &'static str,
    took: Duration,
    outcome: Result<String>,
}

impl Report {
    pub fn new(strict: bool) -> Self {
        Self {
            started: Instant::now(),
            strict,
            stages: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Runs one stage; its failure ends the run only at the end, so that one run tells all.
    pub fn stage(&mut self, name: &'static str, run: impl FnOnce() -> Result<String>) {
        eprintln!("\n──── {name}");
        let started = Instant::now();
        let outcome = run();
        self.record(name, started.elapsed(), outcome);
    }

    /// Tells that something was left out.
    pub fn left_out(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("LEFT OUT: {what}");
        self.left_out.push(what);
    }

    /// Looks for a part, and brings it where that is possible. Its absence is a failure with
    /// `CI=true`, and left out elsewhere.
    pub fn part<T>(
        &mut self,
        name: &'static str,
        find: impl FnOnce() -> Result<(T, String)>,
    ) -> Option<T> {
        eprintln!("\n──── {name}");
        let started = Instant::now();
        let (part, outcome) = match find() {
            Ok((part, said)) => (Some(part), Ok(said)),
            Err(why) => {
                self.left_out(format!("{name}: {why:#}"));
                (None, Err(why.context("CI=true leaves nothing out")))
            }
        };
        if self.strict || part.is_some() {
            self.record(name, started.elapsed(), outcome);
        }
        part
    }

    fn record(&mut self, name: &'static str, took: Duration, outcome: Result<String>) {
        let seconds = took.as_secs_f64();
        match &outcome {
            Ok(said) => eprintln!("──── {name}: ok after {seconds:.1} s {said}"),
            Err(why) => eprintln!("──── {name}: FAILED after {seconds:.1} s: {why:#}"),
        }
        self.stages.push(Stage {
            name,
            took,
            outcome,
        });
    }

    /// Prints the summary.
    pub fn finish(self) -> ExitCode {
        let took = self.started.elapsed().as_secs_f64();
        eprintln!("\n════ cargo xtask test: {took:.1} s");
        for Stage {
            name,
            took,
            outcome,
        } in &self.stages
        {
            let took = took.as_secs_f64();
            match outcome {
                Ok(said) => eprintln!("  ok      {name:<10} {took:>7.1} s  {said}"),
                Err(why) => eprintln!("  FAILED  {name:<10} {took:>7.1} s  {why:#}"),
            }
        }
        for what in &self.left_out {
            eprintln!("  LEFT OUT  {what}");
        }
        let failed = self
            .stages
            .iter()
            .filter(|stage| stage.outcome.is_err())
            .count();
        match (failed, self.left_out.len()) {
            (0, 0) => eprintln!("════ all passed, nothing left out"),
            (0, many) => eprintln!("════ all that ran passed; {many} LEFT OUT, see above"),
            (failed, _) => eprintln!("════ {failed} FAILED"),
        }
        match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}
