-- Users: who signs in with a name and a password.
CREATE TABLE app_user (id {int64} NOT NULL PRIMARY KEY, doc {text} NOT NULL) {table};
