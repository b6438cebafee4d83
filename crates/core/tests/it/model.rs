//! Random acts on the core alone: after each step the invariants hold, a refusal changed nothing,
//! the events replayed give the same State, and so do its tables.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use caviada_core::check::table::{ACTS, Effect};
use caviada_core::check::{violations, violations_when_settled};
use caviada_core::command::{Act, Command};
use caviada_core::event::Event;
use caviada_core::evolve::evolve;
use caviada_core::id::ResourceId;
use caviada_core::refusal::Refusal;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::settle::{Bound, settle};
use caviada_core::state::{State, Tables};
use caviada_core::step::step;

use crate::world::acts::{self, Memory, Mix};
use crate::world::history::{History, differs};
use crate::world::nouns::START;
use crate::world::rng::Rng;

struct Run {
    seed: u64,
    rng: Rng,
    state: State,
    history: History,
    memory: Memory,
    log: Vec<String>,
    refused: BTreeMap<&'static str, u64>,
    settled: bool,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut run = Self {
            seed,
            rng: Rng::new(seed),
            state: State::default(),
            history: History::default(),
            memory: Memory::new(Mix::with_hosts(27)),
            log: vec![],
            refused: BTreeMap::new(),
            settled: false,
        };
        run.state.begin(START);
        run.history.shadow.begin(START);
        for command in acts::opening(&mut run.rng) {
            run.command(&command);
        }
        run.finish();
        run
    }

    fn turn(&mut self) {
        let now = acts::clock(&mut self.rng, &self.state);
        self.state.begin(now);
        self.history.shadow.begin(now);
        self.log.push(format!("at {now}"));
        let mut events = vec![];
        let mut bound = self.bound();
        settle(&mut self.state, &mut bound, &mut events);
        self.settled = !bound.is_spent();
        self.history.entry(None, &events, self.settled);
        self.apply(&events, None);
        self.check();
        for _ in 0..self.rng.within(1, 3) {
            self.memory.look(&mut self.rng, &self.state);
            let command = acts::command(&mut self.rng, &self.state, &mut self.memory);
            self.command(&command);
        }
        self.finish();
    }

    fn command(&mut self, command: &Command) {
        self.log.push(format!("{command:?}"));
        let before = self.state.clone();
        let mut bound = self.bound();
        match step(&mut self.state, command, &mut bound) {
            Ok((reply, events)) => {
                let act = Some(name_of(&command.act));
                self.history.entry(act, &events, self.settled);
                // What a repeat finds unsettled stays so.
                self.settled = !bound.is_spent() && (self.settled || !events.is_empty());
                self.apply(&events, Some(command));
                let own = if reply.repeated { &[] } else { &events[..] };
                self.as_in_the_table(&before, command, Ok(own));
            }
            Err(refusal) => {
                self.log.push(format!("  refused: {refusal}"));
                *self.refused.entry(refusal.code()).or_default() += 1;
                assert!(
                    before == self.state,
                    "{}",
                    self.story("13: a refusal changed State")
                );
                self.as_in_the_table(&before, command, Err(&refusal));
            }
        }
        self.check();
    }

    /// Mostly a whole turn's; sometimes the work must go on in the next.
    fn bound(&mut self) -> Bound {
        match self.rng.below(12) {
            0 => Bound::events(usize::try_from(self.rng.below(6)).unwrap()),
            _ => Bound::default(),
        }
    }

    fn apply(&mut self, events: &[Event], command: Option<&Command>) {
        let act = command.map(|c| name_of(&c.act));
        for event in events {
            let text = serde_json::to_string(event).unwrap();
            self.log.push(format!("  {text}"));
            let read: Event = match serde_json::from_str(&text) {
                Ok(read) => read,
                Err(e) => panic!("{}", self.story(&format!("{e}: {text}"))),
            };
            assert!(
                read == *event,
                "{}",
                self.story(&format!("reads back differently: {text}"))
            );
            self.history.event(&read, act);
        }
    }

    /// An act does to a resource what its table says of the state it was in.
    fn as_in_the_table(
        &self,
        before: &State,
        command: &Command,
        decided: Result<&[Event], &Refusal>,
    ) {
        // A repeat answers as the first time, whatever it is now.
        let Some((row, r)) = row(before, &command.act) else {
            return;
        };
        if command.idempotency.is_some() {
            return;
        }
        let is = match decided {
            Err(Refusal::BadTransition { .. }) => Effect::Refused,
            Err(_) => return,
            Ok(events) => effect(before, r.id, events),
        };
        let effects = ACTS.iter().find(|(name, _)| *name == row).map(|(_, e)| e);
        let says = effects.unwrap()[r.state as usize];
        let what = format!("{row} of a {} one: {is:?}, not {says:?}", r.state.as_str());
        assert!(is == says, "{}", self.story(&what));
    }

    fn check(&mut self) {
        let mut wrong = std::mem::take(&mut self.history.wrong);
        wrong.extend(violations(&self.state).iter().map(ToString::to_string));
        if self.settled {
            wrong.extend(
                violations_when_settled(&self.state)
                    .iter()
                    .map(ToString::to_string),
            );
        }
        assert!(wrong.is_empty(), "{}", self.story(&wrong.join("\n")));
    }

    fn finish(&mut self) {
        self.state.finish();
        self.history.shadow.finish();
        if self.state != self.history.shadow {
            panic!(
                "{}",
                self.story(&format!(
                    "5: a replay differs {}",
                    differs(&self.state, &self.history.shadow)
                ))
            );
        }
        let loaded = State::load(tables(&self.state));
        if self.state != loaded {
            panic!(
                "{}",
                self.story(&format!(
                    "5: a load differs {}",
                    differs(&self.state, &loaded)
                ))
            );
        }
        self.restart(loaded);
    }

    fn restart(&mut self, mut loaded: State) {
        if self.settled {
            let mut events = vec![];
            loaded.begin(loaded.now());
            settle(&mut loaded, &mut Bound::default(), &mut events);
            loaded.finish();
            let what = format!("5: a load had something to settle: {events:?}");
            assert!(events.is_empty(), "{}", self.story(&what));
        }
        if self.rng.percent(4) {
            self.log.push("restart".to_owned());
            self.state = loaded;
        }
    }

    fn story(&self, what: &str) -> String {
        let from = self.log.len().saturating_sub(60);
        format!(
            "seed {}\n{}\n{what}",
            self.seed,
            self.log[from..].join("\n")
        )
    }
}

