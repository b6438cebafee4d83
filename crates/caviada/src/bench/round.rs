//! Alternating rounds: the bare route, then acquire and release, in turns on the same server. A
//! machine that is slower for a while is slower for both.

use std::time::Duration;

use anyhow::Context;
use caviada_api::client::Client;

use super::Plan;
use super::load::{Count, Load, Window};
use super::report::{Report, Writer, median, millis, rounded};
use super::server::Server;
use super::usage::Usage;

/// The halves of a round take turns of about this: what else the machine does comes and goes in
/// seconds, and so meets both.
const TURN: Duration = Duration::from_millis(1_250);
/// Load before anything counts.
pub const WARM: Duration = Duration::from_millis(300);
/// A round whose history is further behind has only put work off, and does not count.
const LAG_MS_MAX: u64 = 10_000;
/// A load generator that takes more of the processor time measures itself.
const CLIENT_SHARE_MAX: f64 = 0.6;
/// Part of the closed loop's rate at which latency is measured: a server that is not full.
const OPEN_LOOP_PART: f64 = 0.5;

/// Half a round, or a turn of it.
#[derive(Debug)]
pub struct Slice {
    count: Count,
    seconds: f64,
    server: Option<Duration>,
    own: Option<Duration>,
}

impl Slice {
    /// What both came to.
    fn with(mut self, next: Self) -> Self {
        let sum = |a: Option<Duration>, b: Option<Duration>| Some(a? + b?);
        self.count.add(next.count);
        Self {
            count: self.count,
            seconds: self.seconds + next.seconds,
            server: sum(self.server, next.server),
            own: sum(self.own, next.own),
        }
    }

    fn per_s(&self) -> f64 {
        as_f64(self.count.requests) / self.seconds
    }

    fn cycles_per_s(&self) -> f64 {
        as_f64(self.count.cycles) / self.seconds
    }

    /// Microseconds of the server's processor time for one of so many.
    fn cpu_us(&self, many: u64) -> Option<f64> {
        Some(self.server?.as_secs_f64() * 1e6 / as_f64(many.max(1)))
    }

    /// That for one lease acquired and given back.
    pub fn cpu_us_per_cycle(&self) -> Option<f64> {
        self.cpu_us(self.count.cycles)
    }

    fn client_share(&self) -> Option<f64> {
        let (own, server) = (self.own?.as_secs_f64(), self.server?.as_secs_f64());
        Some(own / (own + server))
    }
}

/// One round, or a turn of it.
#[derive(Debug)]
struct Round {
    bare: Option<Slice>,
    cycle: Slice,
    /// The same through an older system's API.
    via: Option<Slice>,
    commits: Option<Commits>,
    /// As it is at the end.
    writer: Option<Writer>,
}

/// What the writer committed, over the warm-up too.
#[derive(Debug)]
struct Commits {
    count: u64,
    seconds: f64,
}

impl Round {
    /// What both came to.
    fn with(self, next: Self) -> Self {
        let sum = |a: Option<Slice>, b: Option<Slice>| Some(a?.with(b?));
        let commits = self.commits.zip(next.commits).map(|(a, b)| Commits {
            count: a.count + b.count,
            seconds: a.seconds + b.seconds,
        });
        Self {
            bare: sum(self.bare, next.bare),
            cycle: self.cycle.with(next.cycle),
            via: sum(self.via, next.via),
            commits,
            writer: next.writer,
        }
    }

    fn commits_per_s(&self) -> Option<f64> {
        let commits = self.commits.as_ref()?;
        Some(as_f64(commits.count) / commits.seconds)
    }

    fn counts(&self) -> bool {
        self.writer.is_none_or(|w| w.history_lag_ms < LAG_MS_MAX)
    }

    fn client_share(&self) -> Option<f64> {
        let bare = self.bare.as_ref().and_then(Slice::client_share);
        let cycle = self.cycle.client_share();
        bare.into_iter().chain(cycle).reduce(f64::max)
    }

    fn ratio(&self) -> Option<f64> {
        let sound = self.client_share().is_none_or(|s| s <= CLIENT_SHARE_MAX);
        let bare = self.bare.as_ref().filter(|_| sound)?;
        Some(self.cycle.per_s() / bare.per_s())
    }

    /// Of the older API to HTTP v1.
    fn ratio_of_via(&self) -> Option<f64> {
        Some(self.via.as_ref()?.cycles_per_s() / self.cycle.cycles_per_s())
    }

