//! Engines, machines and what runs there answer late, at length, or not at all.

use super::{DAY_MS, GIB, KIB, MIB, MINUTE_MS, SECOND_MS};

limits! {
    "Drivers: calls and waits" {
        /// How long a verb may take, whatever a template asks for.
        VERB_MS_MAX: u64 = DAY_MS;
        /// How long the removal of one resource may take: many heavy calls behind those of others.
        DELETE_MS_MAX: u64 = 15 * MINUTE_MS;
        /// How long an engine may take for a call that looks: ping, inspect, list.
        QUICK_CALL_MS_MAX: u64 = 20 * SECOND_MS;
        /// How long it may take for one that makes, starts, removes or uploads.
        HEAVY_CALL_MS_MAX: u64 = 2 * MINUTE_MS;
        /// Heavy calls an engine gets at once. Measured on two cores: past four, throughput rises by an eighth while each call
        /// takes three times as long.
        HEAVY_CALLS_AT_ONCE_MAX: usize = 4;
        /// How long the library for engines would wait: out of the way, every call here has its own bound.
        LIBRARY_CALL_MS_MAX: u64 = DAY_MS;
        /// First pause between two looks at an engine for something that is about to happen; each further one is
        /// twice as long.
        ENGINE_PAUSE_MS_MIN: u64 = 25;
        /// Longest pause between two such looks.
        ENGINE_PAUSE_MS_MAX: u64 = 500;
        /// First pause between two such looks at processes, which cost less.
        PROCESS_PAUSE_MS_MIN: u64 = 5;
        /// Longest pause between two looks at processes.
        PROCESS_PAUSE_MS_MAX: u64 = 200;
        /// What an engine may take beyond a service's own grace to stop it.
        ENGINE_STOP_MORE_MS: u64 = 30 * SECOND_MS;
        /// An engine's own grace, in seconds, where a container names none.
        ENGINE_GRACE_S_DEFAULT: i64 = 10;
        /// How long a subnet may be taken by a network of ours that the engine does not list: one that it
        /// still makes for a call that was given up, or still removes.
        SUBNET_TAKEN_MS_MAX: u64 = 5 * SECOND_MS;
        /// Bits of a network's prefix: one with fewer addresses has no place for a gateway and a service.
        SUBNET_PREFIX_MAX: u8 = 30;
        /// How often an engine starts a service again before a job that has it beside it is told that it will
        /// not come up: with the engine's own pauses, some 3 s.
        RESTARTS_MAX: i64 = 5;
        /// How often an engine is asked, within less than a second, why something ended: that event comes late, or never.
        ENDING_LOOKS_MAX: usize = 5;
        /// How long one call of a reset may take: a node that its holder made hang holds up nothing else.
        RESET_CALL_MS_MAX: u64 = 30 * SECOND_MS;
        /// Shortest pause between two probes of a service, whatever its interval.
        PROBE_INTERVAL_MS_MIN: u64 = 10;
        /// How long a health test may take that says nothing of it, as with engines.
        HEALTH_TEST_MS_DEFAULT: u64 = 30 * SECOND_MS;
        /// How long a health test may take that is asked in a look at a host: others wait for it.
        HEALTH_LOOK_MS_MAX: u64 = 5 * SECOND_MS;
        /// Health tests asked at once in a look.
        HEALTH_LOOKS_AT_ONCE_MAX: usize = 8;
        /// How long a task of a swarm may find no node before the swarm is believed: nodes join and ports are
        /// given free a moment after they are seen to be.
        PLACING_MS_MAX: u64 = 10 * SECOND_MS;
        /// Pause between two tries of a swarm's service that is to be started again.
        TASK_AGAIN_MS: i64 = 1_000;
    }
    "Drivers: what is read and written" {
        /// Bytes of an answer to a probe that are looked at; more is an error.
        PROBE_BYTES_MAX: usize = MIB;
        /// Bytes of a readiness command's output that are looked at.
        READINESS_BYTES_MAX: usize = 64 * KIB;
        /// Bytes of a health test's output that are looked at.
        HEALTH_BYTES_MAX: usize = 4 * KIB;
        /// Characters of it that an error shows.
        HEALTH_SHOWN_CHARS_MAX: usize = 200;
        /// Lines of a log given at once.
        LOG_LINES_MAX: u32 = 10_000;
        /// Bytes of a log given at once.
        LOG_BYTES_MAX: usize = 8 * MIB;
        /// Last lines of a service that an error shows.
        LAST_LINES_MAX: usize = 20;
        /// Bytes of these lines.
        LAST_BYTES_MAX: usize = 4 * KIB;
        /// Lines a job may have written for its output to be searched.
        JOB_LOG_LINES_MAX: usize = 10_000;
        /// Bytes of these lines.
        JOB_LOG_BYTES_MAX: usize = MIB;
        /// Bytes of a variable that a job found out: engines take it in one argument.
        VARIABLE_BYTES_MAX: usize = 64 * KIB;
        /// Bytes of one file handed out; outputs are kept in memory with the resource.
        OUTPUT_FILE_BYTES_MAX: usize = 256 * KIB;
        /// Bytes of all outputs of one resource together.
        OUTPUTS_BYTES_MAX: usize = MIB;
        /// Bytes of an archive's headers and padding around one such file.
        TAR_MORE_BYTES: usize = 8 * KIB;
        /// Symbolic links followed to an output file.
        LINKS_MAX: usize = 8;
        /// Bytes of all files of one resource that its holder takes along, and of the archives they are read
        /// from: a network of eight organizations has half a MiB of certificates.
        HOLDER_BYTES_MAX: usize = 8 * MIB;
        /// Such files of one resource.
        HOLDER_FILES_MAX: usize = 10_000;
        /// How long a pull or load may tell of nothing that comes, whatever the engine says meanwhile.
        PULL_SILENCE_MS_MAX: u64 = 2 * MINUTE_MS;
        /// How long it may tell of nothing at all: layers wait for those of other pulls, and large ones are unpacked without
        /// a word.
        PULL_UNPACKING_MS_MAX: u64 = 15 * MINUTE_MS;
        /// Layers of one image whose bytes are counted; engines take no more.
        LAYERS_MAX: usize = 1_024;
        /// Bytes of the list of contents that is a bundle's first file.
        BUNDLE_CONTENTS_BYTES_MAX: u64 = MIB as u64;
        /// Bytes of an archive's entry that says something of the next one.
        BUNDLE_EXTENSION_BYTES_MAX: u64 = MIB as u64;
        /// Bytes of one of a bundle's files of names.
        BUNDLE_NAMES_BYTES_MAX: u64 = 4 * MIB as u64;
        /// Bytes kept of what ssh complains of.
        SSH_COMPLAINT_BYTES_MAX: usize = KIB;
        /// Bytes of one config that a swarm's manager of every version takes.
        SWARM_CONFIG_BYTES_MAX: usize = 500 * KIB;
        /// Characters of a config's name that a manager takes.
        SWARM_CONFIG_NAME_CHARS_MAX: usize = 64;
        /// Characters of a service's or network's name that a manager takes: it becomes one in the swarm's name service.
        SWARM_NAME_CHARS_MAX: usize = 63;
    }
    "Processes" {
        /// How long looking, signalling and removing may take on a busy machine.
        PROCESS_SHORT_MS_MAX: u64 = MINUTE_MS;
        /// How long a start or stop may take: it waits for the longest grace of its services.
        PROCESS_POWER_MS_MAX: u64 = 15 * MINUTE_MS;
        /// What a shim may take beyond the grace of its service.
        SHIM_STOP_MORE_MS: u64 = 10 * SECOND_MS;
        /// How long a signal may take to have its effect.
        SIGNAL_MS_MAX: u64 = 10 * SECOND_MS;
        /// How long shims may take to kill their services before they are killed themselves.
        SHIM_KILL_MS_MAX: u64 = 10 * SECOND_MS;
        /// How long a command's tree may take to be killed.
        COMMAND_KILL_MS_MAX: u64 = 10 * SECOND_MS;
        /// Killings of a tree; one that outlives them is beyond killing (it waits in the kernel).
        KILLS_MAX: u32 = 2_000;
        /// How long a service's last lines may take to be in its log.
        LOG_FLUSH_MS_MAX: u64 = SECOND_MS;
        /// First pause before a service is started again; each further one is twice as long.
        RESTART_PAUSE_MS_MIN: u64 = 100;
        /// Longest pause before such a restart.
        RESTART_PAUSE_MS_MAX: u64 = 10 * SECOND_MS;
        /// A run as long as this was a good one: the next pause is short again.
        GOOD_RUN_MS: u64 = 10 * SECOND_MS;
        /// How long another shim of the same service may take to end.
        SHIM_LOCK_MS_MAX: u64 = 5 * SECOND_MS;
        /// Pause between two tries to write a status down.
        STATUS_AGAIN_MS: u64 = SECOND_MS;
        /// Tries to write the last status down.
        STATUS_LAST_TRIES_MAX: u32 = 60;
        /// How often pipes are read in one go: a service may write as fast as it is read.
        DRAINS_MAX: usize = 256;
        /// Bytes read from a pipe at once: what it holds.
        PIPE_BYTES: usize = 64 * KIB;
        /// Depth of folders that are archived.
        FOLDERS_DEEP_MAX: usize = 64;
        /// Bytes one archive may unpack to.
        UNPACKED_BYTES_MAX: u64 = 4 * GIB;
        /// How long a client may keep a connection to the sample service.
        SAMPLE_CLIENT_MS_MAX: u64 = 5 * SECOND_MS;
        /// Bytes of a request's head that the sample service reads.
        SAMPLE_HEAD_BYTES_MAX: u64 = 16 * KIB as u64;
        /// Bytes of a file that it answers with.
        SAMPLE_FILE_BYTES_MAX: u64 = 64 * KIB as u64;
    }
}
