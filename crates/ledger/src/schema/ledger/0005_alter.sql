-- What the holder of a built resource makes of it, or that he did.
ALTER TABLE resource_doc ADD COLUMN altered {text};
