-- The ledger's store. {int64}, {text} and {table} are what the engines call differently.

CREATE TABLE meta (
    id {int64} NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch {int64} NOT NULL,
    revision {int64} NOT NULL,
    at {int64} NOT NULL,
    counter {int64} NOT NULL,
    events {int64} NOT NULL,
    installation {text} NOT NULL,
    rolled_back {int64} NOT NULL
) {table};

CREATE TABLE journal (
    revision {int64} NOT NULL PRIMARY KEY,
    at {int64} NOT NULL,
    total {int64} NOT NULL,
    ended {int64} NOT NULL,
    doc {text} NOT NULL
) {table};

CREATE TABLE resource (
    id {int64} NOT NULL PRIMARY KEY,
    state {int64} NOT NULL,
    generation {int64} NOT NULL,
    attempt {int64} NOT NULL,
    open {int64} NOT NULL,
    deadline {int64},
    lease {int64},
    earmark {int64},
    fence {int64} NOT NULL,
    after {text},
    health {int64} NOT NULL,
    cooling_until {int64},
    freed_at {int64} NOT NULL,
    born_at {int64} NOT NULL,
    uses {int64} NOT NULL,
    tries {int64} NOT NULL,
    retire_at {int64},
    cause {text},
    withheld {text},
    revision {int64} NOT NULL,
    number {int64} NOT NULL
) {table};

CREATE TABLE resource_doc (
    id {int64} NOT NULL PRIMARY KEY,
    pool {int64} NOT NULL,
    origin {text} NOT NULL,
    doc {text} NOT NULL,
    outputs {text} NOT NULL
) {table};

CREATE TABLE lease (
    id {int64} NOT NULL PRIMARY KEY,
    state {int64} NOT NULL,
    fence {int64} NOT NULL,
    members {text} NOT NULL,
    earmarks {text} NOT NULL,
    granted_at {int64},
    deadline {int64},
    deadline_max {int64},
    wait_until {int64},
    poll_until {int64},
    swaps {int64} NOT NULL,
    revision {int64} NOT NULL,
    number {int64} NOT NULL,
    doc {text} NOT NULL
) {table};

CREATE TABLE outcome (
    principal {int64} NOT NULL,
    key {text} NOT NULL,
    digest {text} NOT NULL,
    subject {text} NOT NULL,
    lease {int64},
    until {int64},
    PRIMARY KEY (principal, key)
) {table};

CREATE TABLE pool (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
CREATE TABLE host (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
CREATE TABLE template (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
CREATE TABLE api_key (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
CREATE TABLE quota (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
