//! What one caller sends, reads or leaves open must not cost the others.

use super::{KIB, MIB, MINUTE_MS, SECOND_MS};

limits! {
    "Connections" {
        /// Connections at once; the next ones wait in the system's queue.
        CONNECTIONS_MAX: u32 = 16_384;
        /// How long a client may take to send its headers, or to begin the next request, before it is let go.
        HEADERS_MS_MAX: u64 = MINUTE_MS;
        /// How long a TLS handshake may take before it is given up.
        HANDSHAKE_MS_MAX: u64 = 10 * SECOND_MS;
        /// Bytes of one request's headers.
        HEADERS_BYTES_MAX: usize = 32 * KIB;
        /// Headers of one request.
        HEADERS_MAX: usize = 64;
        /// Bytes of one line of a request; of a longer one only its method is left.
        LINE_BYTES_MAX: usize = 16 * KIB;
        /// Bytes of a header's line that are looked at for a length; one in a longer line is not believed.
        HEADER_LINE_BYTES_MAX: usize = 64;
        /// Bytes taken from a connection at once.
        READ_BYTES: usize = 8 * KIB;
        /// Pause after a connection could not be taken, because files are open without number for example.
        ACCEPT_PAUSE_MS: u64 = 100;
        /// How long requests in flight may take to finish when the server ends.
        FINISH_MS_MAX: u64 = 10 * SECOND_MS;
        /// How long ledger and history may then take to close their stores.
        CLOSE_MS_MAX: u64 = 10 * SECOND_MS;
        /// Networks in one list of addresses.
        NETWORKS_MAX: usize = 64;
        /// Failures to show a key that one address may have at once.
        FAILURES_MAX: u32 = 50;
        /// Failures it may then have in each second.
        FAILURES_PER_S_MAX: u32 = 10;
        /// Addresses whose failures are remembered at once; beyond that all share one account.
        ADDRESSES_MAX: usize = 10_000;
        /// Characters of a request id that a caller brings.
        REQUEST_ID_CHARS_MAX: usize = 64;
        /// Characters of the shortest secret that is taken.
        SECRET_CHARS_MIN: usize = 8;
        /// Characters of the longest secret that is taken.
        SECRET_CHARS_MAX: usize = 256;
        /// Characters of a user's name beside a secret: nobody reads it.
        USER_CHARS_MAX: usize = 256;
        /// Bytes of a session that is looked at: those that are ours are shorter.
        SESSION_BYTES_MAX: usize = 512;
    }
    "Answers" {
        /// How long the ledger may take for an answer when nothing else is configured; then a caller is told that nobody knows.
        ANSWER_MS_DEFAULT: u64 = 30 * SECOND_MS;
        /// How long `/readyz` waits for the ledger before it says no: those who ask so, ask every few seconds.
        READY_MS_MAX: u64 = 2 * SECOND_MS;
        /// How long a read may be kept open.
        LONG_POLL_MS_MAX: u64 = MINUTE_MS;
        /// Characters of a list's cursor that is read.
        CURSOR_CHARS_MAX: usize = 2 * KIB;
        /// Leases one page looks at; a page with rare conditions is short and the next one goes on.
        LEASES_LOOKED_AT_MAX: usize = 1_000_000;
        /// Leases that are sorted by anything but their age.
        LEASES_SORTED_MAX: usize = 100_000;
        /// Resources one page looks at; a page with rare conditions is short and the next one goes on.
        RESOURCES_LOOKED_AT_MAX: usize = 100_000;
        /// Waiters counted for a place in the queue; further back than that, nobody's place matters.
        PLACES_MAX: usize = 10_000;
        /// Held resources whose deadlines are looked at for an estimate.
        ESTIMATED_MAX: usize = 1_000;
        /// Pools that statistics and metrics show one by one.
        POOLS_SHOWN_MAX: usize = 1_000;
        /// Hosts that metrics show one by one.
        HOSTS_SHOWN_MAX: usize = 1_000;
        /// Pieces of long work for answers at once; more wait their turn.
        ASIDE_MAX: usize = 16;
        /// Tries to change a noun while others change it.
        AMEND_TRIES_MAX: u32 = 8;
        /// Resources on a host whose operator names no number.
        HOST_CAPACITY_DEFAULT: u32 = 16;
        /// How long a list of events waits for the history to reach what is committed.
        HISTORY_LAG_MS_MAX: u64 = 2 * SECOND_MS;
        /// Pause between two looks whether it did.
        HISTORY_LOOK_MS: u64 = 20;
        /// How often what was recorded for metrics is summed up.
        METRICS_UPKEEP_MS: u64 = 5 * SECOND_MS;
    }
    "Streams and webhooks" {
        /// Revisions a stream reads from the journal at once.
        STREAM_READ_MAX: usize = 256;
        /// Messages between the one who reads the ledger and the one who writes a stream's socket.
        STREAM_READY_MAX: usize = 256;
        /// A stream without news sends a sign of life this often, so that a dead connection is noticed.
        STREAM_ALIVE_MS: u64 = 15 * SECOND_MS;
        /// How long a snapshot is used for the names of what events speak of.
        NAMES_FRESH_MS: u64 = 30 * SECOND_MS;
        /// Steps of builds and pulls, and figures of hosts, that a slow reader may lag; he misses the oldest.
        PROGRESS_FOLLOWED_MAX: usize = 1_024;
        /// How long what a host told of itself counts as new.
        SIGHT_NEW_MS: u64 = MINUTE_MS;
        /// How long a webhook's target may take to take a connection; then it is not there.
        WEBHOOK_CONNECT_MS_MAX: u64 = 5 * SECOND_MS;
        /// How long an unused connection to it stays open: then its address is looked up and checked anew.
        WEBHOOK_IDLE_MS_MAX: u64 = 30 * SECOND_MS;
        /// Revisions a webhook reads from the journal at once.
        WEBHOOK_READ_MAX: usize = 64;
        /// Pause between two looks at how far a webhook is behind, and two tries after an error of our own.
        WEBHOOK_PAUSE_MS: u64 = SECOND_MS;
        /// How long a webhook without anything to do waits before it looks whether that is so.
        WEBHOOK_IDLE_MS: u64 = super::HOUR_MS;
        /// A webhook's mark is stored this often at most.
        WEBHOOK_STORED_MS: u64 = 200;
        /// Commits come by the thousand; a webhook looks at the journal this often at most.
        WEBHOOK_REST_MS: u64 = 10;
    }
    "Reconciler" {
        /// How long a look at a host may take; one that takes longer says nothing about it.
        LOOK_MS_MAX: u64 = 30 * SECOND_MS;
        /// State may change thousands of times a second; the reconciler looks at it this often at most.
        RECONCILE_REST_MS: u64 = 20;
        /// Without hosts there is nothing to do, but one may be declared: that is looked at this often.
        RECONCILE_IDLE_MS: u64 = 200;
        /// Looks and outcomes that wait for the reconciler's next step; more wait where they are made.
        RECONCILE_INPUTS_MAX: usize = 1_024;
        /// First pause after the ledger had no place for a report; each further one is twice as long.
        REPORT_PAUSE_MS_MIN: u64 = 10;
        /// Longest pause before a report is told again.
        REPORT_PAUSE_MS_MAX: u64 = SECOND_MS;
        /// Pools with a template of their own whose images are remembered: there are fewer such makes.
        RENDERED_MAX: usize = 4_096;
        /// How long a check of a host may take; one that takes longer is not there.
        CHECK_MS_MAX: u64 = 15 * SECOND_MS;
        /// How long a port may take to answer; one that takes longer answers nobody.
        KNOCK_MS_MAX: u64 = 2 * SECOND_MS;
        /// Pause between two looks at which images are to be where.
        IMAGES_LOOK_MS: u64 = SECOND_MS;
        /// A look at images that took long is followed by a pause this many times as long.
        IMAGES_REST_TIMES: u32 = 20;
        /// Hosts whose images are looked at without letting others work.
        IMAGES_HOSTS_AT_ONCE_MAX: usize = 32;
        /// Progress of one image is told this often at most.
        IMAGE_TOLD_MS: u64 = 500;
        /// Progress of a bundle is told after so many bytes.
        BUNDLE_TOLD_BYTES: u64 = 16 * MIB as u64;
        /// Pieces of a bundle that are on their way to an engine.
        BUNDLE_PIECES_MAX: usize = 4;
    }
    "PoolManager" {
        /// Bytes of a body: no call has more to say.
        POOLMANAGER_BODY_BYTES_MAX: usize = 64 * KIB;
        /// Parameters in one request.
        POOLMANAGER_PARAMETERS_MAX: usize = 64;
        /// Characters of what was sent that an answer repeats.
        POOLMANAGER_SHOWN_CHARS_MAX: usize = 64;
        /// Clusters in one answer. The old system had no bound; a list that is cut off would pass for all.
        POOLMANAGER_CLUSTERS_MAX: usize = 10_000;
        /// Records of past leases in one answer, of the newest.
        POOLMANAGER_PAST_MAX: usize = 1_000;
        /// Searches for past leases at once; more wait their turn.
        POOLMANAGER_SEARCHES_MAX: usize = 4;
        /// Users on one page of a list.
        POOLMANAGER_USERS_MAX: usize = 1_000;
        /// Users on a page whose caller names no number.
        POOLMANAGER_USERS_DEFAULT: usize = 10;
    }
}
