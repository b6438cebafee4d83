//! Turns are milliseconds; whatever else the store has to do comes in pieces between them.

use super::{HOUR_MS, MIB, MINUTE_MS, SECOND_MS};

limits! {
    "Ledger" {
        /// How long a busy ledger waits for a fuller batch, in microseconds: two or three syncs of a disk.
        GATHER_US_MAX: u64 = 500;
        /// Commands that such a wait must be good for: few clients would only wait longer.
        GATHER_MIN: usize = 6;
        /// How long the ledger sleeps: its clock wants to be looked at.
        SLEEP_MS_MAX: u64 = 10 * SECOND_MS;
        /// Pause after the store refused, unless a command comes: a full disk is not asked in a loop.
        REFUSED_PAUSE_MS: u64 = SECOND_MS;
        /// How long after trouble State is cloned before each batch, so that neither a full disk nor a hostile request
        /// makes the store be loaded twice.
        CAREFUL_MS: u64 = 10 * MINUTE_MS;
        /// How often an unreachable store is asked where it stands before the process gives up. A store that
        /// is far away waits a second between two.
        ASKS_MAX: u32 = 60;
        /// Revisions a follower may lag before it has to read the journal instead.
        FOLLOWED_MAX: usize = 512;
        /// How long a clock must be ahead to be believed: a step that is taken back costs nothing.
        CLOCK_AHEAD_MS: u64 = MINUTE_MS;
        /// Rows of the journal read at once.
        JOURNAL_READ_MAX: usize = 256;
        /// Rows of the journal that are forgotten at once.
        JOURNAL_TRIMMED_MAX: usize = 4_096;
        /// Rows a backup copies in one transaction.
        BACKUP_ROWS_MAX: usize = 4_096;
        /// Bytes of text it copies in one transaction, about.
        BACKUP_BYTES_MAX: usize = 4 * MIB;
    }
    "SQLite" {
        /// How long a commit waits for a checkpoint that resets the log, the only other one to lock.
        SQLITE_BUSY_MS_MAX: u64 = 5 * SECOND_MS;
        /// Columns of one query: room for the widest of ours.
        SQLITE_COLUMNS_MAX: usize = 32;
        /// Rows between two checkpoints: a log of a few megabytes, that is a fast start after a crash. Four times as many
        /// saved a few hundredths of the time and tripled the 99th percentile of a commit, which waits while a
        /// checkpoint syncs.
        CHECKPOINT_ROWS: usize = 4_096;
        /// Pages in the log above which it is made to begin anew, for which commits wait a moment: else one that is
        /// never wholly copied would grow for ever. Growing costs as much again as writing, so it should be over soon after a
        /// start: with four times as many pages the first second of load was slower than the next by a tenth or more.
        LOG_PAGES_MAX: i64 = 4_096;
        /// How long the log is waited for when it is to begin anew. Commits wait as long, so a reader that takes its
        /// time, a backup for example, is left alone until the log has grown by `LOG_PAGES_AGAIN`.
        LOG_RESTART_MS_MAX: u64 = 15;
        /// Pages by which a log grows that could not begin anew, before that is tried again: a second's worth of full
        /// load, so that commits wait for a hundredth of the time.
        LOG_PAGES_AGAIN: i64 = 16_384;
        /// Bytes that the log's file shrinks to when it begins anew. The commit that begins it cuts it, and waits for that: 12 to
        /// 101 ms were measured. So it is more than full load makes of the log (100 MiB), and less than a long read does.
        LOG_SHRUNK_BYTES: i64 = 256 * MIB as i64;
    }
    "PostgreSQL" {
        /// How long a server may take to answer before it is asked over a new connection.
        POSTGRES_ANSWER_MS_MAX: u64 = 30 * SECOND_MS;
        /// How long an attempt to connect may take.
        POSTGRES_CONNECT_MS_MAX: u64 = 5 * SECOND_MS;
        /// Pause after an attempt that failed.
        POSTGRES_PAUSE_MS: u64 = SECOND_MS;
        /// Silence after which a connection is asked for a sign of life.
        POSTGRES_ALIVE_MS: u64 = 10 * SECOND_MS;
    }
    "History" {
        /// How long the history gathers what it writes in one round.
        HISTORY_GATHER_MS: u64 = 200;
        /// Subjects of one round, at most about.
        HISTORY_ROUND_MAX: usize = 20_000;
        /// Pause after an error.
        HISTORY_PAUSE_MS: u64 = SECOND_MS;
        /// Numbers of one row that a round adds: what keeps it within a quarter of a page, beyond which SQLite would give
        /// it pages of its own.
        HISTORY_LIST_MAX: usize = 128;
        /// Numbers, or rows, that a search reads at once.
        HISTORY_PAGE_MAX: usize = 64;
        /// Revisions, or leases, that a search looks at before it answers with what it has.
        HISTORY_LOOKED_AT_MAX: usize = 2_000;
        /// Rows that one step of a sweep looks at.
        HISTORY_SWEPT_MAX: u64 = 4_096;
        /// Pause between two sweeps over everything.
        HISTORY_SWEEP_MS: u64 = HOUR_MS;
    }
}

// A log that could not begin anew at its first try is not cut either.
const _: () = assert!(LOG_SHRUNK_BYTES > 2 * 4_096 * (LOG_PAGES_MAX + LOG_PAGES_AGAIN));
