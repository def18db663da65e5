-- What nodes have written, each in its own lanes: append-only, every entry chained to the one before it.
CREATE TABLE replica_log (
    node TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,
    time_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (node, lane, seq)
);

-- How far each lane goes.
CREATE TABLE replica_head (
    node TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    time_us BIGINT NOT NULL,
    PRIMARY KEY (node, lane)
);

-- Things as the node that wrote them last said they are.
CREATE TABLE replica_record (
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,
    time_us BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (node, kind, subject)
);
CREATE INDEX replica_record_by_time ON replica_record (kind, time_us);

-- A batch on its way in, piece by piece, so that a broken link goes on where it was.
CREATE TABLE replica_part (
    node TEXT NOT NULL,
    lane TEXT NOT NULL,
    offset_bytes BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    total_bytes BIGINT NOT NULL,
    digest TEXT NOT NULL,
    piece_bytes BIGINT NOT NULL,
    piece TEXT NOT NULL,
    PRIMARY KEY (node, lane, offset_bytes)
);

-- The other nodes, as they were last heard.
CREATE TABLE replica_peer (
    node TEXT PRIMARY KEY,
    heard_us BIGINT NOT NULL,
    as_of_us BIGINT NOT NULL,
    behind BIGINT NOT NULL,
    owed BIGINT NOT NULL,
    problem TEXT,
    problem_us BIGINT
);
