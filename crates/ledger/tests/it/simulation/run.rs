//! One seed: the server, its store, its hosts and its clients, and one thing after another
//! happening to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash};
use std::ops::ControlFlow;
use std::sync::Arc;

use caviada_core::check::table::Effect;
use caviada_core::check::{violations, violations_when_settled};
use caviada_core::command::{Act, By, Command};
use caviada_core::id::HostId;
use caviada_core::limits;
use caviada_core::name::Name;
use caviada_core::plan::{Action, Verb};
use caviada_core::reconcile::{Input, Output, Periods, Reconciler};
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_ledger::clock::ClockError;
use caviada_ledger::journal::{Revision, act_name};
use caviada_ledger::store::{Part, Store, StoreError};
use caviada_ledger::{Accepted, Answer, Failure, Fatal, Ledger, Noun, Start, Turn};

use super::client::{self, Clients, Moment};
use super::clock::Clocks;
use super::coverage::{Coverage, FORGOT};
use super::disk::{Disk, Trouble};
use super::engine::{Call, Engine, Mood, Sick};
use super::world;
use super::world::acts::{self, Memory, Mix};
use super::world::event;
use super::world::history::{self, History};
use super::world::rng::Rng;

pub type Sim = Ledger<Disk, Clocks>;
/// What does not hold.
pub type Wrong = Result<(), String>;

/// Load, replay and plan are compared this often.
const SOMETIMES: u64 = 256;
/// Turns that may go on with what the one before them left.
const UNSETTLED_MAX: u32 = 16;

pub struct Simulation {
    pub steps: u64,
    pub coverage: Coverage,
    pub rng: Rng,
    pub clocks: Clocks,
    pub disk: Disk,
    ledger: Option<Sim>,
    boot: u64,
    booted_ms: u64,
    /// A process that was taken over from and does not know it.
    zombie: Option<Sim>,
    reconciler: Reconciler,
    /// What the reconciler reads: not always the newest.
    snapshot: Arc<State>,
    pub engines: BTreeMap<Name, Engine>,
    /// Hosts under the names they were declared with.
    names: BTreeMap<HostId, Name>,
    /// Hosts this process had a good look at.
    looked: BTreeSet<HostId>,
    /// How much the last good look at each showed.
    listed: BTreeMap<HostId, usize>,
    /// What the reconciler reports and the ledger has not taken yet.
    reports: VecDeque<Act>,
    memory: Memory,
    pub clients: Clients,
    /// Every committed event, followed by a State of its own.
    pub history: History,
    /// A State of some time ago.
    kept: Option<State>,
    unsettled: u32,
    /// The revision up to which the history has read the journal.
    projected: u64,
    /// An old store was put back.
    pub rolled_back: bool,
    /// The reconciler was told so, or saw things of later revisions: it may remove nothing.
    knows: bool,
    /// Faults happen.
    pub faults: bool,
    /// What does not come up, wherever it is tried.
    pub sick: Option<Sick>,
    tell: bool,
    log: VecDeque<String>,
    /// Of all that was told.
    pub digest: DefaultHasher,
}

impl Simulation {
    pub fn new(seed: u64, tell: bool) -> Self {
        Self {
            steps: 0,
            coverage: Coverage::default(),
            rng: Rng::new(seed),
            clocks: Clocks::new(),
            disk: Disk::default(),
            ledger: None,
            boot: 0,
            booted_ms: 0,
            zombie: None,
            reconciler: Reconciler::new(Periods::default(), false),
            snapshot: Arc::default(),
            engines: BTreeMap::new(),
            names: BTreeMap::new(),
            looked: BTreeSet::new(),
            listed: BTreeMap::new(),
            reports: VecDeque::new(),
            memory: Memory::new(Mix::with_hosts(1)),
            clients: Clients::default(),
            history: History::default(),
            kept: None,
            unsettled: 0,
            projected: 0,
            rolled_back: false,
            knows: false,
            faults: true,
            sick: None,
            tell,
            log: VecDeque::new(),
            digest: DefaultHasher::new(),
        }
    }

