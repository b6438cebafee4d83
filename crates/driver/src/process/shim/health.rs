//! A service's health check, as Compose describes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::super::status::Health;
use super::super::tree::Stamp;
use super::launch::Launcher;
use crate::blueprint::{Healthcheck, Service};

/// Watches one run of a service.
pub(super) struct Watch {
    check: Option<Healthcheck>,
    started: Instant,
    next: Option<Instant>,
    running: Option<Try>,
    failures: u32,
    pub health: Health,
}

struct Try {
    process: Stamp,
    until: Instant,
}

impl Watch {
    /// `now` is when the service was started.
    pub(super) fn new(service: &Service, now: Instant) -> Self {
        let asks = |check: &&Healthcheck| check.test.first().is_some_and(|kind| kind != "NONE");
        let check = service.healthcheck.as_ref().filter(asks).cloned();
        Self {
            next: check
                .as_ref()
                .map(|c| now + ms(c.start_interval_ms.unwrap_or(c.interval_ms))),
            health: match check {
                Some(_) => Health::Starting,
                None => Health::Unchecked,
            },
            check,
            started: now,
            running: None,
            failures: 0,
        }
    }

    /// When something is due, if anything is.
    pub(super) fn due(&self) -> Option<Instant> {
        self.running.as_ref().map(|r| r.until).or(self.next)
    }

    /// Starts a try that is due, or gives up one that takes too long.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        launcher: &Launcher,
        service: &Service,
        variables: &BTreeMap<String, String>,
        directory: &Path,
    ) {
        let Some(check) = self.check.clone() else {
            return;
        };
        if let Some(running) = &self.running {
            if running.until <= now {
                // With what it started: it leads a group of its own.
                let _ = killpg(Pid::from_raw(running.process.pid), Signal::SIGKILL);
                running.process.signal(Signal::SIGKILL);
                self.running = None;
                self.count(false, now);
            }
            return;
        }
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        let argv: Vec<String> = match check.test.split_first() {
            Some((kind, words)) if kind == "CMD" => words.to_vec(),
            Some((_, words)) => ["/bin/sh", "-c"]
                .into_iter()
                .map(str::to_owned)
                .chain(words.iter().cloned())
                .collect(),
            None => return,
        };
        let mut command = launcher.command(service, &argv, variables, directory);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().ok();
        let process = started.and_then(|child| Stamp::of(i32::try_from(child.id()).ok()?));
        match process {
            Some(process) => {
                let until = now + ms(check.timeout_ms);
                self.running = Some(Try { process, until });
                self.next = None;
            }
            None => self.count(false, now),
        }
    }

    /// A child of the shim ended. Whether it was a try.
    pub(super) fn ended(&mut self, pid: i32, well: bool, now: Instant) -> bool {
        let mine = self.running.as_ref().is_some_and(|r| r.process.pid == pid);
        if mine {
            self.running = None;
            self.count(well, now);
        }
        mine
    }

    fn count(&mut self, well: bool, now: Instant) {
        let Some(check) = &self.check else {
            return;
        };
        self.next = Some(now + ms(check.interval_ms));
        if well {
            self.failures = 0;
            self.health = Health::Healthy;
            return;
        }
        let grace = self.health == Health::Starting
            && now.duration_since(self.started) < ms(check.start_period_ms);
        if let Some(sooner) = check.start_interval_ms.filter(|_| grace) {
            self.next = Some(now + ms(sooner));
        }
        if !grace {
            self.failures += 1;
        }
        if self.failures >= check.retries {
            self.health = Health::Unhealthy;
        }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
