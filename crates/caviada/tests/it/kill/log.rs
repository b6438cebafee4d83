//! What a caller saw, in its own file, one line for each call sent, each answer, and each look of
//! the auditor. The checker reads nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// One line. Times are nanoseconds since the harness began, on one monotonic clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub at_ns: u64,
    pub said: Said,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// A call is about to be sent. Its number is the caller's own.
    Sent { call: u64, what: Call },
    /// Its answer came.
    Answered { call: u64, answer: Answer },
    /// No answer came, and none will.
    Lost { call: u64 },
    /// After a restart, before anybody calls again, this is what there was.
    Saw(Sight),
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// `count` of a pool. The key is also the lease's note.
    Acquire {
        pool: String,
        key: String,
        count: usize,
        ttl_ms: u64,
    },
    /// A deadline moved.
    Renew { lease: String, ttl_ms: u64 },
    /// A lease given back.
    Release { lease: String },
    /// Resources of these names.
    Declare { key: String, names: Vec<String> },
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// A lease.
    Lease(Lease),
    /// The declared are there.
    Declared,
    /// No; nothing was changed.
    Refused { status: u16, code: String },
    /// The server was not able to.
    Unavailable,
}

/// A lease as the API shows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Lease {
    pub id: String,
    pub state: String,
    pub fence: u64,
    pub owner: String,
    pub note: String,
    /// Comparable as text: a fixed format in UTC.
    pub expires_at: String,
    /// As of the answer.
    pub expires_in_ms: u64,
    pub resources: Vec<String>,
}

/// Everything there was at one revision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sight {
    /// Live leases.
    pub leases: Vec<Lease>,
    /// Resource id → name, state, and the lease that holds it.
    pub resources: BTreeMap<String, Seen>,
    /// Of leases that were asked for one by one because they should have ended: their state.
    pub ended: BTreeMap<String, String>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Seen {
    pub name: String,
    pub pool: String,
    pub generation: u64,
    pub state: String,
    pub lease: Option<String>,
}

/// Writes a log.
pub struct Log {
    file: File,
    began: Instant,
    calls: u64,
}

impl Log {
    pub fn new(folder: &Path, caller: &str, began: Instant) -> Self {
        let file = File::create(folder.join(format!("{caller}.log"))).unwrap();
        Self {
            file,
            began,
            calls: 0,
        }
    }

    fn write(&mut self, said: Said) {
        let at_ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap();
        let line = serde_json::to_string(&Line { at_ns, said }).unwrap();
        writeln!(self.file, "{line}").unwrap();
    }

    pub fn sent(&mut self, what: Call) -> u64 {
        self.calls += 1;
        let call = self.calls;
        self.write(Said::Sent { call, what });
        call
    }

    pub fn answered(&mut self, call: u64, answer: Answer) {
        self.write(Said::Answered { call, answer });
    }

    pub fn lost(&mut self, call: u64) {
        self.write(Said::Lost { call });
    }

    pub fn saw(&mut self, sight: Sight) {
        self.write(Said::Saw(sight));
    }
}

/// All logs of a folder: caller → its lines.
pub fn read(folder: &Path) -> BTreeMap<String, Vec<Line>> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let logs = files.filter(|f| f.path().extension().is_some_and(|e| e == "log"));
    logs.map(|file| {
        let lines = BufReader::new(File::open(file.path()).unwrap()).lines();
        let lines = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let caller = file.file_name().into_string().unwrap();
        (caller, lines.collect())
    })
    .collect()
}
