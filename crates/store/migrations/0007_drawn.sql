-- What somebody has drawn from sealed matters: marks under the installation's key, no words.
CREATE TABLE drawn (
    principal TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);
