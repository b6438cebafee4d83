//! What is in use on the machine that this program runs on, as its kernel tells.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two counts of which one would else say too little.
const BETWEEN: Duration = Duration::from_millis(200);
/// Ticks of one processor that say enough: those of the pause.
const TICKS_ENOUGH: u64 = 20;

/// This machine, and what its processors had done when it was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Machine(Mutex<Option<Ticks>>);

/// What everybody uses there; none where the kernel does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InUse {
    /// Thousandths of a processor, on average since the last look.
    pub cpu_millicores: Option<u64>,
    /// Memory that nobody else could have.
    pub memory: Option<Memory>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All of it.
    pub total: u64,
    /// What nobody else could have.
    pub used: u64,
}

/// What processors did since the machine started, in ticks of all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    all: u64,
    busy: u64,
    cpus: u64,
}

impl Machine {
    /// What is in use. The first look takes a moment: processors are counted twice.
    pub async fn in_use(&self) -> InUse {
        let memory = read("/proc/meminfo").await;
        InUse {
            cpu_millicores: self.cpu_millicores().await,
            memory: memory.as_deref().and_then(Memory::read),
        }
    }

    async fn cpu_millicores(&self) -> Option<u64> {
        let last = *self.last();
        let mut now = ticks().await?;
        let before = match last {
            Some(last) if now.all >= last.all + TICKS_ENOUGH * now.cpus => last,
            last => {
                tokio::time::sleep(BETWEEN).await;
                let before = last.unwrap_or(now);
                now = ticks().await?;
                before
            }
        };
        *self.last() = Some(now);
        now.millicores_since(before)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Ticks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// As `/proc/meminfo` says it.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let mut lines = text.lines();
            let rest = lines.find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = rest.trim().strip_suffix(" kB")?.parse().ok()?;
            kib.checked_mul(1_024)
        };
        let total = bytes("MemTotal:")?;
        Some(Self {
            total,
            used: total.saturating_sub(bytes("MemAvailable:")?),
        })
    }
}

impl Ticks {
    /// As `/proc/stat` says it.
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        // What comes behind the eighth is in the others already.
        let counts = lines.next()?.strip_prefix("cpu ")?;
        let counts = counts.split_ascii_whitespace().take(8);
        let counts: Vec<u64> = counts.map(str::parse).collect::<Result<_, _>>().ok()?;
        let all = counts.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
        let idle = counts.get(3)?.saturating_add(*counts.get(4)?);
        Some(Self {
            all,
            busy: all.saturating_sub(idle),
            cpus: lines.take_while(|line| line.starts_with("cpu")).count() as u64,
        })
    }

    /// None when no time passed in between.
    fn millicores_since(self, before: Self) -> Option<u64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        // Kernels take some of what was waiting back.
        let busy = self.busy.saturating_sub(before.busy).min(all);
        let millicores = u128::from(busy) * 1_000 * u128::from(self.cpus) / u128::from(all);
        u64::try_from(millicores).ok()
    }
}

async fn ticks() -> Option<Ticks> {
    Ticks::read(&read("/proc/stat").await?)
}

async fn read(path: &'static str) -> Option<String> {
    tokio::fs::read_to_string(path).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processors_did_between_two_looks_is_counted_in_thousandths_of_one() {
        let stat = |user: u64, idle: u64, waiting: u64| {
            let text = format!(
                "cpu  {user} 10 20 {idle} {waiting} 1 2 3 400 500\ncpu0 1 2\ncpu1 1 2\nintr 5\n"
            );
            Ticks::read(&text).unwrap()
        };
        let before = stat(100, 1_000, 50);
        assert_eq!((before.all, before.busy, before.cpus), (1_186, 136, 2));
        // Of two processors a quarter of the time.
        assert_eq!(stat(150, 1_100, 100).millicores_since(before), Some(500));
        assert_eq!(stat(100, 1_200, 50).millicores_since(before), Some(0));
        assert_eq!(stat(300, 1_000, 50).millicores_since(before), Some(2_000));
        assert_eq!(before.millicores_since(before), None);
        // A count that went back says nothing, and is no number without end.
        assert_eq!(stat(1, 1, 1).millicores_since(before), None);
        assert_eq!(stat(90, 1_100, 50).millicores_since(before), Some(0));
        for odd in ["", "cpu 1 2", "cpu  a b c d e\n", "intr 1\n"] {
            assert_eq!(Ticks::read(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn memory_that_could_be_had_is_not_in_use() {
        let text = "MemTotal:        8000 kB\nMemFree:          100 kB\nMemAvailable:    6000 kB\n";
        let memory = Memory::read(text).unwrap();
        assert_eq!((memory.total, memory.used), (8_000 << 10, 2_000 << 10));
        assert_eq!(Memory::read("MemTotal: 8000 kB\n"), None);
    }

    #[tokio::test]
    async fn the_first_look_tells_as_the_later_ones_do() {
        let machine = Machine::default();
        for _ in 0..3 {
            let in_use = machine.in_use().await;
            let cpus = ticks().await.unwrap().cpus;
            assert!(in_use.cpu_millicores.unwrap() <= 1_000 * cpus, "{in_use:?}");
            let memory = in_use.memory.unwrap();
            assert!(0 < memory.used && memory.used < memory.total, "{in_use:?}");
        }
    }
}
