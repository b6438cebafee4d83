-- How far each webhook was told. Apart from the ledger's store, so that no delivery waits for a
-- commit, and none for it; losing it only repeats what was told.
CREATE TABLE webhook_mark (
    id {int64} NOT NULL PRIMARY KEY,
    revision {int64} NOT NULL,
    number {int64} NOT NULL
) {table};
