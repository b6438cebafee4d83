//! Clients believe a server no more than a server believes them.

use super::{KIB, MIB, MINUTE_MS, SECOND_MS};

limits! {
    "Client library" {
        /// Bytes of an answer; a larger one is not read.
        ANSWER_BYTES_MAX: usize = 64 * MIB;
        /// Bytes of one message of a stream.
        MESSAGE_BYTES_MAX: usize = MIB;
        /// Silence of a stream after which its connection is dead: four signs of life.
        STREAM_SILENCE_MS_MAX: u64 = MINUTE_MS;
        /// First pause before a call is tried again; each further one is twice as long.
        AGAIN_PAUSE_MS_MIN: u64 = 100;
        /// Longest pause between two tries of a call.
        AGAIN_PAUSE_MS_MAX: u64 = 5 * SECOND_MS;
        /// Items that a list of all pages gathers: a server without an end is not believed.
        ITEMS_MAX: usize = 1_000_000;
        /// Longest duration that is read: a hundred years, more is a slip of the finger, and sums of two stay far from overflow.
        DURATION_MS_MAX: u64 = 100 * 366 * super::DAY_MS;
        /// Lines of a log when nobody says how many.
        LOG_LINES_DEFAULT: u32 = 100;
    }
    "Command line" {
        /// How long one long-poll of a waiting command is kept open: a third of `POLL_WITHIN_MS`.
        POLL_MS: u64 = 20 * SECOND_MS;
        /// A waiting lease whose command is gone leaves the queue after so long.
        POLL_WITHIN_MS: u64 = 3 * POLL_MS;
        /// Pause between two looks at what a command waits for: a host that drains, images that are pulled.
        LOOK_MS: u64 = 500;
        /// Pause between two looks at whether a start, a stop or a change is over.
        TURN_LOOK_MS: u64 = 300;
        /// Tries to change a host that changes meanwhile.
        HOST_TRIES_MAX: u32 = 3;
        /// Bytes of a file with configuration, a credential, or part of a template: no such file is as long, and a device has no end.
        FILE_BYTES_MAX: u64 = MIB as u64;
        /// Bytes of a document that is loaded or imported.
        DOCUMENT_BYTES_MAX: u64 = 64 * MIB as u64;
        /// Characters of a value that a comparison shows whole.
        SHOWN_CHARS_MAX: usize = 60;
        /// Depth of folders in a template's folder.
        TEMPLATE_FOLDERS_DEEP_MAX: usize = 8;
        /// Bytes of a bundle of images read at once.
        BUNDLE_PIECE_BYTES: usize = MIB;
        /// Documents in one imported file: more clusters than any of the old systems bore.
        IMPORTED_DOCUMENTS_MAX: usize = 100_000;
        /// Documents that cannot be read after which an imported file is given up: it is of another kind.
        IMPORTED_UNREAD_MAX: usize = 100;
        /// How deep imported documents are looked into; what is deeper is nothing that is read.
        IMPORTED_DEPTH_MAX: usize = 8;
        /// Violations that `doctor` tells; more would say no more.
        VIOLATIONS_SHOWN_MAX: usize = 20;
        /// How long lines of the log are gathered, unless there are many of them.
        LOG_GATHER_MS: u64 = 100;
        /// Bytes of gathered lines that are many.
        LOG_GATHERED_BYTES_MAX: usize = 64 * KIB;
    }
}
