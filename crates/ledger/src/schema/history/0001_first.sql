-- The history: past leases, and which revisions of the journal tell of whom.
-- A subject is the id of a noun (all ids come from one counter) or, below zero, of an owner.

CREATE TABLE mark (
    id {int64} NOT NULL PRIMARY KEY CHECK (id = 1),
    revision {int64} NOT NULL,
    at {int64} NOT NULL
) {table};

CREATE TABLE lease_history (
    id {int64} NOT NULL PRIMARY KEY,
    owners {text} NOT NULL,
    principal {int64},
    priority {int64} NOT NULL,
    asked_at {int64} NOT NULL,
    granted_at {int64},
    ended_at {int64},
    how {text},
    fence {int64} NOT NULL,
    pools {text} NOT NULL,
    members {text} NOT NULL,
    marked {text} NOT NULL,
    labels {text} NOT NULL,
    note {text},
    first {int64} NOT NULL,
    last {int64} NOT NULL
) {table};

CREATE INDEX lease_history_live ON lease_history (id) WHERE ended_at IS NULL;

CREATE TABLE lease_of (
    subject {int64} NOT NULL,
    lease {int64} NOT NULL,
    PRIMARY KEY (subject, lease)
) {keyed};

CREATE TABLE posting (
    subject {int64} NOT NULL,
    revision {int64} NOT NULL,
    PRIMARY KEY (subject, revision)
) {keyed};

CREATE TABLE member (
    id {int64} NOT NULL PRIMARY KEY,
    pool {int64} NOT NULL,
    name {text} NOT NULL,
    gone_at {int64}
) {table};