    /// All of a seed: its world, so many steps, and what must hold in the end.
    pub fn play(&mut self, steps: u64) -> Wrong {
        self.open(false, (0, self.moment()))?;
        for command in acts::opening(&mut self.rng) {
            self.turn(vec![command])?;
        }
        while self.steps < steps {
            self.step()?;
        }
        self.quiet_end()?;
        self.roll_back()?;
        self.coverage.steps = self.steps;
        self.coverage.moves = std::mem::take(&mut self.history.moves);
        self.coverage.lease_moves = std::mem::take(&mut self.history.lease_moves);
        self.coverage.ends = std::mem::take(&mut self.history.ends);
        Ok(())
    }

    pub fn say(&mut self, what: impl FnOnce() -> String) {
        if self.tell {
            if self.log.len() >= 4_000 {
                self.log.pop_front();
            }
            let line = what();
            line.hash(&mut self.digest);
            self.log.push_back(line);
        }
    }

    /// The last things that happened, one per line.
    pub fn story(&self) -> String {
        self.log.iter().map(|line| format!("{line}\n")).collect()
    }

    fn moment(&self) -> Moment {
        Moment {
            true_ms: self.clocks.true_ms(),
            boot: self.boot,
            booted_ms: self.booted_ms,
        }
    }

    pub fn ledger(&mut self) -> &mut Sim {
        self.ledger.as_mut().unwrap()
    }

    pub fn state(&self) -> &State {
        self.ledger.as_ref().unwrap().state()
    }

    /// One thing happens.
    pub fn step(&mut self) -> Wrong {
        let before = self.steps;
        match self.rng.weighted(&[46, 22, 9, 9, 16, 3, 5, 2]) {
            0 => self.commands()?,
            1 => self.outcome()?,
            2 => self.end_looks()?,
            3 => self.wake()?,
            4 => self.time()?,
            5 if self.faults => self.fault()?,
            6 => {
                let late = {
                    let truth = self.ledger.as_ref().unwrap().state();
                    self.clients.use_something(&mut self.rng, truth)?
                };
                if late {
                    self.coverage.other("a late holder was refused outside");
                }
            }
            7 => self.project()?,
            _ => {}
        }
        if self.steps / SOMETIMES != before / SOMETIMES {
            self.same_everywhere()?;
            self.plan_settles()?;
        }
        Ok(())
    }

    /// What clients ask for and the reconciler reports, in one turn.
    fn commands(&mut self) -> Wrong {
        let mut commands = vec![];
        for _ in 0..self.rng.within(1, 3) {
            let again = self.rng.percent(15);
            if let Some(command) = self.clients.retries.pop().filter(|_| again) {
                commands.push(command);
                continue;
            }
            let state = self.ledger.as_ref().unwrap().state();
            self.memory.look(&mut self.rng, state);
            commands.push(acts::command(&mut self.rng, state, &mut self.memory));
        }
        while let Some(act) = self.reports.pop_front() {
            let at = usize::try_from(self.rng.below(commands.len() as u64 + 1)).unwrap();
            commands.insert(at, system(act));
            if self.rng.percent(20) {
                break;
            }
        }
        self.turn(commands)
    }

    /// Hands commands to the ledger, and holds it to its answers.
    pub fn turn(&mut self, commands: Vec<Command>) -> Wrong {
        self.steps += commands.len() as u64;
        let before = self.state().clone();
        let turned = self.ledger().turn(&commands);
        let turn = match turned {
            Ok(turn) => turn,
            Err(fatal) => {
                self.say(|| format!("{commands:?}\n  {fatal}"));
                self.ends_with(fatal)?;
                self.clients.unknown(&commands);
                self.ledger = None;
                return self.crash();
            }
        };
        if turn.revisions.is_empty() && !turn.refused {
            self.nothing_changed(before.clone())?;
        }
        for revision in &turn.revisions {
            self.absorb(revision, self.moment())?;
        }
        if turn.answers.len() != commands.len() {
            return Err(format!("{} answers", turn.answers.len()));
        }
        for (command, answer) in commands.iter().zip(&turn.answers) {
            self.answered(command, answer, &before)?;
            if answer.as_ref().is_ok_and(|a| !a.reply.repeated) {
                client::may(&before, command, &commands)?;
            }
        }
        self.check(&turn)
    }

