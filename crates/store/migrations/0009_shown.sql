-- What people were shown, the oldest first: marks under the installation's key and what they were made from, no words.
CREATE TABLE shown (
    principal TEXT NOT NULL,
    position BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (principal, position)
);
