-- Marks of webhooks of the program of commit f6618060f362, which wrote it itself on SQLite,
-- with its clock in the year 2100.
BEGIN TRANSACTION;
CREATE TABLE webhook_mark (
    id INTEGER NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    number INTEGER NOT NULL
) STRICT;
INSERT INTO "webhook_mark" VALUES(32,60,4294967295);
CREATE TABLE webhook_migration (number INTEGER NOT NULL PRIMARY KEY, oldest INTEGER NOT NULL, checksum TEXT NOT NULL) STRICT;
INSERT INTO "webhook_migration" VALUES(1,1,'af7f36452381c1e7e1b68eddde96b3210f73bb68982445688d4e313cc098a21f');
COMMIT;
