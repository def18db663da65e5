-- An entry is chained by a commitment to its body, so that the body can go and the chain still verifies. Rows of before have
-- neither: their bodies are chained as they are.
ALTER TABLE replica_log ADD COLUMN salt TEXT;
ALTER TABLE replica_log ADD COLUMN commitment TEXT;
CREATE INDEX replica_log_by_subject ON replica_log (node, kind, subject);
