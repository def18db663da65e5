-- What is being typed at a console and not entered. A console whose draft was taken over keeps its row, so that it hears of it.
CREATE TABLE field_draft (
    console TEXT NOT NULL PRIMARY KEY,
    author TEXT NOT NULL,
    line TEXT NOT NULL,
    revision BIGINT NOT NULL,
    kept_us BIGINT NOT NULL,
    taken_to TEXT,
    taken_by TEXT,
    taken_us BIGINT
);
