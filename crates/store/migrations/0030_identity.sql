-- The Access desk. What the desk decides by: systems, stations, roles, rules, feeds. Each change makes a new version.
CREATE TABLE identity_revision (
    id BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO identity_revision (id, revision) VALUES (1, 0);

CREATE TABLE identity_document (
    kind TEXT NOT NULL,
    doc_key TEXT NOT NULL,
    title TEXT NOT NULL,
    owner TEXT,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    retired_us BIGINT,
    updated_us BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (kind, doc_key)
);

-- People. The id is the anchor inside the house and never changes; what sources call them lies in identity_anchor.
CREATE TABLE identity_person (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    number TEXT,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    birth_date TEXT,
    mail TEXT,
    sponsor TEXT,
    restricted BIGINT NOT NULL,
    blocked_us BIGINT,
    merged_into TEXT,
    sheet TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE INDEX identity_person_by_number ON identity_person (number);
CREATE INDEX identity_person_by_family ON identity_person (family_name);

CREATE TABLE identity_anchor (
    source TEXT NOT NULL,
    anchor TEXT NOT NULL,
    person_id TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    PRIMARY KEY (source, anchor)
);
CREATE INDEX identity_anchor_by_person ON identity_anchor (person_id);

-- Contracts as they are known now; identity_slice has what was known when, and for which time.
CREATE TABLE identity_engagement (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    source TEXT NOT NULL,
    source_key TEXT NOT NULL,
    state TEXT NOT NULL,
    station TEXT,
    org_unit TEXT,
    job TEXT,
    manager TEXT,
    begins_us BIGINT NOT NULL,
    ends_us BIGINT,
    sheet TEXT NOT NULL,
    row_digest TEXT,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    UNIQUE (source, source_key)
);
CREATE INDEX identity_engagement_by_person ON identity_engagement (person_id);

-- Bitemporal: true in the world from valid_from_us until valid_until_us, known here from recorded_us until superseded_us.
CREATE TABLE identity_slice (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    person_id TEXT NOT NULL,
    valid_from_us BIGINT NOT NULL,
    valid_until_us BIGINT,
    recorded_us BIGINT NOT NULL,
    superseded_us BIGINT,
    cause TEXT NOT NULL,
    sheet TEXT NOT NULL
);
CREATE INDEX identity_slice_by_person ON identity_slice (person_id, superseded_us);
CREATE INDEX identity_slice_by_subject ON identity_slice (subject, recorded_us);

-- What systems can give: groups, application roles, licences. The native id is the system's own and immutable one.
CREATE TABLE identity_entitlement (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    name TEXT NOT NULL,
    native_id TEXT,
    kind TEXT NOT NULL,
    title TEXT,
    owner TEXT,
    risk TEXT NOT NULL,
    privileged BIGINT NOT NULL,
    cost_yearly DOUBLE PRECISION,
    seen_us BIGINT,
    gone_us BIGINT,
    version BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    UNIQUE (system, name)
);
CREATE TABLE identity_nesting (
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    seen_us BIGINT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
);
CREATE INDEX identity_nesting_by_child ON identity_nesting (child_id);

-- Access that somebody gave, beside what rules compute. It is ended, never deleted.
CREATE TABLE identity_assignment (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    mode TEXT NOT NULL,
    source TEXT NOT NULL,
    source_ref TEXT,
    reason TEXT NOT NULL,
    approver TEXT,
    valid_from_us BIGINT NOT NULL,
    valid_until_us BIGINT,
    recorded_us BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    ended_us BIGINT,
    ended_by TEXT,
    end_reason TEXT
);
CREATE INDEX identity_assignment_by_person ON identity_assignment (person_id, ended_us);
CREATE INDEX identity_assignment_by_target ON identity_assignment (target_kind, target, ended_us);

-- Accounts: what is wanted, what was seen, and how far the one is from the other.
CREATE TABLE identity_account (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    person_id TEXT,
    kind TEXT NOT NULL,
    protection TEXT NOT NULL,
    login TEXT NOT NULL,
    native_id TEXT,
    status TEXT NOT NULL,
    progress TEXT NOT NULL,
    wanted TEXT,
    seen TEXT,
    seen_us BIGINT,
    plan_id TEXT,
    attempts BIGINT NOT NULL,
    retry_us BIGINT,
    problem TEXT,
    owner TEXT,
    purpose TEXT,
    expires_us BIGINT,
    rotated_us BIGINT,
    rotate_days BIGINT,
    last_use_us BIGINT,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE INDEX identity_account_by_person ON identity_account (person_id);
CREATE INDEX identity_account_by_native ON identity_account (system, native_id);
CREATE INDEX identity_account_by_progress ON identity_account (progress, system, retry_us);

-- What an account was last seen to hold.
CREATE TABLE identity_holding (
    account_id TEXT NOT NULL,
    entitlement_id TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    PRIMARY KEY (account_id, entitlement_id)
);
CREATE INDEX identity_holding_by_entitlement ON identity_holding (entitlement_id);

-- Names that are taken, and those of leavers that are held.
CREATE TABLE identity_name (
    scope TEXT NOT NULL,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    person_id TEXT,
    account_id TEXT,
    held_until_us BIGINT,
    PRIMARY KEY (scope, folded)
);
CREATE INDEX identity_name_by_person ON identity_name (person_id);

-- Plans: what a feed, a rule, a decision or a moment changes. Computed first, carried out as computed.
CREATE TABLE identity_plan (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    cause TEXT NOT NULL,
    cause_ref TEXT,
    state TEXT NOT NULL,
    counts TEXT NOT NULL,
    proposal TEXT,
    revision BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    begun_us BIGINT,
    ended_us BIGINT
);
CREATE INDEX identity_plan_by_time ON identity_plan (created_us);
CREATE TABLE identity_plan_item (
    plan_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    person_id TEXT,
    person_name TEXT,
    account_id TEXT,
    system TEXT NOT NULL,
    change TEXT NOT NULL,
    summary TEXT NOT NULL,
    base_version BIGINT NOT NULL,
    before TEXT,
    after TEXT,
    why TEXT NOT NULL,
    PRIMARY KEY (plan_id, position)
);
CREATE INDEX identity_plan_item_by_account ON identity_plan_item (account_id);
CREATE INDEX identity_plan_item_by_person ON identity_plan_item (person_id);

-- Deliveries of feeds, with what was wrong with them.
CREATE TABLE identity_batch (
    id TEXT PRIMARY KEY,
    feed TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    snapshot_us BIGINT,
    records BIGINT NOT NULL,
    joiners BIGINT NOT NULL,
    movers BIGINT NOT NULL,
    leavers BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    findings TEXT NOT NULL,
    delta TEXT NOT NULL,
    content TEXT,
    plan_id TEXT,
    received_by TEXT NOT NULL,
    received_us BIGINT NOT NULL,
    decided_by TEXT,
    decided_us BIGINT,
    decision TEXT
);
CREATE INDEX identity_batch_by_feed ON identity_batch (feed, received_us);
CREATE INDEX identity_batch_by_digest ON identity_batch (feed, digest);

-- What a person has to decide: rows that fit nobody or the wrong one, accounts that cannot be joined, drift, exposure.
CREATE TABLE identity_finding (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    person_id TEXT,
    account_id TEXT,
    system TEXT,
    title TEXT NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_us BIGINT NOT NULL,
    closed_us BIGINT,
    closed_by TEXT,
    decision TEXT
);
CREATE INDEX identity_finding_by_state ON identity_finding (state, kind, opened_us);
CREATE INDEX identity_finding_by_subject ON identity_finding (subject, kind, state);

-- How far each system has been read.
CREATE TABLE identity_cursor (
    system TEXT PRIMARY KEY,
    cursor TEXT,
    state TEXT NOT NULL,
    problem TEXT,
    read_us BIGINT,
    objects BIGINT NOT NULL
);

CREATE TABLE identity_merge (
    id TEXT PRIMARY KEY,
    survivor TEXT NOT NULL,
    absorbed TEXT NOT NULL,
    moved TEXT NOT NULL,
    merged_us BIGINT NOT NULL,
    merged_by TEXT NOT NULL,
    undone_us BIGINT,
    undone_by TEXT
);
