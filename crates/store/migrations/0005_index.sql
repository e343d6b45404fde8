-- Into how many passages a version was cut: they stand in `contents_a` or `contents_b` under `VERSION:p:NUMBER`, their
-- vectors under `VERSION:v:MODEL`. NULL: not yet.
ALTER TABLE document_versions ADD COLUMN passages BIGINT;

-- What could not be made findable, and why: codes alone.
CREATE TABLE index_failures (
    document_id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    code TEXT NOT NULL,
    failed_at BIGINT NOT NULL
);