    /// 13: who was refused changed nothing.
    fn nothing_changed(&self, mut before: State) -> Wrong {
        before.begin(self.state().now());
        if before == *self.state() {
            return Ok(());
        }
        let how = history::differs(&before, self.state());
        Err(format!("13: State changed without an event {how}"))
    }

    /// Only what was done to it may end a process.
    fn ends_with(&mut self, fatal: Fatal) -> Wrong {
        match fatal {
            Fatal::Store(_) if self.faults => self.coverage.other("the store ended the process"),
            Fatal::Clock(ClockError::Ahead { .. }) => {
                self.coverage.other("the clock ended the process");
            }
            fatal => return Err(format!("ended: {fatal}")),
        }
        Ok(())
    }

    /// Something was committed.
    fn absorb(&mut self, revision: &Revision, now: Moment) -> Wrong {
        self.say(|| format!("revision {} at {}", revision.revision, revision.at));
        if revision.at < self.history.shadow.now() {
            return Err(format!("7: ledger time fell to {}", revision.at));
        }
        self.history.shadow.begin(revision.at);
        for entry in &revision.entries {
            self.say(|| format!(" {:?} {:?}", entry.by, entry.act));
            let settled = self.unsettled == 0;
            self.history
                .entry(entry.act.as_deref(), &entry.events, settled);
            for event in &entry.events {
                self.say(|| format!("  {}: {event:?}", event::kind(event)));
                self.clients.happened(event, now)?;
                self.history.event(event, entry.act.as_deref());
            }
        }
        self.history.shadow.finish();
        match self.history.wrong.pop() {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    fn answered(&mut self, command: &Command, answer: &Answer, before: &State) -> Wrong {
        let act = act_name(&command.act);
        match answer {
            Ok(accepted) => {
                let durable = self.disk.stands_at().revision;
                if accepted.revision > durable {
                    let what = format!(
                        "6: {act} was answered at {}, {durable} is durable",
                        accepted.revision
                    );
                    return Err(what);
                }
                if accepted.reply.repeated {
                    self.stays(command, accepted);
                } else {
                    *self.coverage.acts.entry(act).or_default() += 1;
                }
                self.say(|| format!(" {act}: {:?}", accepted.reply));
                let now = self.moment();
                let state = self.ledger.as_ref().unwrap().state();
                self.clients
                    .acknowledged(&mut self.rng, command, accepted, [before, state], now)
            }
            Err(Failure::Refused(refusal)) => {
                self.say(|| format!(" {command:?}\n  refused: {refusal}"));
                client::untold(command, refusal, self.state())?;
                let states = [before, self.state()];
                self.clients.refused(command, refusal, states)?;
                *self.coverage.refusals.entry(refusal.code()).or_default() += 1;
                let state = match refusal {
                    Refusal::BadTransition { state, .. } => *state,
                    Refusal::LeaseEnded { .. } => "ended",
                    Refusal::Unknown { noun, .. } if matches!(*noun, "resource" | "lease") => {
                        "gone"
                    }
                    _ => return Ok(()),
                };
                let at = (acts::row_name(&command.act, act), state, Effect::Refused);
                *self.coverage.blanks.entry(at).or_default() += 1;
                Ok(())
            }
            Err(Failure::Unavailable) => {
                self.coverage.other("the store refused");
                if command.by == By::System {
                    self.reports.push_back(command.act.clone());
                }
                self.clients.unknown(std::slice::from_ref(command));
                Ok(())
            }
            Err(failure) => Err(format!("{act}: {failure}")),
        }
    }

    /// It was as asked already, or told too late.
    fn stays(&mut self, command: &Command, accepted: &Accepted) {
        if command.idempotency.is_some() {
            return; // Answered as the first time, whatever it is now.
        }
        let state = match &accepted.noun {
            Noun::Resource(r) => r.state.as_str(),
            Noun::Ended(_) => "ended",
            Noun::Nothing => "gone",
            _ => return,
        };
        let row = acts::row_name(&command.act, act_name(&command.act));
        *self
            .coverage
            .blanks
            .entry((row, state, Effect::Stays))
            .or_default() += 1;
    }

    /// What holds after every turn.
    fn check(&mut self, turn: &Turn) -> Wrong {
        let state = self.ledger.as_ref().unwrap().state();
        let mut wrong = violations(state);
        let overdue = state.next_due().is_some_and(|t| t <= state.now());
        let settled = !state.has_work() && !overdue;
        if settled {
            wrong.extend(violations_when_settled(state));
        }
        let durable = self.disk.stands_at();
        if *self.ledger.as_ref().unwrap().position() != durable {
            return Err("6: State stands elsewhere than the disk".to_owned());
        }
        self.unsettled = match (settled, turn.refused) {
            (true, _) => 0,
            (false, true) => self.unsettled,
            (false, false) => self.unsettled + 1,
        };
        if self.unsettled > UNSETTLED_MAX {
            return Err(format!("7: unsettled for {UNSETTLED_MAX} turns"));
        }
        let events = turn.revisions.iter().flat_map(|r| r.events());
        events.for_each(|(_, _, e)| self.coverage.alteration(e));
        if let Some(long) = turn
            .revisions
            .iter()
            .find(|r| r.events().count() > 2 * limits::EVENTS_PER_TURN_MAX)
        {
            return Err(format!("17: {} events in one turn", long.events().count()));
        }
        match wrong.first() {
            Some(v) => Err(v.to_string()),
            None => Ok(()),
        }
    }

    /// 5: State, the events' State and what the disk holds are one.
    pub fn same_everywhere(&mut self) -> Wrong {
        let now = self.state().now();
        let mut shadow = self.history.shadow.clone();
        shadow.begin(now);
        shadow.finish();
        let mut state = self.state().clone();
        state.begin(now);
        state.finish();
        if state != shadow {
            let how = history::differs(&state, &shadow);
            return Err(format!("5: a replay of the events differs {how}"));
        }
        let mut copy = self.disk.copy();
        let position = copy.stands_at().clone();
        let loaded = caviada_ledger::load::load(&mut copy, &position);
        let mut loaded = loaded.map_err(|e| format!("5: {e}"))?;
        loaded.begin(now);
        loaded.finish();
        if state != loaded {
            let how = history::differs(&state, &loaded);
            return Err(format!("5: what the disk holds differs {how}"));
        }
        if !self.rolled_back {
            self.clients.knows_all_outcomes(&state)?;
        }
        self.replays(state)
    }

    /// 5: the journal leads from a State that was kept to the one that is.
    fn replays(&mut self, mut state: State) -> Wrong {
        if let Some(kept) = self.kept.replace(state.clone()) {
            let replayed = caviada_ledger::load::replay(&mut self.disk.copy(), kept);
            let mut replayed = replayed.map_err(|e| format!("5: {e}"))?;
            // Time that was in no commit is forgotten by a crash.
            let now = state.now().max(replayed.now());
            for s in [&mut state, &mut replayed] {
                s.begin(now);
                s.finish();
            }
            if state != replayed {
                let how = history::differs(&state, &replayed);
                return Err(format!("5: the journal from a kept State differs {how}"));
            }
        }
        Ok(())
    }

    /// 5: the history reads on, however far behind it is, finds no gap and nothing that is not durable;
    /// then the ledger forgets what is old, and has been read.
    fn project(&mut self) -> Wrong {
        self.steps += 1;
        let mut rows = self.rng.below(400);
        let (mut mark, mut old) = (self.projected, 0);
        let kept = self.kept.as_ref().map_or(0, State::revision);
        let now = self.state().now();
        let read = self.disk.copy().journal(Part::After(mark), &mut |row| {
            if row.revision != mark + 1 {
                let gap = format!("{} follows {mark}", row.revision);
                return Err(StoreError::Broken(gap));
            }
            mark = row.revision;
            if now.since(row.at) > limits::ENDED_KEPT_MS && mark <= kept {
                old = mark;
            }
            rows = rows.saturating_sub(1);
            Ok(match rows {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        });
        read.map_err(|e| format!("5: the history: {e}"))?;
        let durable = self.disk.stands_at().revision;
        if mark > durable {
            return Err(format!("5: the history is at {mark}, {durable} is durable"));
        }
        self.projected = mark;
        if old > 0 {
            let rows_max = usize::try_from(self.rng.within(1, 100)).unwrap();
            self.coverage.other(FORGOT);
            let trimmed = self.ledger().trim(old, rows_max);
            trimmed.map_err(|fatal| format!("5: {fatal}"))?;
        }
        Ok(())
    }

    /// Time passes; what is due is done.
    fn time(&mut self) -> Wrong {
        self.steps += 1;
        let (now, next) = {
            let state = self.state();
            (state.now(), acts::clock(&mut self.rng.clone(), state))
        };
        self.rng.next();
        self.clocks.pass(next.since(now));
        if self.rng.percent(10) {
            return Ok(());
        }
        self.turn(vec![])
    }

    /// The reconciler looks at the newest State, or at the one it has.
    fn refresh(&mut self) -> Wrong {
        if !self.faults || self.rng.percent(70) {
            self.snapshot = self.ledger().snapshot();
            let durable = self.disk.stands_at().revision;
            if self.snapshot.revision() > durable {
                return Err("6: a snapshot shows what is not durable".to_owned());
            }
            for h in self.snapshot.hosts.values() {
                self.names.insert(h.id, h.name.clone());
            }
        }
        Ok(())
    }

    pub fn wake(&mut self) -> Wrong {
        self.refresh()?;
        self.reconcile(Input::Wake)
    }

    fn reconcile(&mut self, input: Input) -> Wrong {
        if let Input::Looked(host, Some(seen)) = &input {
            self.looked.insert(*host);
            self.listed.insert(*host, seen.len());
            let revision = self.snapshot.revision();
            self.knows |= self.rolled_back && seen.values().any(|s| s.revision > revision);
        }
        let now = Time(self.clocks.true_ms());
        self.say(|| format!("the reconciler: {input:?}"));
        let snapshot = self.snapshot.clone();
        for output in self.reconciler.step(&snapshot, now, input) {
            self.say(|| format!("  {output:?}"));
            match output {
                Output::Look(host) => {
                    let name = self.names[&host].clone();
                    let engine = self.engines.entry(name).or_default();
                    engine.begin_look(&mut self.rng);
                }
                Output::Act(action) => {
                    if !self.looked.contains(&action.host) {
                        return Err(format!("14: {action:?} before a good look"));
                    }
                    if self.knows && action.verb == Verb::Delete {
                        return Err(format!("14: {action:?} while the store is rolled back"));
                    }
                    let site = snapshot
                        .resources
                        .get(&action.resource)
                        .and_then(|r| r.site());
                    let block = site.and_then(|s| s.block);
                    let name = self.names[&action.host].clone();
                    let engine = self.engines.entry(name).or_default();
                    let same = |c: &Call| !c.ghost && c.action.resource == action.resource;
                    if engine.calls.iter().any(same) {
                        return Err(format!("14: {action:?} beside another call"));
                    }
                    let revision = snapshot.revision();
                    engine.calls.push(Call {
                        action,
                        revision,
                        block,
                        way: snapshot
                            .resources
                            .get(&action.resource)
                            .and_then(|r| Some(r.turn()?.way)),
                        stopped: snapshot
                            .resources
                            .get(&action.resource)
                            .is_some_and(|r| r.power.is_some()),
                        ghost: false,
                    });
                }
                Output::Cancel(action) => {
                    for engine in self.engines.values_mut() {
                        for call in &mut engine.calls {
                            call.ghost |= call.action == action;
                        }
                    }
                }
                Output::Report(act) => self.reports.push_back(act),
            }
        }
        for (host, _) in snapshot.hosts.iter() {
            let n = self.reconciler.under_way(*host);
            if n > limits::CALLS_PER_HOST_MAX {
                return Err(format!("15: {n} calls under way on {host}"));
            }
            let stands = snapshot.index.hosts.get(host).map_or(0, |u| u.total());
            let listed = self.listed.get(host).copied().unwrap_or(0);
            let max = 2 * (listed + stands as usize + limits::CALLS_PER_HOST_MAX);
            let kept = self.reconciler.kept(*host);
            if kept > max {
                return Err(format!("17: {kept} entries about {host}, at most {max}"));
            }
        }
        let calls = self.engines.values().filter(|e| !e.calls.is_empty());
        let (watched, max) = (
            self.reconciler.watched(),
            snapshot.hosts.len() + calls.count(),
        );
        if watched > max {
            return Err(format!("17: {watched} hosts are watched, at most {max}"));
        }
        Ok(())
    }

    /// A driver call comes to its end.
    pub fn outcome(&mut self) -> Wrong {
        let busy: Vec<Name> = self
            .engines
            .iter()
            .filter(|(_, e)| !e.calls.is_empty())
            .map(|(n, _)| n.clone())
            .collect();
        let Some(name) = self.rng.pick(&busy).cloned() else {
            return Ok(());
        };
        self.steps += 1;
        let truth = self.ledger.as_ref().unwrap().state();
        let Some(engine) = self.engines.get_mut(&name) else {
            return Ok(());
        };
        let Some(ended) = engine.go_on(&mut self.rng, truth, self.faults, self.sick.as_ref())
        else {
            return Ok(());
        };
        if let Some(wrong) = ended.wrong {
            return Err(wrong);
        }
        if !engine.foreign_stands() {
            return Err(format!("14: {name} lost what another installation made"));
        }
        self.stands_once(ended.call.action)?;
        let (action, ghost, outcome) = (ended.call.action, ended.call.ghost, ended.outcome);
        self.say(|| format!("{name}: {action:?} {outcome:?} ghost {ghost}"));
        if ghost {
            self.coverage
                .other("a call nobody waits for had its effect");
            return Ok(());
        }
        self.refresh()?;
        self.reconcile(Input::Finished(action, outcome))
    }

    /// 14: no generation of anything stands on two hosts. On one it cannot stand twice: what is made
    /// bears it in its name.
    fn stands_once(&self, action: Action) -> Wrong {
        let made = (action.resource, action.generation);
        let holders = || {
            let all = self.engines.iter();
            all.filter(|(_, e)| e.things.contains_key(&made))
        };
        // An old store may hand out again what a newer one had made.
        if self.rolled_back || holders().count() < 2 {
            return Ok(());
        }
        let names: Vec<_> = holders().map(|(name, _)| name.as_str()).collect();
        Err(format!("14: {made:?} stands on {names:?}"))
    }

    /// Looks on their way come to their ends.
    pub fn end_looks(&mut self) -> Wrong {
        let hosts: Vec<(HostId, Name)> = self
            .snapshot
            .hosts
            .values()
            .map(|h| (h.id, h.name.clone()))
            .collect();
        for (host, name) in hosts {
            let Some(engine) = self.engines.get_mut(&name) else {
                continue;
            };
            if let Some(seen) = engine.end_look(&mut self.rng) {
                self.reconcile(Input::Looked(host, seen))?;
            }
        }
        Ok(())
    }

    /// Something goes wrong.
    fn fault(&mut self) -> Wrong {
        self.steps += 1;
        let names: Vec<Name> = self.engines.keys().cloned().collect();
        match self.rng.weighted(&[40, 30, 20, 10, 6, 12, 10]) {
            0 => {
                let moods = [
                    Mood::Well,
                    Mood::Well,
                    Mood::Well,
                    Mood::Silent,
                    Mood::Away,
                    Mood::Lying,
                ];
                let mood = self.rng.one(&moods);
                if let Some(name) = self.rng.pick(&names)
                    && let Some(engine) = self.engines.get_mut(name)
                {
                    engine.mood = mood;
                    self.say(|| format!("a host is {mood:?}"));
                }
                self.coverage.other("a host changed its mood");
            }
            1 => {
                if let Some(name) = self.rng.pick(&names)
                    && let Some(engine) = self.engines.get_mut(name)
                {
                    engine.break_something(&mut self.rng);
                }
                self.coverage.other("something broke on a host");
            }
            2 => {
                let trouble = self.rng.one(&Trouble::ALL);
                let away = u32::try_from(self.rng.below(4)).unwrap();
                self.say(|| format!("the next commit: {trouble:?}"));
                self.disk.trouble(trouble, away);
                self.coverage.other("trouble with the disk");
            }
            3 => {
                self.coverage.other("a crash");
                self.crash()?;
            }
            5 => {
                self.sick = match self.sick {
                    Some(_) => None,
                    None => self.something_sick(),
                };
                let sick = format!("{:?}", self.sick);
                self.say(|| format!("sick is now {sick}"));
                self.coverage
                    .other("a template or an image went sick or was cured");
            }
            6 => {
                let truth = self.ledger.as_ref().unwrap().state();
                if let Some(name) = self.rng.pick(&names)
                    && let Some(engine) = self.engines.get_mut(name)
                {
                    engine.neighbour(&mut self.rng, truth);
                }
                self.coverage.other("another installation made something");
            }
            _ => {
                let by = [
                    -90_000_000,
                    -3_600_000,
                    -30_000,
                    -500,
                    500,
                    30_000,
                    70_000,
                    3_600_000,
                    90_000_000,
                ];
                let by = self.rng.one(&by);
                self.say(|| format!("the wall clock is set by {by} ms"));
                self.clocks.set_wall(by);
                self.coverage.other("the wall clock was set");
            }
        }
        Ok(())
    }

    /// A template, or its newest revision alone.
    pub fn something_sick(&mut self) -> Option<Sick> {
        let name = world::nouns::name(self.rng.one(&world::nouns::TEMPLATES));
        let newest = self.state().template_named(&name)?.id;
        Some(match self.rng.percent(50) {
            true => Sick::Template(name),
            false => Sick::Revision(newest),
        })
    }

    /// The process ends, and another one begins. Sometimes the old one does not know that it ended.
    pub fn crash(&mut self) -> Wrong {
        self.say(|| "crash".to_owned());
        let ended = self.moment();
        let old = self.ledger.take();
        self.disk.mend(self.rng.percent(50));
        let left = (self.disk.stands_at().revision, ended);
        if self.faults && self.rng.percent(25) {
            // None, if it knew that it had to end.
            self.zombie = old;
        }
        for engine in self.engines.values_mut() {
            engine.orphaned();
        }
        self.reports.clear();
        self.looked.clear();
        self.knows = self.rolled_back && self.rng.percent(50);
        self.reconciler = Reconciler::new(Periods::default(), self.knows);
        self.clocks.pass(self.rng.below(10_000));
        self.open(self.faults, left)
    }

    /// Starts a process after one that left this revision as it ended.
    fn open(&mut self, faults: bool, left: (u64, Moment)) -> Wrong {
        for tries in 0..4 {
            if faults && tries == 0 && self.rng.percent(8) {
                let trouble =
                    self.rng
                        .one(&[Trouble::Refuse, Trouble::DieUnsynced, Trouble::DieSynced]);
                self.disk.trouble(trouble, 0);
            }
            let start = Start {
                accept_clock: tries > 1,
            };
            let opened = Ledger::open(self.disk.clone(), self.clocks.clone(), start);
            self.disk.mend(false);
            match opened {
                Ok(ledger) => {
                    self.ledger = Some(ledger);
                    return self.opened(left);
                }
                Err(Fatal::Clock(ClockError::Behind { .. })) => {
                    self.coverage.other("a clock far behind had to be accepted");
                }
                Err(Fatal::Store(_)) if faults => {}
                Err(fatal) => return Err(format!("does not start: {fatal}")),
            }
        }
        Err("does not start".to_owned())
    }

    /// 5 and 6: all that was acknowledged is there, and what is there besides is whole.
    fn opened(&mut self, (left, ended): (u64, Moment)) -> Wrong {
        self.boot += 1;
        self.booted_ms = self.clocks.true_ms();
        self.unsettled = 0;
        let known = self.history.shadow.revision();
        let durable = self.disk.stands_at().revision;
        if durable < known {
            return Err(format!(
                "6: revision {known} was acknowledged, {durable} is there"
            ));
        }
        let mut rows = vec![];
        let read = self.disk.copy().journal(Part::After(known), &mut |row| {
            rows.push(Revision::of(&row)?);
            Ok(ControlFlow::Continue(()))
        });
        read.map_err(|e| format!("5: {e}"))?;
        for revision in &rows {
            // The one before may have done it and told nobody: it was its time then.
            let before = revision.revision <= left;
            let now = if before { ended } else { self.moment() };
            self.absorb(revision, now)?;
        }
        self.snapshot = self.ledger().snapshot();
        for h in self.snapshot.hosts.values() {
            self.names.insert(h.id, h.name.clone());
        }
        self.same_everywhere()?;
        self.wake_zombie()?;
        self.turn(vec![])
    }

    /// A process that was taken over from commits nothing.
    fn wake_zombie(&mut self) -> Wrong {
        let Some(mut zombie) = self.zombie.take() else {
            return Ok(());
        };
        let before = self.disk.stands_at();
        let command = acts::command(&mut self.rng, zombie.state(), &mut self.memory);
        let turned = zombie.turn(&[command]);
        self.coverage
            .other("a process that was taken over from went on");
        if let Ok(turn) = turned
            && !turn.revisions.is_empty()
        {
            return Err("6: a process that was taken over from committed".to_owned());
        }
        if self.disk.stands_at() != before {
            return Err("6: a process that was taken over from moved the store".to_owned());
        }
        Ok(())
    }

    /// What the reconciler reports, all of it.
    pub fn take_reports(&mut self) -> Vec<Command> {
        self.reports.drain(..).map(system).collect()
    }

    /// Puts the store back to an older copy and starts on it.
    pub fn restart_on(&mut self, copy: caviada_ledger::store::memory::Memory) -> Wrong {
        self.disk.restore(copy);
        self.rolled_back = true;
        self.kept = None;
        self.clients.forget();
        for engine in self.engines.values_mut() {
            engine.calls.clear();
        }
        let mut copy = self.disk.copy();
        let position = copy.stands_at().clone();
        self.projected = self.projected.min(position.revision);
        let state = caviada_ledger::load::load(&mut copy, &position).map_err(|e| e.to_string())?;
        let old = std::mem::take(&mut self.history);
        self.history.shadow = state;
        self.history.moves = old.moves;
        self.history.lease_moves = old.lease_moves;
        self.history.ends = old.ends;
        self.crash()
    }
}

/// What Caviada itself does.
pub fn system(act: Act) -> Command {
    Command {
        by: By::System,
        idempotency: None,
        act,
    }
}
