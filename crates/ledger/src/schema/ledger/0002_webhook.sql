-- Webhooks: whom to tell what happens.
CREATE TABLE webhook (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
