//! Faults planted on purpose: each breaks one promise in one place, so that the simulation can be
//! seen to find it. A simulation that finds none of them would prove nothing.
//!
//! They are there only with the feature `planted-faults`, which no build that ships has; without
//! it [`planted!`](crate::planted) is the constant `false`.

/// Is this fault planted here? Without the feature it is `false`.
#[cfg(not(feature = "planted-faults"))]
#[macro_export]
macro_rules! planted {
    ($fault:ident) => {
        false
    };
}

/// Is this fault planted here?
#[cfg(feature = "planted-faults")]
#[macro_export]
macro_rules! planted {
    ($fault:ident) => {
        $crate::fault::is_planted($crate::fault::Fault::$fault)
    };
}

#[cfg(feature = "planted-faults")]
macro_rules! faults {
    ($($name:ident: $says:literal,)+) => {
        /// One promise broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $(#[doc = $says] $name,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// What it does. A test looks for the beginning of this in what ships.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("planted fault: ", $says),)+
                }
            }
        }
    };
}

#[cfg(feature = "planted-faults")]
faults! {
    StaleOutcome: "an outcome of an older generation or attempt is accepted",
    UncleanReturn: "what was withheld unclean is free when it comes back",
    StoppedReturned: "what somebody stopped is free when it comes back",
    AlteredKept: "what its holder altered is cleaned for the next one",
    UncleanRelease: "what was used is free without a cleaning",
    TwiceAMember: "one search takes the same resource for two items",
    DoublePort: "two resources of a host share a block of ports",
    LostEarmark: "a waiter is not told that what was kept for it is taken away",
    Overtaken: "a caller takes what is kept for those before it",
    LostWakeUp: "what becomes free is offered to nobody",
    SliceRefundedTwice: "a slice goes back when its lease ends and again when it is gone",
    FenceNotRaised: "a waiter is granted at the fence of the one before it",
    SlotTaken: "a slot takes a second lease",
    WaitingUncounted: "a quota does not count what waits",
    ForeignRelease: "a lease is released by whoever knows its id",
    ForeignNote: "a lease is labelled by whoever knows its id",
    ForeignPower: "a resource is started and stopped by whoever knows its id",
    RepeatShown: "who repeats what he did sees a lease that has become another's",
    RepeatRefused: "who repeats what he did is told that it never was",
    HalfOfAll: "what was done before the refused one of several acts stays",
    OutcomeLost: "the outcome of an idempotency key is not kept",
    BudgetIgnored: "a host builds more at once than it may",
    AnswerBeforeCommit: "a command is answered though the store refused it",
    GuardSkipped: "a store takes a batch whose turn has passed",
    WaiterLostAtRestart: "who waits is forgotten at a restart",
    ClockFollowed: "ledger time jumps with the wall clock",
    UnseenHostTouched: "a host is acted on before it was seen",
    BlindLook: "a look without an answer counts as having seen nothing",
    OrphanOfLater: "what a later revision made is removed as an orphan",
    CalledTwice: "a second call is made beside the one under way",
    HoldsIgnored: "more is placed on a host than the amounts it holds",
    AmountsUncounted: "a quota on amounts counts none",
    SilentHostStopsAll: "nothing is done anywhere while one host does not answer",
    FailureSpreads: "what is free is taken for ill when another of its pool fails",
    UnreadForgotten: "the journal forgets what the history has yet to read",
    FailedForAll: "while builds of one pool fail on a host, none is placed there for any",
    BuilderForgotten: "who names no pool is built for by the pool that would have before",
    DrainForgotten: "what nobody holds stays on a host that is emptied",
    ActsAnywhere: "a key that acts for others in some pools is served from any",
    CoolingGranted: "what rests after its cleaning is granted",
    ForeignTaken: "what another installation made on a host is taken for ours",
}

#[cfg(feature = "planted-faults")]
thread_local! {
    static PLANTED: std::cell::Cell<&'static str> = const { std::cell::Cell::new("") };
}

/// Plants a fault in whatever runs on this thread, instead of the one before it.
#[cfg(feature = "planted-faults")]
pub fn plant(fault: Option<Fault>) {
    PLANTED.set(fault.map_or("", Fault::as_str));
}

/// Is it planted on this thread?
#[cfg(feature = "planted-faults")]
pub fn is_planted(fault: Fault) -> bool {
    PLANTED.get() == fault.as_str()
}
