//! The shim's loop: one service, its output, its health, its restarts, its end.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use caviada_core::limits;
use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, setsid};

use super::super::folder::{ResourceFolder, ServiceFolder};
use super::super::log::Log;
use super::super::record::Record;
use super::super::status::{State, Status};
use super::super::tree::{self, Stamp};
use super::super::variable;
use super::children::Children;
use super::health::Watch;
use super::launch::{self, Launcher};
use super::output::{Output, Search, Stream};
use crate::blueprint::{Restart, Service};

const PAUSE_MIN: Duration = Duration::from_millis(limits::driver::RESTART_PAUSE_MS_MIN);
const PAUSE_MAX: Duration = Duration::from_millis(limits::driver::RESTART_PAUSE_MS_MAX);
const GOOD_RUN: Duration = Duration::from_millis(limits::driver::GOOD_RUN_MS);
const LOCK_WAIT: Duration = Duration::from_millis(limits::driver::SHIM_LOCK_MS_MAX);
const TELL_AGAIN: Duration = Duration::from_millis(limits::driver::STATUS_AGAIN_MS);

/// Where a service's processes start.
pub(super) fn directory(folder: &ResourceFolder, service: &Service) -> PathBuf {
    match &service.working_dir {
        Some(path) => {
            let (base, below) = folder.locate(service, path);
            base.join(below)
        }
        None => folder.service(&service.name).files(),
    }
}

/// Runs a service until it ended for good.
pub(super) fn serve(
    launcher: Launcher,
    folder: ResourceFolder,
    record: Record,
    name: &str,
) -> Result<(), String> {
    let said = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    let home = folder.service(name);
    // Not to be reached by what is sent to the server's terminal or group.
    setsid().map_err(said("setsid"))?;
    let _lock = lock(&home)?;
    prctl::set_child_subreaper(true).map_err(said("subreaper"))?;
    let children = Children::watch().map_err(said("signals"))?;
    let service = record.blueprint.service(name).ok_or("no such service")?;
    let shim = Stamp::of(Pid::this().as_raw()).ok_or("/proc is not there")?;
    let wanted = service
        .job
        .as_ref()
        .and_then(|j| j.output_contains.as_deref());
    let now = Instant::now();
    let mut supervisor = Supervisor {
        launcher,
        variables: variable::all(&record, &folder, service),
        directory: directory(&folder, service),
        argv: record.argv(service),
        log: Log::open(&home.log(), &service.log.clone().unwrap_or_default())
            .map_err(|e| format!("log: {e}"))?,
        search: Search::new(wanted),
        children,
        watch: Watch::new(service, now),
        status: Status {
            boot: tree::boot(),
            shim,
            process: None,
            state: State::Running,
            code: None,
            paused: false,
            health: Watch::new(service, now).health,
            output_found: wanted.is_none(),
            restarts: 0,
            flushes: 0,
        },
        told: None,
        tell_at: None,
        output: None,
        started: now,
        again_at: None,
        pause: PAUSE_MIN,
        stop_until: None,
        stopping: false,
        home,
        service,
    };
    supervisor.start()?;
    supervisor.run()
}

/// One shim per service at a time, whoever starts it: the lock goes with the process.
fn lock(home: &ServiceFolder) -> Result<Flock<std::fs::File>, String> {
    let until = Instant::now() + LOCK_WAIT;
    loop {
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(home.lock())
            .map_err(|e| format!("lock: {e}"))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            Err((_, error)) => return Err(format!("another shim serves it: {error}")),
        }
    }
}

struct Supervisor<'a> {
    launcher: Launcher,
    home: ServiceFolder,
    service: &'a Service,
    variables: BTreeMap<String, String>,
    directory: PathBuf,
    argv: Vec<String>,
    children: Children,
    log: Log,
    search: Search,
    watch: Watch,
    status: Status,
    /// The status on the disk.
    told: Option<Status>,
    /// When to try again to write it.
    tell_at: Option<Instant>,
    output: Option<Output>,
    started: Instant,
    again_at: Option<Instant>,
    pause: Duration,
    stop_until: Option<Instant>,
    stopping: bool,
}

