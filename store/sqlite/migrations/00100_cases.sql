-- +goose Up

-- Cases, authority orders and subjects' requests. What tells of people is in sealed, under a key of the
-- case that is not in this database.
CREATE TABLE casework (
    id       TEXT    PRIMARY KEY,
    kind     TEXT    NOT NULL CHECK (kind IN ('case', 'order', 'request')),
    revision INTEGER NOT NULL CHECK (revision > 0),
    state    TEXT    NOT NULL,
    subject  BLOB    NOT NULL CHECK (length(subject) = 16), -- keyed hash of the number
    created  INTEGER NOT NULL,                              -- unix milliseconds, as below
    expires  INTEGER,                                       -- NULL: not closed
    sealed   BLOB    NOT NULL
) STRICT;

CREATE INDEX casework_subject ON casework (subject);
CREATE INDEX casework_created ON casework (created);
CREATE INDEX casework_expires ON casework (expires) WHERE expires IS NOT NULL;

CREATE TABLE casework_documents (
    owner   TEXT    NOT NULL REFERENCES casework (id) ON DELETE CASCADE,
    n       INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    sealed  BLOB    NOT NULL,
    PRIMARY KEY (owner, n)
) STRICT;

-- Numbers to be shielded on bills. number is sealed (one block, so that the same number
-- is the same key).
CREATE TABLE shielded_numbers (
    number BLOB    PRIMARY KEY CHECK (length(number) = 16),
    day    INTEGER NOT NULL,                                -- days since 1970: from when
    ends   INTEGER,                                         -- first day no longer; NULL: for good
    source TEXT    NOT NULL                                 -- empty: our own subscriber
) STRICT;

-- +goose Down

DROP TABLE shielded_numbers;
DROP TABLE casework_documents;
DROP TABLE casework;
