-- Portable between SQLite and PostgreSQL: BIGINT and TEXT only; times are microseconds since 1970, hashes are hex,
-- structures are JSON. Rows of identity carry from_epoch and to_epoch: a row holds for from_epoch <= e < to_epoch and
-- is never changed but for closing it. Who did something is in two columns: `actor`, and `via`, the list of services in
-- between.

CREATE TABLE epochs (
    epoch BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    ids TEXT NOT NULL,
    actor TEXT,
    via TEXT,
    at BIGINT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE people (
    id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (id, from_epoch)
);
CREATE UNIQUE INDEX people_by_external ON people (source, external_id) WHERE to_epoch IS NULL;

CREATE TABLE person_groups (
    id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (id, from_epoch)
);
CREATE UNIQUE INDEX person_groups_by_external ON person_groups (source, external_id) WHERE to_epoch IS NULL;

CREATE TABLE services (
    id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (id, from_epoch)
);

CREATE TABLE memberships (
    group_id TEXT NOT NULL,
    member TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (group_id, member, from_epoch)
);
CREATE UNIQUE INDEX memberships_open ON memberships (group_id, member) WHERE to_epoch IS NULL;
CREATE INDEX memberships_by_member ON memberships (member);

CREATE TABLE grants (
    token TEXT NOT NULL,
    role TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (token, role, from_epoch)
);
CREATE UNIQUE INDEX grants_open ON grants (token, role) WHERE to_epoch IS NULL;

CREATE TABLE access_keys (
    id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    holder TEXT NOT NULL,
    hash TEXT NOT NULL,
    revoked_at BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (id, from_epoch)
);
CREATE UNIQUE INDEX access_keys_by_hash ON access_keys (hash) WHERE to_epoch IS NULL;

CREATE TABLE sessions (
    hash TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (hash, from_epoch)
);
CREATE UNIQUE INDEX sessions_open ON sessions (hash) WHERE to_epoch IS NULL;

-- What was said: the content of exchanges, feedback, conversations and their items, stored responses, as JSON by
-- their ids (an item's: conversation/item). A row is in one of the two tables; src/contents.rs says why there are two.
CREATE TABLE contents_a (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE contents_b (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);

-- Where the work behind the door stands.
CREATE TABLE upkeep (
    name TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);

-- Counts, ids and timings of exchanges; `record` is the whole Trace.
CREATE TABLE traces (
    id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    owner TEXT NOT NULL,
    task TEXT NOT NULL,
    model TEXT,
    outcome TEXT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_micro_usd BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX traces_by_owner ON traces (owner, id);
CREATE INDEX traces_by_task ON traces (task, created_at);

CREATE TABLE feedback (
    id TEXT NOT NULL PRIMARY KEY,
    trace_id TEXT NOT NULL REFERENCES traces (id),
    author TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    kind TEXT NOT NULL
);
CREATE INDEX feedback_by_trace ON feedback (trace_id, id);

CREATE TABLE key_spending (
    key_id TEXT NOT NULL,
    month_index BIGINT NOT NULL,
    micro_usd BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (key_id, month_index)
);

CREATE TABLE conversations (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX conversations_by_owner ON conversations (owner, id);
CREATE INDEX conversations_by_age ON conversations (created_at);

CREATE TABLE conversation_items (
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    position BIGINT NOT NULL,
    id TEXT NOT NULL,
    provenance TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, position)
);
CREATE UNIQUE INDEX conversation_items_by_id ON conversation_items (conversation_id, id);

CREATE TABLE responses (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    previous_id TEXT,
    trace_id TEXT,
    provenance TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX responses_by_expiry ON responses (expires_at);

CREATE TABLE sign_in_links (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    made_by TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX sign_in_links_by_person ON sign_in_links (person);

CREATE TABLE notices (
    number BIGINT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT,
    via TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX notices_by_person ON notices (person, number);

CREATE TABLE acts (
    number BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT,
    via TEXT,
    verb TEXT NOT NULL,
    ids TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE TABLE settings (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    value TEXT NOT NULL,
    actor TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE upstreams (
    name TEXT NOT NULL PRIMARY KEY,
    config TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    owner TEXT,
    state TEXT NOT NULL,
    stage TEXT,
    progress_ppm BIGINT NOT NULL,
    detail TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, id);

CREATE TABLE installation_secrets (
    name TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL
);
