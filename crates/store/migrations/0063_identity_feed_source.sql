-- What came of the last time a source of people was asked, and what is needed to ask whether it has changed.
CREATE TABLE identity_feed_source (
    feed TEXT PRIMARY KEY,
    -- Of the feed's document: another document asks anew.
    document TEXT NOT NULL,
    state TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    tried_us BIGINT NOT NULL,
    taken_us BIGINT,
    failures BIGINT NOT NULL,
    problem TEXT,
    batch_id TEXT
);