impl Supervisor<'_> {
    fn run(&mut self) -> Result<(), String> {
        while !matches!(self.status.state, State::Exited | State::Stopped) {
            self.tell();
            let ready = self.wait()?;
            if let Some(output) = &mut self.output {
                for stream in ready {
                    output.take(stream, &mut self.log, &mut self.search);
                }
            }
            for signal in self.children.signals() {
                self.told_to(signal);
            }
            for (pid, end) in self.children.reap() {
                self.ended(pid, end.code);
            }
            self.tick()?;
        }
        for _ in 0..limits::driver::STATUS_LAST_TRIES_MAX {
            self.tell();
            if self.tell_at.is_none() {
                return Ok(());
            }
            std::thread::sleep(TELL_AGAIN);
        }
        Err("its end could not be written down".to_owned())
    }

    /// Writes the status if it changed. A disk that is full for a while must not stop a service:
    /// it is tried again.
    fn tell(&mut self) {
        self.status.output_found = self.search.found;
        self.status.health = self.watch.health;
        self.tell_at = None;
        if self.told.as_ref() != Some(&self.status) {
            match self.status.write(&self.home) {
                Ok(()) => self.told = Some(self.status.clone()),
                Err(_) => self.tell_at = Some(Instant::now() + TELL_AGAIN),
            }
        }
    }

    /// Waits for a signal, output or the next time something is due; the streams that are ready.
    fn wait(&self) -> Result<Vec<Stream>, String> {
        let due = [
            self.again_at,
            self.stop_until,
            self.tell_at,
            self.watch_due(),
        ];
        let timeout = match due.into_iter().flatten().min() {
            Some(due) => {
                let left = due.saturating_duration_since(Instant::now());
                // Rounded up: a little late is one look, a little early is many.
                let ms = left.as_millis().saturating_add(1);
                PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX)
            }
            None => PollTimeout::NONE,
        };
        let streams = self.output.as_ref().map(Output::open).unwrap_or_default();
        let fds = streams.iter().map(|(_, fd)| *fd);
        let mut waited: Vec<PollFd<'_>> = std::iter::once(self.children.as_fd())
            .chain(fds)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut waited, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(format!("poll: {error}")),
        }
        let ready = waited.iter().skip(1).zip(&streams);
        Ok(ready
            .filter(|(fd, _)| fd.revents().is_some_and(|r| !r.is_empty()))
            .map(|(_, (stream, _))| *stream)
            .collect())
    }

    /// A frozen service's health is not asked.
    fn watch_due(&self) -> Option<Instant> {
        let asks = self.status.process.is_some() && !self.status.paused;
        asks.then(|| self.watch.due()).flatten()
    }

    fn start(&mut self) -> Result<(), String> {
        let said = |error: std::io::Error| format!("start: {error}");
        let (stdout, stdout_in) = std::io::pipe().map_err(said)?;
        let (stderr, stderr_in) = std::io::pipe().map_err(said)?;
        let mut command =
            self.launcher
                .command(self.service, &self.argv, &self.variables, &self.directory);
        let (mut report, report_in) = std::io::pipe().map_err(said)?;
        command.stdin(report_in).stdout(stdout_in).stderr(stderr_in);
        let child = command.spawn().map_err(said)?;
        // The command holds the writing ends, which must close with the service.
        drop(command);
        let now = Instant::now();
        self.output = Some(Output::new(stdout, stderr));
        self.status.process = i32::try_from(child.id()).ok().and_then(Stamp::of);
        self.status.state = State::Running;
        self.watch = Watch::new(self.service, now);
        self.started = now;
        self.again_at = None;
        // Ends once the program runs, or with a word if it cannot be run.
        let mut word = Vec::new();
        report.read_to_end(&mut word).map_err(said)?;
        if !word.is_empty() {
            self.over(i64::from(launch::CANNOT_RUN));
        }
        Ok(())
    }

    fn told_to(&mut self, signal: Signal) {
        let own = Pid::this().as_raw();
        match signal {
            Signal::SIGQUIT => {
                self.stopping = true;
                self.over(137);
            }
            Signal::SIGTERM if !self.stopping => self.stop(),
            Signal::SIGUSR1 if self.status.process.is_some() && !self.status.paused => {
                tree::freeze(|| tree::descendants(own));
                self.status.paused = true;
            }
            Signal::SIGUSR2 if self.status.paused => self.thaw(),
            Signal::SIGHUP => {
                self.drain();
                self.status.flushes += 1;
            }
            _ => {}
        }
    }

    fn thaw(&mut self) {
        let own = Pid::this().as_raw();
        tree::signal_all(&tree::descendants(own), Signal::SIGCONT);
        self.status.paused = false;
    }

    fn stop(&mut self) {
        self.stopping = true;
        let Some(process) = self.status.process else {
            self.status.state = State::Stopped;
            return;
        };
        // Frozen, it could not hear that it shall stop.
        if self.status.paused {
            self.thaw();
        }
        let signal = launch::signal(self.service).unwrap_or(Signal::SIGTERM);
        process.signal(signal);
        let grace = Duration::from_secs(u64::from(self.service.stop_grace_s));
        self.stop_until = Some(Instant::now() + grace);
    }

    fn ended(&mut self, pid: i32, code: i64) {
        if self.watch.ended(pid, code == 0, Instant::now()) {
            return;
        }
        if self.status.process.is_some_and(|p| p.pid == pid) {
            self.over(code);
        }
    }

    /// The service's process ended, or shall: so does everything it left behind.
    fn over(&mut self, code: i64) {
        let main = self.status.process.take().map(|p| p.pid);
        let killed = self.children.kill_all();
        let found = killed.iter().find(|(pid, _)| Some(*pid) == main);
        // One that could not be run may be killed before it has ended by itself.
        let code = match found {
            Some((_, end)) if code != i64::from(launch::CANNOT_RUN) => end.code,
            _ => code,
        };
        // All writers are dead, so what the pipes hold is little and ends.
        self.drain();
        self.output = None;
        self.status.code = Some(code);
        self.status.paused = false;
        self.stop_until = None;
        let again = match self.service.restart {
            _ if self.stopping => false,
            Restart::No => false,
            Restart::OnFailure => code != 0,
            Restart::Always | Restart::UnlessStopped => true,
        };
        if again {
            if self.started.elapsed() >= GOOD_RUN {
                self.pause = PAUSE_MIN;
            }
            self.status.state = State::Restarting;
            self.again_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        } else {
            self.status.state = match self.stopping {
                true => State::Stopped,
                false => State::Exited,
            };
        }
    }

    /// Takes what is in the pipes.
    fn drain(&mut self) {
        let Some(output) = &mut self.output else {
            return;
        };
        for _ in 0..limits::driver::DRAINS_MAX {
            let ready = output.ready();
            if ready.is_empty() {
                return;
            }
            for stream in ready {
                output.take(stream, &mut self.log, &mut self.search);
            }
        }
    }

    /// What is due by time.
    fn tick(&mut self) -> Result<(), String> {
        let now = Instant::now();
        if self.stop_until.is_some_and(|until| until <= now) {
            self.over(137);
        }
        if self.again_at.is_some_and(|at| at <= now) && !self.stopping {
            self.status.restarts += 1;
            self.start()?;
        }
        if self.watch_due().is_some_and(|due| due <= now) {
            let directory: &Path = &self.directory;
            self.watch.tick(
                now,
                &self.launcher,
                self.service,
                &self.variables,
                directory,
            );
        }
        Ok(())
    }
}
