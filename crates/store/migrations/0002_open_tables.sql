-- Exchanges and feedback get numbers, in whose order they roll into the open tables. What feedback says of its exchange
-- stands with it: the exchange may have left for the tables before.
CREATE TABLE numbered_traces (
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    owner TEXT NOT NULL,
    subject TEXT,
    task TEXT NOT NULL,
    outcome TEXT NOT NULL,
    record TEXT NOT NULL
);
INSERT INTO numbered_traces (number, id, created_at, owner, task, outcome, record)
    SELECT ROW_NUMBER() OVER (ORDER BY id), id, created_at, owner, task, outcome, record FROM traces;

CREATE TABLE numbered_feedback (
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    trace_id TEXT NOT NULL,
    trace_created_at BIGINT NOT NULL,
    task TEXT NOT NULL,
    owner TEXT NOT NULL,
    subject TEXT,
    author TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    kind TEXT NOT NULL
);
INSERT INTO numbered_feedback (number, id, trace_id, trace_created_at, task, owner, author, created_at, kind)
    SELECT ROW_NUMBER() OVER (ORDER BY f.id), f.id, f.trace_id, t.created_at, t.task, t.owner, f.author, f.created_at, f.kind
    FROM feedback f JOIN traces t ON t.id = f.trace_id;

DROP TABLE feedback;
DROP TABLE traces;
ALTER TABLE numbered_traces RENAME TO traces;
ALTER TABLE numbered_feedback RENAME TO feedback;
CREATE INDEX traces_by_owner ON traces (owner, id);
CREATE INDEX traces_by_task ON traces (task, created_at);
CREATE INDEX feedback_by_trace ON feedback (trace_id, id);

-- Erasures: `whom` is there only until it is done, then its keyed hash alone stays.
CREATE TABLE erasures (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    whom TEXT,
    whom_hash TEXT NOT NULL,
    actor TEXT,
    via TEXT,
    state TEXT NOT NULL,
    removed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
