-- What who revoked a lease said to its holder.
ALTER TABLE lease_history ADD COLUMN reason {text};