    fn say(&self, number: usize) {
        let mut line = format!("round {number}: {:.0} cycles/s", self.cycle.cycles_per_s());
        if let Some(bare) = &self.bare {
            line += &format!(", {:.0} requests/s bare", bare.per_s());
        }
        if let Some((via, ratio)) = self.via.as_ref().zip(self.ratio_of_via()) {
            line += &format!(", {:.0} cycles/s via, {ratio:.3} of v1", via.cycles_per_s());
        }
        match (self.ratio(), self.client_share()) {
            (Some(ratio), Some(share)) => {
                line += &format!(", ratio {ratio:.3}, load generator {:.0} %", share * 100.0);
            }
            (None, Some(share)) if share > CLIENT_SHARE_MAX => {
                let share = share * 100.0;
                line += &format!(", no ratio: the load generator itself took {share:.0} %");
            }
            _ => {}
        }
        if !self.counts() {
            line += ", does not count: the history is too far behind";
        }
        eprintln!("{line}");
    }
}

/// A server under load, with all that can be known of it.
#[derive(Debug)]
pub struct Subject<'s> {
    /// The load.
    pub load: Load,
    /// Another one, through an older system's API.
    pub via: Option<Load>,
    /// For what the server tells of itself.
    pub client: Client,
    /// The process, if it is the bench's own.
    pub server: Option<&'s Server>,
}

impl Subject<'_> {
    /// All rounds and then the latencies, into the report.
    pub async fn measure(&self, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
        let mut rounds = Vec::new();
        for number in 1..=plan.rounds {
            let round = self.round(plan).await?;
            round.say(number);
            rounds.push(round);
        }
        rounds.retain(Round::counts);
        sum_up(&rounds, report);
        let rate = report.cycles_per_s.context("no round counts")? * OPEN_LOOP_PART;
        let window = Window::after(WARM, plan.slice);
        let mut open = self.load.open(plan.connections, rate, window).await?;
        report.open_loop_per_s = Some(rounded(rate, 0));
        report.acquire_p50_ms = open.acquire_ms(50).map(|ms| rounded(ms, 3));
        report.acquire_p99_ms = open.acquire_ms(99).map(|ms| rounded(ms, 3));
        let window = Window::after(WARM, plan.slice);
        let mut alone = self.load.closed(1, window).await?;
        report.alone_p50_ms = alone.acquire_ms(50).map(|ms| rounded(ms, 3));
        report.alone_p99_ms = alone.acquire_ms(99).map(|ms| rounded(ms, 3));
        // Another server's longest turn may be of long ago; the own one began for this load.
        let writer = match self.server {
            Some(_) => Writer::ask(&self.client).await,
            None => None,
        };
        report.turn_max_ms = writer.map(|w| millis(w.turn_max, 3));
        report.commit_max_ms = writer.map(|w| millis(w.commit_max, 3));
        report.work_max_ms = writer.map(|w| millis(w.work_max, 3));
        Ok(())
    }

    async fn round(&self, plan: &Plan) -> anyhow::Result<Round> {
        let turns = turns(plan.slice);
        let mut round = self.turn(plan, plan.slice / turns).await?;
        for _ in 1..turns {
            round = round.with(self.turn(plan, plan.slice / turns).await?);
        }
        Ok(round)
    }

    async fn turn(&self, plan: &Plan, slice: Duration) -> anyhow::Result<Round> {
        let bare = match self.server {
            Some(_) => {
                let window = Window::after(WARM, slice);
                let load = self.load.bare(plan.connections, window);
                Some(measured(self.server, window, load).await?)
            }
            None => None,
        };
        let before = Writer::ask(&self.client).await;
        let window = Window::after(WARM, slice);
        let load = self.load.closed(plan.connections, window);
        let cycle = measured(self.server, window, load).await?;
        let writer = Writer::ask(&self.client).await;
        let via = match &self.via {
            Some(via) => {
                let window = Window::after(WARM, slice);
                let load = via.closed(plan.connections, window);
                Some(measured(self.server, window, load).await?)
            }
            None => None,
        };
        let commits = before.zip(writer).map(|(before, after)| Commits {
            count: after.commits.saturating_sub(before.commits),
            seconds: cycle.seconds + WARM.as_secs_f64(),
        });
        Ok(Round {
            bare,
            commits,
            cycle,
            via,
            writer,
        })
    }
}

/// In how many turns halves of this length are measured.
fn turns(slice: Duration) -> u32 {
    u32::try_from(slice.as_millis() / TURN.as_millis())
        .unwrap_or(u32::MAX)
        .max(1)
}

