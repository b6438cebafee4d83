//! Every bound of the product, with its reason, in one place.
//!
//! A queue, list, body, wait, retry or batch without an entry here is a bug. What decisions and callers
//! meet stands in this file; the rest in the module of the side that keeps it: templates, drivers, the server, the
//! ledger, clients. The unit is the end of the name: `_MS` milliseconds, `_US` microseconds, `_BYTES` bytes, else a count. The page
//! `docs/reference/limits.md` is written from [`sections`], so code and docs cannot disagree.

/// One bound, as the reference page and `doctor` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The constant's name.
    pub name: &'static str,
    /// Its value, in the unit its name ends with.
    pub value: u64,
    /// What it bounds and why it is what it is.
    pub reason: &'static str,
}

/// The bounds of one part of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Where its constants stand: `caviada_core::limits`, or a module of it.
    pub module: &'static str,
    /// Heading on the reference page.
    pub title: &'static str,
    /// In the order of this file.
    pub limits: &'static [Limit],
}

macro_rules! limits {
    ($($title:literal {$($(#[doc = $reason:literal])+ $name:ident: $unit:ty = $value:expr;)+})+) => {
        $($($(#[doc = $reason])+ pub const $name: $unit = $value;)+)+

        /// The bounds above.
        pub const SECTIONS: &[$crate::limits::Section] = &[$($crate::limits::Section {
            module: module_path!(),
            title: $title,
            limits: &[$($crate::limits::Limit {
                name: stringify!($name),
                value: $name as u64,
                reason: concat!($($reason),+),
            }),+],
        }),+];
    };
}

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// A day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;
const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;
const GIB: u64 = 1 << 30;

pub mod client;
pub mod driver;
pub mod ledger;
pub mod server;
pub mod template;

/// Every bound there is.
pub fn sections() -> impl Iterator<Item = &'static Section> {
    let parts = [
        SECTIONS,
        template::SECTIONS,
        driver::SECTIONS,
        server::SECTIONS,
        ledger::SECTIONS,
        client::SECTIONS,
    ];
    parts.into_iter().flatten()
}

limits! {
    "Turns" {
        /// Commands decided in one turn and committed as one transaction: grouping pays up to about
        /// here, beyond it latency rises and throughput does not.
        COMMANDS_PER_TURN_MAX: usize = 256;
        /// Events after which a turn begins nothing more, settling included: keeps a turn below 20 ms; the next turn goes on.
        /// What was begun is whole, so its last command may go past it: by a command's own events, as many again at most.
        EVENTS_PER_TURN_MAX: usize = 1_024;
        /// Commands in one `All`: it is decided within one turn, so it fits one.
        COMMANDS_PER_ALL_MAX: usize = 256;
        /// Commands queued for the ledger before callers are told to come again: about a second of
        /// work.
        QUEUE_COMMANDS_MAX: usize = 20_000;
        /// Things of one kind that settling looks at in one go: the rest comes after what others wait for.
        SETTLED_AT_ONCE_MAX: usize = 64;
    }
    "Leases" {
        /// Items (pool or selector with a count) one acquire may ask for: each is matched against
        /// each freed resource.
        ITEMS_PER_LEASE_MAX: usize = 64;
        /// Resources one lease holds: a grant is one event and one commit, so it fits a turn.
        MEMBERS_PER_LEASE_MAX: usize = 1_024;
        /// Owners one lease is shared with: each is looked up at every access to it.
        SHARED_WITH_MAX: usize = 64;
        /// Shortest lease: expiry acts within a second, so less could not be kept.
        TTL_MS_MIN: u64 = SECOND_MS;
        /// Longest lease, a year and a month: whoever wants more means a pool without deadline.
        TTL_MS_MAX: u64 = 400 * DAY_MS;
        /// Length of a lease whose caller and pool name none.
        TTL_MS_DEFAULT: u64 = HOUR_MS;
        /// Longest wait for a grant: a day outlasts a night of builds.
        WAIT_MS_MAX: u64 = DAY_MS;
        /// How long a hold may keep a released resource for debugging, and a withheld one may be kept till it comes back by
        /// itself: a week outlasts a holiday.
        HOLD_MS_MAX: u64 = 7 * DAY_MS;
        /// Bytes of a lease's note: a link and a sentence, kept in memory for each live lease.
        NOTE_BYTES_MAX: usize = 512;
        /// Bytes of a slot's name: a session token fits.
        SLOT_BYTES_MAX: usize = 128;
        /// Swaps of a failed member while a lease is being prepared: a sick template must not eat
        /// the pool.
        SWAPS_PER_LEASE_MAX: usize = 3;
        /// Least time a live lease has left after a start or take-over: a holder that could not
        /// reach us must get the chance to renew.
        RESTART_GRACE_MS: u64 = 30 * SECOND_MS;
        /// How long an ended lease is answered from memory: repeats of a release come soon.
        ENDED_KEPT_MS: u64 = HOUR_MS;
        /// Ended leases kept in memory; older ones are answered from the history.
        ENDED_KEPT_MAX: usize = 100_000;
    }
    "Waiting" {
        /// Waiting leases in all: each costs memory. A freed resource is held against each distinct
        /// demand that it may meet, so a selector with an equality (`zone=a`) costs those of other
        /// values nothing, and each distinct one without (`cores>=4`) costs one look.
        WAITING_MAX: usize = 100_000;
        /// Waiting leases of one pool: one crowded pool must leave room for the others.
        WAITING_PER_POOL_MAX: usize = 10_000;
        /// Waiting leases of one owner: one runaway script must leave room for others.
        WAITING_PER_OWNER_MAX: usize = 1_000;
        /// Highest priority: ten steps are as many as people keep apart.
        PRIORITY_MAX: u8 = 9;
        /// Priority of a caller who names none.
        PRIORITY_DEFAULT: u8 = 5;
        /// Highest priority a user may ask for; above it operators only, else everybody would.
        PRIORITY_USER_MAX: u8 = 5;
    }
    "Idempotency" {
        /// Bytes of an idempotency key, printable ASCII: room for a digest or two ids.
        IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
        /// How long an outcome is kept after its lease ended: a day of retries.
        IDEMPOTENCY_KEEP_MS: u64 = DAY_MS;
        /// Outcomes kept per principal after their lease; then the oldest goes early, counted.
        IDEMPOTENCY_PER_PRINCIPAL_MAX: usize = 100_000;
    }
    "Names and texts" {
        /// Characters of a pool's, template's or host's name: one DNS label.
        NAME_BYTES_MAX: usize = 63;
        /// Bytes of a resource's name: one directory entry, one DNS name.
        RESOURCE_NAME_BYTES_MAX: usize = 255;
        /// Bytes of an owner's name: an e-mail address or a service account fits.
        OWNER_BYTES_MAX: usize = 128;
        /// Bytes of the key of a label or attribute: one DNS label.
        KEY_BYTES_MAX: usize = 63;
        /// Bytes of all attributes of one resource, as packed in memory: a page of facts, not a
        /// document store.
        ATTRIBUTES_BYTES_MAX: usize = 16 * KIB;
        /// Bytes of all labels of one thing, as packed in memory: for choosing, facts are attributes.
        LABELS_BYTES_MAX: usize = 4 * KIB;
        /// Labels of one thing: as many as anybody reads.
        LABELS_MAX: usize = 64;
        /// Bytes of one label's value: a URL fits.
        LABEL_VALUE_BYTES_MAX: usize = 255;
    }
    "Images" {
        /// Bytes of an image's name, all its parts together: what engines take.
        IMAGE_BYTES_MAX: usize = 512;
        /// Bytes of its registry and path together: what engines take.
        IMAGE_NAME_BYTES_MAX: usize = 255;
        /// Bytes of its tag: what engines take.
        IMAGE_TAG_BYTES_MAX: usize = 128;
    }
    "Resources" {
        /// Endpoints of one resource: each is shown to each holder.
        ENDPOINTS_PER_RESOURCE_MAX: usize = 64;
        /// Bytes of one endpoint's value: a URL or a path fits, documents are composed when asked.
        ENDPOINT_BYTES_MAX: usize = 2 * KIB;
        /// Bytes of the reason why a resource is withheld: one sentence, shown in every list.
        REASON_BYTES_MAX: usize = 256;
        /// Services of one resource that are stopped by themselves: each name is written with it.
        STOPPED_SERVICES_MAX: usize = 64;
        /// Characters kept of the cause of a failure: enough for an engine's message, logs tell more.
        CAUSE_CHARS_MAX: usize = 1_024;
    }
    "Choosing" {
        /// Conditions of one selector: each is tested against each candidate.
        CONDITIONS_PER_SELECTOR_MAX: usize = 16;
        /// Values in one `in` or `notin`: each is compared with each candidate.
        VALUES_PER_CONDITION_MAX: usize = 64;
        /// Bytes of one selector as text: it comes in a URL.
        SELECTOR_BYTES_MAX: usize = 4 * KIB;
        /// Candidates one selector may scan, a few milliseconds' work; above it the caller is told which
        /// attribute to index. As many leases are looked at for one to use again, and as many members may a pool have whose
        /// `pick` or `indexed` changes.
        SCAN_MAX: usize = 10_000;
        /// Attributes one pool indexes: each costs memory per resource.
        INDEXED_ATTRIBUTES_PER_POOL_MAX: usize = 8;
        /// Words of a pool for images that holders may bring.
        HOLDER_IMAGES_PER_POOL_MAX: usize = 64;
        /// Bytes of one of them: as long as an image's name may be.
        HOLDER_IMAGE_BYTES_MAX: usize = IMAGE_BYTES_MAX;
    }
    "Divisible resources" {
        /// Intervals in the definition of one range, and as many exclusions: they are read, printed and
        /// stored as one text.
        INTERVALS_PER_SPACE_MAX: usize = 1_024;
        /// Kinds (cpu, mem, …) in one quantity: each is compared at each placement.
        KINDS_PER_QUANTITY_MAX: usize = 64;
    }
    "Nouns" {
        /// Pools: tens of thousands are still listed in a second.
        POOLS_MAX: usize = 10_000;
        /// Resources, slices included: the model is in memory, at about 1 KiB each.
        RESOURCES_MAX: usize = 10_000_000;
        /// Hosts: each is looked at every few seconds.
        HOSTS_MAX: usize = 10_000;
        /// Revisions of all templates together: each holds its files in memory.
        TEMPLATES_MAX: usize = 10_000;
        /// API keys, one for each program and person of a large site: each is found by hash in memory.
        KEYS_MAX: usize = 100_000;
        /// Quotas, one for each owner, as many as there may be keys.
        QUOTAS_MAX: usize = 100_000;
        /// Webhooks: each is a reader of every event.
        WEBHOOKS_MAX: usize = 64;
        /// Users: people, as many as there may be keys.
        USERS_MAX: usize = 100_000;
        /// Bytes of all a user says of himself: a page, kept in memory for each.
        PROFILE_BYTES_MAX: usize = 4 * KIB;
        /// A user's balance, either way: every whole number that JSON's readers keep apart.
        BALANCE_MAX: u64 = (1 << 53) - 1;
        /// Owners or groups one pool or key names: each is looked up at every access.
        OWNERS_PER_LIST_MAX: usize = 1_024;
    }
    "Passwords" {
        /// Bytes of a password: more than anybody types, and what an attacker may have hashed.
        PASSWORD_BYTES_MAX: usize = 256;
        /// Bytes of a new password: what guessing over the network does not reach at the rate below.
        PASSWORD_BYTES_MIN: usize = 8;
        /// Bytes of a password's hash as text.
        PASSWORD_HASH_BYTES_MAX: usize = 256;
        /// Memory, in KiB, that a hash brought from elsewhere may ask for when it is checked.
        ARGON2_MEMORY_KIB_MAX: u32 = 65_536;
        /// Passes that such a hash may ask for: with all that memory, about half a second.
        ARGON2_PASSES_MAX: u32 = 8;
        /// Lanes that such a hash may ask for.
        ARGON2_LANES_MAX: u32 = 4;
        /// Cost of a bcrypt hash brought from elsewhere: 14 takes about a second.
        BCRYPT_COST_MAX: u32 = 14;
        /// Passwords hashed or checked at once: each has a core and up to 64 MiB.
        HASHES_AT_ONCE_MAX: usize = 2;
        /// Callers who wait for that: a few seconds' worth, then they are told to come again.
        HASHES_WAITING_MAX: usize = 64;
        /// Tries to sign in as one user from one address at once: as many as anybody mistypes.
        SIGN_INS_MAX: u32 = 10;
        /// Then one more in so long: fewer than 10,000 guesses a day.
        SIGN_IN_MS: u64 = 10 * SECOND_MS;
        /// Tries to sign in as one user from everywhere, at once.
        SIGN_INS_PER_USER_MAX: u32 = 100;
        /// Then one more in so long: a second, so that many addresses do not shut a user out for long.
        SIGN_IN_PER_USER_MS: u64 = SECOND_MS;
        /// Tries to sign in from one address as anybody, at once: an office behind one.
        SIGN_INS_PER_ADDRESS_MAX: u32 = 50;
        /// Then one more in so long.
        SIGN_IN_PER_ADDRESS_MS: u64 = SECOND_MS;
        /// How long somebody stays signed in: a working day.
        SESSION_MS: u64 = 12 * HOUR_MS;
    }
    "Hosts and builds" {
        /// Resources on one host: each is in every list its driver gives.
        RESOURCES_PER_HOST_MAX: usize = 100_000;
        /// Bytes of all texts of one host's credential: keys, certificates and a site's `known_hosts`.
        CREDENTIAL_BYTES_MAX: usize = 64 * KIB;
        /// Bytes of the same once it is sealed, in memory for each host: a half more for escapes, and
        /// of that a third for base64.
        SEALED_BYTES_MAX: usize = 128 * KIB;
        /// Registries for which one host has credentials: its own, a mirror, some of others.
        REGISTRIES_PER_HOST_MAX: usize = 16;
        /// Bytes of what proves to one registry who we are: tokens of clouds have some thousand.
        REGISTRY_CREDENTIAL_BYTES_MAX: usize = 16 * KIB;
        /// Bytes of the same once it is sealed.
        REGISTRY_SEALED_BYTES_MAX: usize = 32 * KIB;
        /// Images of one host that are pulled beforehand or shown: more would be another registry.
        IMAGES_PER_HOST_MAX: usize = 256;
        /// Images pulled at once on one host: an engine reads three layers of each at once.
        PULLS_PER_HOST_MAX: usize = 2;
        /// Images pulled beforehand at once on all hosts: they come from the same few registries.
        PULLS_AT_ONCE_MAX: usize = 32;
        /// How long a pull may take: ten gigabytes over a slow line.
        PULL_MS_MAX: u64 = 4 * HOUR_MS;
        /// How long an image that was seen on a host counts as there: somebody may prune it.
        IMAGE_SEEN_FOR_MS: u64 = 10 * MINUTE_MS;
        /// Bundles of images loaded at once: each is a stream through the server.
        LOADS_AT_ONCE_MAX: usize = 4;
        /// Bytes of one bundle of images: what an engine unpacks below its folder for temporary files.
        BUNDLE_BYTES_MAX: u64 = 256 << 30;
        /// How long a bundle that is loaded may stand still, on its way to the server or to the engine,
        /// which now and then waits for its disk.
        BUNDLE_SILENCE_MS_MAX: u64 = 2 * MINUTE_MS;
        /// Default ulimits of one host: kernels know sixteen.
        ULIMITS_MAX: usize = 16;
        /// Driver calls under way per host, deletions included.
        CALLS_PER_HOST_MAX: usize = 16;
        /// Resources of a host that are started, stopped or altered at once: those who hold them must not
        /// take the calls from those who wait.
        TURNS_PER_HOST_MAX: usize = 4;
        /// Builds and cleanings at once in one pool.
        BUILDS_PER_POOL_MAX: usize = 1_024;
        /// Shortest deadline an operator may set for work on a resource.
        DEADLINE_MS_MIN: u64 = 100;
        /// Longest one: what takes a week is a project.
        DEADLINE_MS_MAX: u64 = 7 * DAY_MS;
        /// Bytes of all files of one template revision: recipes, not artefacts.
        TEMPLATE_BYTES_MAX: usize = 1_024 * KIB;
        /// Bytes of the parameters a pool gives its template.
        PARAMETERS_BYTES_MAX: usize = 16 * KIB;
        /// Parameters that a holder tried on one resource and that could neither be done nor undone: what
        /// may stand of each is looked at by every further try.
        TRIED_PER_RESOURCE_MAX: usize = 4;
        /// Builds and cleanings at once per engine: measured, more only add latency.
        BUILDS_PER_HOST_DEFAULT: usize = 4;
        /// The most an operator may set that to: no engine known gains from more.
        BUILDS_PER_HOST_MAX: usize = 256;
        /// Failed resources kept per host as evidence, each until its next try is due; older ones are deleted at
        /// once, or a broken template would fill the host.
        EVIDENCE_PER_HOST_MAX: usize = 4;
        /// First pause after a call of a webhook that failed, doubled each time; after a pull five times this.
        BACK_OFF_MS_MIN: u64 = SECOND_MS;
        /// Longest of these pauses: what was mended is noticed within it.
        BACK_OFF_MS_MAX: u64 = 5 * MINUTE_MS;
        /// Cleanings of a declared resource that may fail in a row before a person must repair it.
        CLEAN_ATTEMPTS_MAX: u32 = 5;
        /// The most tries to build that a pool may want for one resource before it is given up.
        TRIES_PER_POOL_MAX: u32 = 100;
        /// Pause before a failed resource is tried again or deleted, and before a pool builds again on a host where a build of
        /// it failed; doubled with each failure, at most 64-fold.
        RETRY_MS_MIN: u64 = 5 * SECOND_MS;
        /// How long an attempt to build may take at least, images that are pulled first included; longer if
        /// its template's `create_within` is.
        CREATE_MS_DEFAULT: u64 = 10 * MINUTE_MS;
        /// The longest `create_within` of a template.
        CREATE_MS_MAX: u64 = DAY_MS;
        /// What an attempt to build has beyond its template's `create_within`: the driver gives up first, and
        /// knows why.
        CREATE_MS_MORE: u64 = MINUTE_MS;
        /// How long a cleaning may take when its pool names nothing: as long as a build, since it may
        /// be one.
        CLEAN_MS_DEFAULT: u64 = 10 * MINUTE_MS;
        /// How long preparing a granted member may take: its holder waits for it.
        PREPARE_MS_DEFAULT: u64 = MINUTE_MS;
        /// How long a deletion may take before it is tried again.
        DELETE_MS_DEFAULT: u64 = 2 * MINUTE_MS;
        /// How long a planned build may wait for its start before it is planned anew elsewhere.
        PLANNED_MS_MAX: u64 = 10 * MINUTE_MS;
        /// A resource dirty for longer raises an alert, unless the pool says otherwise: longer than any
        /// usual cleaning takes.
        DIRTY_ALERT_MS: u64 = 15 * MINUTE_MS;
        /// Pause between two looks at a host, unless `reconciler.probe` says otherwise: one list of what is ours costs an
        /// engine some 30 ms.
        PROBE_PERIOD_MS: u64 = 5 * SECOND_MS;
        /// Pause before the second look that confirms a first bad one: long enough for a restart, short
        /// enough to be noticed at once.
        SECOND_LOOK_MS: u64 = SECOND_MS;
        /// Least time between the two good looks after which an unknown thing of ours is removed, unless
        /// `reconciler.orphan_grace` says otherwise: a creation whose outcome is on its way has arrived by then.
        ORPHAN_GRACE_MS: u64 = 60 * SECOND_MS;
        /// A host unseen for longer is lost, unless its declaration says otherwise: longer than a reboot.
        HOST_LOST_MS_DEFAULT: u64 = 5 * MINUTE_MS;
    }
    "Time" {
        /// How fast ledger time follows the wall clock, in parts per million: as NTP slews.
        SLEW_PPM: u64 = 500;
        /// A wall clock further behind the last commit than this is not believed at start: no battery
        /// drifts so far, it was set wrong.
        CLOCK_BEHIND_MAX_MS: u64 = DAY_MS;
        /// A wall clock ahead by more than this for a minute ends the process, which anchors anew.
        CLOCK_AHEAD_MAX_MS: u64 = 60 * SECOND_MS;
    }
    "Journal and streams" {
        /// How long the journal is kept, but never past the history's mark: a week for a stream or a
        /// standby to come back.
        JOURNAL_KEPT_MS: u64 = 7 * DAY_MS;
        /// Events kept in the journal, but never past the history's mark: a few gigabytes on disk.
        JOURNAL_KEPT_EVENTS_MAX: usize = 10_000_000;
        /// How long an ended lease is remembered in the history: a quarter, for questions that come
        /// late. Events are searchable for as long as the journal is kept.
        HISTORY_KEPT_MS: u64 = 90 * DAY_MS;
        /// Events a webhook may lag; then it is sent one `gap` event and goes on with the newest.
        WEBHOOK_BACKLOG_EVENTS_MAX: usize = 100_000;
        /// Events of one webhook that are read and not delivered: enough to keep its calls busy.
        WEBHOOK_WINDOW_MAX: usize = 256;
        /// Calls of one webhook at once, about different subjects.
        WEBHOOK_CALLS_MAX: usize = 8;
        /// Longest a webhook's target may take for one answer.
        WEBHOOK_ANSWER_MS_MAX: u64 = 10 * SECOND_MS;
        /// Kinds of events one webhook names: there are fewer.
        WEBHOOK_EVENTS_MAX: usize = 128;
        /// Bytes of a webhook's URL: what common servers take.
        WEBHOOK_URL_BYTES_MAX: usize = 2 * KIB;
    }
    "HTTP" {
        /// Hosts that are checked at once: each holds a connection for some seconds.
        CHECKS_AT_ONCE_MAX: usize = 8;
        /// Holders whose files are read from hosts at once: each has a few MiB in memory.
        FILES_TAKEN_AT_ONCE_MAX: usize = 16;
        /// Bytes of a request's body: the largest template as JSON fits, and 256 resources with all
        /// the attributes they may have.
        BODY_BYTES_MAX: usize = 4 * MIB + MIB;
        /// Entries of one page of a list: some hundred kilobytes.
        PAGE_MAX: u32 = 1_000;
        /// Entries of one page whose caller names no size: as many as people scroll.
        PAGE_DEFAULT: u32 = 100;
    }
}

/// A cause no longer than State, journal and views keep it. It comes from outside: what a store, a
/// log or a terminal would take for more than text becomes a blank, but for the ends of its lines.
pub fn capped(cause: &str) -> String {
    let plain = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => ' ',
        c => c,
    };
    cause.chars().take(CAUSE_CHARS_MAX).map(plain).collect()
}

/// The same in one line, for logs and lists.
pub fn capped_line(cause: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = cause.chars().map(plain).collect();
    line.trim().chars().take(CAUSE_CHARS_MAX).collect()
}

// What must hold between them, so that nobody raises one alone.
const _: () = {
    assert!(COMMANDS_PER_ALL_MAX <= COMMANDS_PER_TURN_MAX);
    assert!(COMMANDS_PER_TURN_MAX <= QUEUE_COMMANDS_MAX);
    assert!(ITEMS_PER_LEASE_MAX <= MEMBERS_PER_LEASE_MAX);
    assert!(MEMBERS_PER_LEASE_MAX <= EVENTS_PER_TURN_MAX);
    assert!(WAITING_PER_OWNER_MAX <= WAITING_PER_POOL_MAX && WAITING_PER_POOL_MAX <= WAITING_MAX);
    assert!(PRIORITY_DEFAULT <= PRIORITY_USER_MAX && PRIORITY_USER_MAX <= PRIORITY_MAX);
    assert!(TTL_MS_MIN <= TTL_MS_DEFAULT && TTL_MS_DEFAULT <= TTL_MS_MAX);
    // The table of offsets in a packed set has 16 bits for each.
    assert!(ATTRIBUTES_BYTES_MAX <= 1 << 16 && LABELS_BYTES_MAX <= ATTRIBUTES_BYTES_MAX);
    // The length of a packed key has 8 bits.
    assert!(KEY_BYTES_MAX < 1 << 8);
    assert!(BUILDS_PER_HOST_DEFAULT <= BUILDS_PER_HOST_MAX);
    assert!(BACK_OFF_MS_MIN <= BACK_OFF_MS_MAX);
    assert!(CREDENTIAL_BYTES_MAX * 3 / 2 * 4 / 3 <= SEALED_BYTES_MAX);
    assert!(
        WEBHOOK_CALLS_MAX <= WEBHOOK_WINDOW_MAX && WEBHOOK_WINDOW_MAX <= WEBHOOK_BACKLOG_EVENTS_MAX
    );
    assert!(SECOND_LOOK_MS <= PROBE_PERIOD_MS && PROBE_PERIOD_MS <= ORPHAN_GRACE_MS);
    assert!(PAGE_DEFAULT <= PAGE_MAX);
    assert!(SELECTOR_BYTES_MAX < BODY_BYTES_MAX && ATTRIBUTES_BYTES_MAX < BODY_BYTES_MAX);
};

#[cfg(test)]
mod tests;
