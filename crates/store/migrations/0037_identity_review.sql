-- Rounds of reviews.
CREATE TABLE identity_campaign (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    due_us BIGINT NOT NULL,
    items BIGINT NOT NULL,
    sheet TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    closed_us BIGINT
);
CREATE TABLE identity_review_item (
    id TEXT PRIMARY KEY,
    campaign_id TEXT NOT NULL REFERENCES identity_campaign (id),
    person_id TEXT NOT NULL,
    entitlement_id TEXT NOT NULL,
    reviewer_id TEXT,
    risk TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    decision TEXT,
    decided_by TEXT,
    decided_us BIGINT,
    shown_us BIGINT,
    is_canary BIGINT NOT NULL,
    sheet TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX identity_review_item_by_campaign ON identity_review_item (campaign_id, state, score);
CREATE INDEX identity_review_item_by_reviewer ON identity_review_item (reviewer_id, state);
