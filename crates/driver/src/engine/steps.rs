//! Progress, counted.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{OnProgress, Progress};

/// Counts a bring-up's steps for those who watch.
pub(crate) struct Steps<'a> {
    progress: OnProgress<'a>,
    done: AtomicU32,
    of: u32,
}

impl<'a> Steps<'a> {
    pub fn new(progress: OnProgress<'a>, of: usize) -> Self {
        Self {
            progress,
            done: AtomicU32::new(0),
            of: u32::try_from(of).unwrap_or(u32::MAX),
        }
    }

    pub fn done(&self, step: &'static str, subject: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.tell(step, subject.to_owned(), done);
    }

    pub fn bytes(&self, image: &str, told: u64, of: u64) {
        let subject = format!("{image} ({} of {} KiB)", told >> 10, of >> 10);
        self.tell("pulling", subject, self.done.load(Ordering::Relaxed));
    }

    fn tell(&self, step: &'static str, subject: String, done: u32) {
        (self.progress)(Progress {
            step,
            subject,
            done,
            of: self.of,
        });
    }
}
