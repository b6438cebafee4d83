//! How a command ends. The codes are part of the interface.

use std::fmt;
use std::process::ExitCode;

use caviada_api::client;
use caviada_api::lease::{Lease, LeaseEnd};
use caviada_api::problem::code;

/// The exit code, and what it means to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Ok,
    /// 1: not done.
    Failed,
    /// 2: what was typed or written in a file cannot be meant.
    Usage,
    /// 3: nothing is free, or what was asked for can never be had.
    NoneFree,
    /// 4: no key, or one that the server does not know.
    NotSignedIn,
    /// 5: the wait is over.
    WaitOver,
    /// 6: the lease is over, though its holder did not end it.
    LeaseLost,
    /// The child's own code.
    Child(u8),
}

impl Exit {
    /// As a number.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoneFree => 3,
            Self::NotSignedIn => 4,
            Self::WaitOver => 5,
            Self::LeaseLost => 6,
            Self::Child(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command was not done, for people, and how it ends.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    message: String,
}

impl Failure {
    /// Ends with `exit` after saying `message`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// What was typed cannot be meant.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Says why on standard error.
    pub fn tell(&self) -> ExitCode {
        eprintln!("caviada: {self}");
        self.exit.into()
    }

    /// Something in the world is not as it must be.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let exit = match &error {
            client::Error::Refused(problem) => match problem.code.as_str() {
                code::POOL_EXHAUSTED => Exit::NoneFree,
                code::LEASE_ENDED | code::STALE_FENCE => Exit::LeaseLost,
                _ if problem.status == 401 => Exit::NotSignedIn,
                _ => Exit::Failed,
            },
            client::Error::Options(_) => Exit::Usage,
            client::Error::Unreachable { .. } | client::Error::Protocol { .. } => Exit::Failed,
        };
        let hint = match &error {
            _ if exit == Exit::NotSignedIn => {
                "\n  sign in with `caviada login`, or set CAVIADA_KEY"
            }
            client::Error::Unreachable { reason, .. } if reason.contains("certificate") => {
                "\n  trust the server's certificate, or who signed it, with --ca FILE or CAVIADA_CA"
            }
            _ => "",
        };
        Self::new(exit, format!("{error}{hint}"))
    }
}

/// How a command ends whose lease ended before it could be used.
pub fn of_ended(lease: &Lease) -> Failure {
    let (exit, how) = match lease.end {
        Some(LeaseEnd::TimedOut) => (Exit::WaitOver, "the wait is over"),
        Some(LeaseEnd::Abandoned) => (Exit::WaitOver, "it was not asked about in time"),
        Some(LeaseEnd::Impossible) => (Exit::NoneFree, "what it waits for can no longer come"),
        Some(LeaseEnd::Failed) => (Exit::Failed, "its resources could not be prepared"),
        Some(LeaseEnd::Expired) => (Exit::LeaseLost, "it expired"),
        Some(LeaseEnd::Revoked) => (Exit::LeaseLost, "it was revoked"),
        Some(LeaseEnd::Lost) => (Exit::LeaseLost, "its resource was lost"),
        Some(LeaseEnd::Released | LeaseEnd::Cancelled) => (Exit::LeaseLost, "it was released"),
        None => (Exit::LeaseLost, "it ended"),
    };
    let why = lease
        .why
        .as_deref()
        .map_or(String::new(), |w| format!(": {w}"));
    Failure::new(exit, format!("{}: {how}{why}", lease.id))
}
