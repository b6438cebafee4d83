//! The server's log on standard error: text for people, or one JSON object per line.
//!
//! There is an access line for each request, and a system call for each line would cost more than
//! to write the line itself. So access lines gather for a moment and leave together; whatever else
//! is said leaves at once, after all that was said before it. A killed server loses the access
//! lines of that moment and nothing more.

mod layout;

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use caviada_core::limits;
use caviada_server::config::LogFormat;
use tracing::Metadata;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::output::wants_color;
use layout::Layout;

/// Lines with this target may wait.
const ACCESS: &str = "caviada::access";
const GATHER: Duration = Duration::from_millis(limits::client::LOG_GATHER_MS);

/// Begins the log of this process: what passes a filter that the configuration has checked.
pub fn begin(filter: &str, format: LogFormat) -> Log {
    let levels: Targets = filter.parse().unwrap_or_default();
    let log = Log::default();
    let lines = tracing_subscriber::fmt::layer().with_writer(log.clone());
    let registry = tracing_subscriber::registry().with(levels);
    match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(wants_color(&std::io::stderr()));
            let lines = lines.map_event_format(|library| Layout::new(library, format));
            registry.with(lines).init();
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            let lines = lines.map_event_format(|library| Layout::new(library, format));
            registry.with(lines).init();
        }
    }
    let flushed = log.0.clone();
    let flush = move || loop {
        let waiting = flushed.filled.wait_while(flushed.lines(), |l| l.is_empty());
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
        std::thread::sleep(GATHER);
        flushed.leave(flushed.lines());
    };
    // Without the thread lines leave when there are many.
    let _ = std::thread::Builder::new().name("log".into()).spawn(flush);
    log
}

/// The log; when it is dropped nothing waits any more.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.leave(self.0.lines());
    }
}

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<Vec<u8>>,
    filled: Condvar,
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Vec<u8>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands everything to the system, in order.
    fn leave(&self, mut lines: MutexGuard<'_, Vec<u8>>) {
        // Nobody reads: then there is nowhere left to say so.
        let _ = std::io::stderr().write_all(&lines);
        lines.clear();
    }
}

impl<'l> MakeWriter<'l> for Log {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line {
            shared: &self.0,
            waits: false,
        }
    }

    fn make_writer_for(&'l self, meta: &Metadata<'_>) -> Line<'l> {
        Line {
            shared: &self.0,
            waits: meta.target() == ACCESS,
        }
    }
}

/// One line on its way.
#[derive(Debug)]
pub struct Line<'l> {
    shared: &'l Shared,
    waits: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.shared.lines();
        if lines.is_empty() && self.waits {
            self.shared.filled.notify_one();
        }
        lines.extend_from_slice(bytes);
        if !self.waits || lines.len() >= limits::client::LOG_GATHERED_BYTES_MAX {
            self.shared.leave(lines);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
