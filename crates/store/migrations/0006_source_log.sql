-- What Sigma rules call the log of a source: JSON of product, category and service.
ALTER TABLE source ADD COLUMN log_source TEXT;
