-- How far the logs of another node go by its own word, and how far it has those of this one: four numbers, by lane.
ALTER TABLE replica_peer ADD COLUMN own_lanes TEXT;
ALTER TABLE replica_peer ADD COLUMN have_lanes TEXT;

-- What a node sent and this one could not take, the latest few: nothing of it was written.
CREATE TABLE replica_refusal (
    node TEXT NOT NULL,
    time_us BIGINT NOT NULL,
    problem TEXT NOT NULL,
    PRIMARY KEY (node, time_us)
);
