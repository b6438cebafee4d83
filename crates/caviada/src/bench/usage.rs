//! What a process has used of the machine, as `/proc` tells it.

use std::time::Duration;

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time of all its threads, system calls included.
    pub cpu: Duration,
    /// Memory it holds, in bytes.
    pub memory_bytes: u64,
}

impl Usage {
    /// Of one process; none where the system does not tell.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let ticks_per_s = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK);
        let ticks_per_s = u32::try_from(ticks_per_s.ok()??).ok()?;
        let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
        let page_bytes = u64::try_from(page_bytes.ok()??).ok()?;
        let (ticks, pages) = fields(&stat)?;
        Some(Self {
            cpu: Duration::from_secs(ticks) / ticks_per_s,
            memory_bytes: pages * page_bytes,
        })
    }

    /// Of this process.
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }
}

/// Clock ticks in user and system mode, and resident pages.
fn fields(stat: &str) -> Option<(u64, u64)> {
    // The second field is the program's name in brackets and may hold anything.
    let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| rest.get(number - 3)?.parse::<u64>().ok();
    Some((field(14)? + field(15)?, field(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_hides_no_field() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 0 0 20 0 1 0 9 100 321 9";
        assert_eq!(fields(stat), Some((110, 321)));
        assert_eq!(fields("7 (a"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(Usage::own().unwrap().memory_bytes > 0);
    }
}
