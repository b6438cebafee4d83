-- What of a built resource is stopped, or being started or stopped.
ALTER TABLE resource_doc ADD COLUMN power {text};