/// The act's name in the journal, as far as the tables ask for it.
fn name_of(act: &Act) -> &'static str {
    match act {
        Act::Withhold { .. } => "withhold",
        Act::Return { .. } => "return",
        Act::DeleteResource { .. } => "delete_resource",
        Act::Record { .. } => "record",
        Act::RecordHealth { .. } => "record_health",
        Act::RecordHost { .. } => "record_host",
        _ => "another",
    }
}

/// The row of the table of acts that says what this does, and to which resource: a whole one that
/// is no cleaner's.
fn row<'a>(state: &'a State, act: &Act) -> Option<(&'static str, &'a Resource)> {
    let id = match act {
        Act::Withhold { resource, .. }
        | Act::Return { resource }
        | Act::DeleteResource { resource, .. }
        | Act::Record { resource, .. } => resource,
        _ => return None,
    };
    let row = acts::row_name(act, name_of(act));
    let r = state.resources.get(id)?;
    let stale = match act {
        Act::Record {
            generation,
            attempt,
            ..
        } => !r.open || (*generation, *attempt) != (r.generation, r.attempt),
        _ => true,
    };
    let cut = state
        .index
        .spaces
        .get(id)
        .is_some_and(|s| !s.is_untouched());
    let cleaner = r.state == ResourceState::Cleaning && r.lease.is_some();
    (stale && !cut && !cleaner && r.parent().is_none()).then_some((row, &**r))
}

