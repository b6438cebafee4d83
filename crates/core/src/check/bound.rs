//! Bounds: memory is a function of `limits.rs`. Tables are within their limits, whatever is derived
//! from them or kept beside them is within a multiple of theirs, and so is each row.

use crate::check::Report;
use crate::limits;
use crate::state::State;

/// 17: collections within their bounds.
pub(super) fn check(state: &State, report: &mut Report) {
    let all = nouns(state).into_iter().chain(leases(state));
    for (what, is, max) in all.chain(derived(state)) {
        report.holds(17, is <= max, || format!("{is} {what}, at most {max}"));
    }
    for (owner, u) in &state.index.owners {
        let max = limits::WAITING_PER_OWNER_MAX;
        report.holds(17, u.waiting as usize <= max, || {
            format!("{} leases of {owner} wait, at most {max}", u.waiting)
        });
    }
    for (pool, u) in &state.index.pools {
        let max = limits::WAITING_PER_POOL_MAX;
        report.holds(17, u.waiting as usize <= max, || {
            format!("{} leases wait for {pool}, at most {max}", u.waiting)
        });
    }
    rows(state, report);
    beside(state, report);
}

/// 17: what `settle` makes room in.
pub(super) fn check_settled(state: &State, report: &mut Report) {
    for (by, n) in &state.index.outcome_counts {
        let max = limits::IDEMPOTENCY_PER_PRINCIPAL_MAX;
        report.holds(17, *n as usize <= max, || {
            format!("{n} outcomes of {by} outlived their lease, at most {max}")
        });
    }
}

/// Nouns that somebody declares: what, how many, at most how many.
pub fn nouns(state: &State) -> [(&'static str, usize, usize); 8] {
    [
        ("pools", state.pools.len(), limits::POOLS_MAX),
        ("resources", state.resources.len(), limits::RESOURCES_MAX),
        ("hosts", state.hosts.len(), limits::HOSTS_MAX),
        ("templates", state.templates.len(), limits::TEMPLATES_MAX),
        ("keys", state.keys.len(), limits::KEYS_MAX),
        ("quotas", state.quotas.len(), limits::QUOTAS_MAX),
        ("webhooks", state.webhooks.len(), limits::WEBHOOKS_MAX),
        ("users", state.users.len(), limits::USERS_MAX),
    ]
}

/// Leases, against limits and against each other.
fn leases(state: &State) -> [(&'static str, usize, usize); 4] {
    let waiting = state.index.waiters.len();
    let live = state.leases.len() - waiting.min(state.leases.len());
    [
        ("waiting leases", waiting, limits::WAITING_MAX),
        // Each has a member, and none has another's.
        ("live leases", live, state.resources.len()),
        // Two leave with each that comes, so that past their hour some may still be there.
        (
            "records of ended leases",
            state.ended.len(),
            limits::ENDED_KEPT_MAX + 1,
        ),
        (
            "places of ended leases",
            state.ended_order.len(),
            state.ended.len(),
        ),
    ]
}

/// The index, against the tables.
fn derived(state: &State) -> [(&'static str, usize, usize); 24] {
    let (index, resources) = (&state.index, state.resources.len());
    let (hosts, leases) = (state.hosts.len(), state.leases.len());
    let outcomes = state.outcomes.len();
    let asked = index.waiters.len() * limits::ITEMS_PER_LEASE_MAX;
    let posted = index.free.len() * limits::INDEXED_ATTRIBUTES_PER_POOL_MAX;
    let carriers = resources + leases + hosts + outcomes;
    let kept = index.lease_outcomes.len() + index.outcome_ends.len();
    [
        ("names", index.resource_names.len(), resources),
        ("free", index.free.len(), resources),
        ("makes of free ones", index.makes.len(), resources),
        ("postings", index.postings.len(), posted),
        ("earmarks", index.earmarks.len(), resources),
        ("deadlines", index.deadlines.len(), carriers),
        ("members", index.members.len(), resources),
        ("busy", index.busy.len(), resources),
        ("placed", index.placed.len(), resources),
        ("attempts", index.attempts.len(), resources),
        ("spaces", index.spaces.len(), resources),
        ("counts of pools", index.pools.len(), state.pools.len()),
        ("uses of hosts", index.hosts.len(), hosts),
        ("places", index.places.len(), hosts),
        ("places to fill", index.fills.len(), index.places.len()),
        ("hosts to fill", index.autofill.len(), hosts),
        ("waiters by pool", index.waiting.len(), asked),
        ("waiters by demand", index.lacking.len(), asked),
        ("open demands", index.open.len(), index.lacking.len()),
        ("leases of owners", index.owner_leases.len(), leases),
        ("owners", index.owners.len(), leases),
        ("slots", index.slots.len(), leases),
        ("endless leases", index.endless.len(), leases),
        ("outcomes", kept, outcomes),
    ]
}

/// What one row holds.
fn rows(state: &State, report: &mut Report) {
    for l in state.leases.values() {
        let has = l.members.len() + l.earmarks.len();
        let within = l.items.len() <= limits::ITEMS_PER_LEASE_MAX
            && has <= limits::MEMBERS_PER_LEASE_MAX
            && l.shared.len() <= limits::SHARED_WITH_MAX;
        report.holds(17, within, || format!("{} is too large", l.id));
    }
    for h in state.hosts.values() {
        let mut pools = h.backoffs.keys();
        let gone = pools.find(|p| state.pools.get(p).is_none());
        report.holds(17, gone.is_none(), || {
            format!("{} remembers failures of {gone:?}, which is gone", h.name)
        });
        let within = h.quarantined.len() <= usize::from(u16::MAX);
        report.holds(17, within, || {
            format!("{} has too many blocks in quarantine", h.name)
        });
    }
}

/// What `settle` keeps for itself is about what is there.
fn beside(state: &State, report: &mut Report) {
    let mut pools = state.hungry.keys();
    let gone = pools.find(|p| state.pools.get(p).is_none());
    report.holds(17, gone.is_none(), || {
        format!("{gone:?} is hungry and gone")
    });
    let mut throttled = state.throttled.iter();
    let gone =
        throttled.find(|(p, h)| state.pools.get(p).is_none() || state.hosts.get(h).is_none());
    report.holds(17, gone.is_none(), || {
        format!("{gone:?} waits for a budget and is gone")
    });
}
