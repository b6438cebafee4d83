-- Rows hold lists: the last number, and as JSON the gaps back to the others.
ALTER TABLE posting RENAME COLUMN revision TO last;
ALTER TABLE posting ADD COLUMN more {text};
ALTER TABLE lease_of RENAME COLUMN lease TO last;
ALTER TABLE lease_of ADD COLUMN more {text};
