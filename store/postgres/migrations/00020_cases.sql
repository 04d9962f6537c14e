-- +goose Up

-- Cases, authority orders and subjects' requests. What tells of people is in sealed, under a
-- key of the case that is not in this table.
CREATE TABLE casework (
    id       TEXT   COLLATE "C" PRIMARY KEY,
    kind     TEXT   NOT NULL CHECK (kind IN ('case', 'order', 'request')),
    revision BIGINT NOT NULL CHECK (revision > 0),
    state    TEXT   NOT NULL,
    subject  BYTEA  NOT NULL CHECK (length(subject) = 16), -- keyed hash of the number
    created  BIGINT NOT NULL,                              -- unix milliseconds, as below
    expires  BIGINT,                                       -- NULL: not closed
    sealed   BYTEA  NOT NULL
);

CREATE INDEX casework_subject ON casework (subject);
CREATE INDEX casework_created ON casework (created, id);
CREATE INDEX casework_expires ON casework (expires) WHERE expires IS NOT NULL;

CREATE TABLE casework_documents (
    owner   TEXT   COLLATE "C" NOT NULL REFERENCES casework (id) ON DELETE CASCADE,
    n       BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    created BIGINT NOT NULL,
    sealed  BYTEA  NOT NULL,
    PRIMARY KEY (owner, n)
);

-- Numbers to be shielded on bills. number is sealed (one block, so that the same number
-- is the same key).
CREATE TABLE shielded_numbers (
    number BYTEA  PRIMARY KEY CHECK (length(number) = 16),
    day    BIGINT NOT NULL,                                -- days since 1970: from when
    ends   BIGINT,                                         -- first day no longer; NULL: for good
    source TEXT   NOT NULL                                 -- empty: our own subscriber
);

-- +goose Down

DROP TABLE shielded_numbers;
DROP TABLE casework_documents;
DROP TABLE casework;
