-- Who asked for what, the answer, and the rules that gave it. Numbered as exchanges are, and rolled like them.
CREATE TABLE decisions (
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    owner TEXT NOT NULL,
    trace_id TEXT,
    task TEXT NOT NULL,
    allowed BIGINT NOT NULL,
    record TEXT NOT NULL
);
