//! What was found, and how it is printed.

use std::fmt::Display;

use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::output::{Format, Out, no_env};
use crate::cli::table::Table;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Bad,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

#[derive(Debug, Serialize)]
struct Finding {
    check: String,
    verdict: Verdict,
    what: String,
}

/// All that was found, in the order of the looks.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Nothing is wrong with it.
    pub fn is_well(&mut self, check: impl Display, what: impl Display) {
        self.push(check, Verdict::Ok, what);
    }

    /// Somebody should know.
    pub fn warns(&mut self, check: impl Display, what: impl Display) {
        self.push(check, Verdict::Warning, what);
    }

    /// Somebody must act.
    pub fn is_bad(&mut self, check: impl Display, what: impl Display) {
        self.push(check, Verdict::Bad, what);
    }

    fn push(&mut self, check: impl Display, verdict: Verdict, what: impl Display) {
        self.findings.push(Finding {
            check: check.to_string(),
            verdict,
            what: what.to_string(),
        });
    }

    /// Somebody must act on something.
    pub fn has_bad(&self) -> bool {
        self.findings.iter().any(|f| f.verdict == Verdict::Bad)
    }

    /// Prints it; by name only what is not well.
    pub fn print(&self, out: &Out) -> Result<(), Failure> {
        match out.format {
            Format::Env => Err(no_env()),
            Format::Json => out.json(&self.findings),
            Format::Name => {
                let wrong = self.findings.iter().filter(|f| f.verdict != Verdict::Ok);
                out.raw(&wrong.map(|f| format!("{}\n", f.check)).collect::<String>())
            }
            Format::Table | Format::Wide => {
                let mut table = Table::new(&["CHECK", "VERDICT", "WHAT"], false);
                for finding in &self.findings {
                    table.push(vec![
                        finding.check.clone(),
                        finding.verdict.word().to_owned(),
                        finding.what.clone(),
                    ]);
                }
                out.raw(&table.render())
            }
        }
    }
}