/// Runs a load and looks at the clocks of both processes where its window begins and ends.
pub async fn measured(
    server: Option<&Server>,
    window: Window,
    load: impl Future<Output = anyhow::Result<Count>>,
) -> anyhow::Result<Slice> {
    let usage = async |at: std::time::Instant| {
        tokio::time::sleep_until(at.into()).await;
        (Usage::own(), server.and_then(Server::usage))
    };
    let (count, began, ended) = tokio::join!(load, usage(window.begin), usage(window.end));
    let spent =
        |began: Option<Usage>, ended: Option<Usage>| Some(ended?.cpu.saturating_sub(began?.cpu));
    Ok(Slice {
        count: count?,
        seconds: (window.end - window.begin).as_secs_f64(),
        own: spent(began.0, ended.0),
        server: spent(began.1, ended.1),
    })
}

fn sum_up(rounds: &[Round], report: &mut Report) {
    let bare = || rounds.iter().filter_map(|r| r.bare.as_ref());
    let ratios = || rounds.iter().filter_map(Round::ratio);
    let writers = || rounds.iter().filter_map(|r| r.writer);
    let cycles = |s: &Slice| s.count.cycles;
    let whole = |figure: Option<f64>| figure.map(|f| rounded(f, 0));
    let fine = |figure: Option<f64>| figure.map(|f| rounded(f, 3));
    report.rounds = rounds.len();
    report.bare_requests_per_s = whole(median(bare().map(Slice::per_s)));
    report.requests_per_s = whole(median(rounds.iter().map(|r| r.cycle.per_s())));
    report.cycles_per_s = whole(median(rounds.iter().map(|r| r.cycle.cycles_per_s())));
    let via = || rounds.iter().filter_map(|r| r.via.as_ref());
    report.via_cycles_per_s = whole(median(via().map(Slice::cycles_per_s)));
    let cpu = via().filter_map(|s| s.cpu_us(cycles(s)));
    report.via_cpu_us_per_cycle = median(cpu).map(|us| rounded(us, 1));
    report.via_ratio_to_v1 = fine(median(rounds.iter().filter_map(Round::ratio_of_via)));
    report.ratio_to_bare = fine(median(ratios()));
    report.ratio_to_bare_min = fine(ratios().reduce(f64::min));
    report.ratio_to_bare_max = fine(ratios().reduce(f64::max));
    let cpu = rounds
        .iter()
        .filter_map(|r| r.cycle.cpu_us(cycles(&r.cycle)));
    report.cpu_us_per_cycle = median(cpu).map(|us| rounded(us, 1));
    let cpu = bare().filter_map(|s| s.cpu_us(s.count.requests));
    report.bare_cpu_us_per_request = median(cpu).map(|us| rounded(us, 1));
    let shares = rounds.iter().filter_map(Round::client_share);
    report.client_cpu_share = fine(shares.reduce(f64::max));
    report.commits_per_s = whole(median(rounds.iter().filter_map(Round::commits_per_s)));
    report.batch_p50 = writers().map(|w| w.batch_p50).next_back();
    report.history_lag_ms = writers().map(|w| w.history_lag_ms).max();
}

/// Counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of one run are small")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(requests: u64, millis: u64) -> Slice {
        Slice {
            count: Count {
                requests,
                cycles: requests / 2,
                acquired_ns: vec![1; 2],
            },
            seconds: Duration::from_millis(millis).as_secs_f64(),
            server: Some(Duration::from_millis(millis)),
            own: Some(Duration::from_millis(millis / 2)),
        }
    }

    fn turn(bare: u64, cycle: u64) -> Round {
        Round {
            bare: Some(slice(bare, 1_000)),
            cycle: slice(cycle, 1_000),
            via: None,
            commits: Some(Commits {
                count: cycle / 10,
                seconds: 1.3,
            }),
            writer: None,
        }
    }

    #[test]
    fn a_long_half_is_measured_in_turns_and_a_short_one_at_once() {
        let of = |millis| turns(Duration::from_millis(millis));
        assert_eq!((of(0), of(300), of(2_499)), (1, 1, 1));
        assert_eq!((of(2_500), of(5_000), of(60_000)), (2, 4, 48));
    }

    #[test]
    fn a_round_is_the_sum_of_its_turns() {
        let round = turn(1_000, 500).with(turn(3_000, 1_100));
        // Not the mean of the turns' own ratios, which is 0.43.
        assert_eq!(round.ratio(), Some(0.4));
        assert_eq!(round.commits_per_s(), Some(160.0 / 2.6));
        assert_eq!(round.cycle.cycles_per_s(), 400.0);
        assert_eq!(round.cycle.cpu_us_per_cycle(), Some(2_500.0));
        assert_eq!(round.cycle.count.acquired_ns.len(), 4);
        assert!(round.via.is_none());
        // What one turn could not tell is not told of the round.
        let mut blind = turn(1_000, 500);
        blind.cycle.server = None;
        let round = turn(1_000, 500).with(blind);
        assert_eq!(round.cycle.cpu_us_per_cycle(), None);
    }
}