/// What the first event about a resource did to it.
fn effect(before: &State, id: ResourceId, events: &[Event]) -> Effect {
    let mut state = before.clone();
    let at = |s: &State| s.resources.get(&id).map(|r| (r.state, r.then.clone()));
    let was = at(&state);
    for event in events {
        evolve(&mut state, event);
        match (at(&state), &was) {
            (None, _) => return Effect::Moves,
            (Some((now, _)), Some((then, _))) if now != *then => return Effect::Moves,
            (Some((_, now)), Some((_, then))) if now != *then => return Effect::Later,
            _ => {}
        }
    }
    Effect::Stays
}

fn tables(state: &State) -> Tables {
    fn all<K: Ord + Clone, V: Clone>(table: &caviada_core::table::Table<K, V>) -> Vec<V> {
        table.values().map(|v| (**v).clone()).collect()
    }
    Tables {
        revision: state.revision(),
        now: state.now(),
        counter: state.counter(),
        pools: all(&state.pools),
        resources: all(&state.resources),
        leases: all(&state.leases),
        hosts: all(&state.hosts),
        templates: all(&state.templates),
        webhooks: all(&state.webhooks),
        users: all(&state.users),
        keys: all(&state.keys),
        quotas: all(&state.quotas),
        outcomes: all(&state.outcomes),
        ended: state
            .ended()
            .map(|e| Arc::unwrap_or_clone(e.clone()))
            .collect(),
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|e| panic!("{name}={text}: {e}"))
    })
}

/// Everything a seed does; what went wrong, if anything did.
fn play(seed: u64, turns: u64) -> Result<Run, String> {
    let told = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&told);
    let run = std::panic::catch_unwind(move || {
        let mut run = Run::new(seed);
        for _ in 0..turns {
            run.turn();
            let from = run.log.len().saturating_sub(60);
            run.log.drain(..from);
            *hears.lock().unwrap() = run.log.join("\n");
        }
        run
    });
    run.map_err(|panic| {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        let what = what.unwrap_or_default();
        if what.starts_with("seed ") {
            what
        } else {
            format!("seed {seed}\n{}\npanicked: {what}", told.lock().unwrap())
        }
    })
}

/// `CAVIADA_MODEL_SEED` plays one seed, `CAVIADA_MODEL_SEEDS` and `CAVIADA_MODEL_TURNS` more.
#[test]
fn random_acts_keep_the_invariants() {
    let turns = number("CAVIADA_MODEL_TURNS", 300);
    let first = number("CAVIADA_MODEL_SEED", 0);
    let seeds = match first {
        0 => 1..=number("CAVIADA_MODEL_SEEDS", 60),
        one => one..=one,
    };
    let mut moves = BTreeMap::new();
    let mut refused = BTreeMap::new();
    let mut failed: BTreeMap<u64, String> = BTreeMap::new();
    for seed in seeds {
        match play(seed, turns) {
            Ok(run) => {
                for (m, n) in run.history.moves {
                    *moves.entry(m).or_insert(0) += n;
                }
                for (code, n) in run.refused {
                    *refused.entry(code).or_insert(0) += n;
                }
            }
            Err(story) => {
                failed.insert(seed, story);
            }
        }
    }
    for ((before, why, kind, after), n) in moves {
        let word = |s: Option<ResourceState>| s.map_or("-", ResourceState::as_str);
        println!(
            "{n:8} {} {}: {kind} {}",
            word(before),
            why.as_str(),
            word(after)
        );
    }
    println!("{refused:#?}");
    if let Some((_, story)) = failed.first_key_value() {
        println!("{story}");
        for (seed, story) in &failed {
            println!("seed {seed}: {}", story.lines().last().unwrap_or_default());
        }
        panic!(
            "{} seeds failed; play one with CAVIADA_MODEL_SEED",
            failed.len()
        );
    }
}
