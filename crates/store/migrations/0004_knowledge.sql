-- What is known besides people: sources, documents with their versions and lists, policies. Rows of history begin at one
-- epoch and end at another; nothing else about them changes. Text is content, and stands apart.
CREATE TABLE sources (
    id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (id, from_epoch)
);

CREATE TABLE documents (
    id TEXT NOT NULL PRIMARY KEY,
    source_id TEXT NOT NULL,
    external_id TEXT NOT NULL,
    UNIQUE (source_id, external_id)
);

-- What a write said of a document's rights: `put` (a version with its list), `list`, `retire`, `erase`.
CREATE TABLE document_rights (
    document_id TEXT NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (document_id, from_epoch)
);
CREATE INDEX document_rights_by_epoch ON document_rights (from_epoch);

-- What a version is, besides its text: `contents_a` or `contents_b` has that under the same id.
CREATE TABLE document_versions (
    id TEXT NOT NULL PRIMARY KEY,
    document_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    text_hash TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (document_id, version)
);

CREATE TABLE policies (
    from_epoch BIGINT NOT NULL PRIMARY KEY,
    to_epoch BIGINT,
    body TEXT NOT NULL
);
