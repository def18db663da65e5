-- People whose personal data was erased, so that their keys say so.
CREATE TABLE field_erased (
    person TEXT PRIMARY KEY,
    erased_us BIGINT NOT NULL,
    reason TEXT NOT NULL
);
