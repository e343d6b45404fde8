-- What is known is copied into the open tables in the order of numbers: a version by its epoch, its passages and vectors
-- by numbers of their own, for they are made later.
ALTER TABLE document_versions ADD COLUMN cut_number BIGINT;
UPDATE document_versions SET cut_number = epoch WHERE passages IS NOT NULL;
CREATE INDEX document_versions_by_epoch ON document_versions (epoch);
CREATE UNIQUE INDEX document_versions_by_cut ON document_versions (cut_number) WHERE cut_number IS NOT NULL;

-- Which vectors there are; `contents_a` or `contents_b` has them under the same id.
CREATE TABLE document_vectors (
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version_id TEXT NOT NULL,
    model TEXT NOT NULL
);
CREATE INDEX document_vectors_by_version ON document_vectors (version_id);
INSERT INTO document_vectors (number, id, version_id, model)
    SELECT ROW_NUMBER() OVER (ORDER BY c.id), c.id, v.id, SUBSTR(c.id, LENGTH(v.id) + 4)
    FROM (SELECT id FROM contents_a UNION ALL SELECT id FROM contents_b) c
    JOIN document_versions v ON v.document_id = SUBSTR(c.id, 1, LENGTH(v.document_id))
    WHERE SUBSTR(c.id, 1, LENGTH(v.id) + 3) = v.id || ':v:';

-- What was made from what went, and is closed now: ids, as JSON.
ALTER TABLE erasures ADD COLUMN quarantined TEXT;
