-- Break-glass: what was asked for, by whom, and what became of it. `owners` says, once it is approved, who is told of it,
-- with the documents of their sources.
CREATE TABLE break_glass (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    documents TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    notice_at BIGINT,
    delay_reason TEXT,
    approved_by TEXT,
    approved_at BIGINT,
    owners TEXT,
    ended_by TEXT,
    ended_at BIGINT
);
CREATE INDEX break_glass_by_person ON break_glass (person, id);
CREATE INDEX break_glass_by_requester ON break_glass (requested_by);

-- What decisions depend on: rows of history, without the reason.
CREATE TABLE break_glass_grants (
    id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (id, from_epoch)
);

-- Notices that are not for now: they move to `notices` when their person looks after that time.
CREATE TABLE delayed_notices (
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT,
    via TEXT,
    due_at BIGINT NOT NULL
);
CREATE INDEX delayed_notices_by_person ON delayed_notices (person, due_at);
