-- +goose Up

-- services has more bits: mcid (2: none, temporary, permanent, unanswered) above those of
-- before. SQLite cannot change a CHECK, so the table is made anew.
CREATE TABLE subscribers_mcid (
    number        INTEGER PRIMARY KEY,
    services      INTEGER NOT NULL CHECK (services BETWEEN 0 AND 8191),
    note          TEXT    NOT NULL,
    until         INTEGER,          -- unix seconds; NULL: for good
    then_services INTEGER,          -- of the rule beneath one that ends; NULL: none
    then_note     TEXT,
    revision      INTEGER NOT NULL  -- of the change that made it so
) STRICT;

INSERT INTO subscribers_mcid SELECT * FROM subscribers;
DROP TABLE subscribers;
ALTER TABLE subscribers_mcid RENAME TO subscribers;
CREATE INDEX subscribers_until ON subscribers (until) WHERE until IS NOT NULL;

-- +goose Down

CREATE TABLE subscribers_packed (
    number        INTEGER PRIMARY KEY,
    services      INTEGER NOT NULL CHECK (services BETWEEN 0 AND 255),
    note          TEXT    NOT NULL,
    until         INTEGER,
    then_services INTEGER,
    then_note     TEXT,
    revision      INTEGER NOT NULL
) STRICT;

INSERT INTO subscribers_packed
    SELECT number, services & 255, note, until, then_services & 255, then_note, revision FROM subscribers;
DROP TABLE subscribers;
ALTER TABLE subscribers_packed RENAME TO subscribers;
CREATE INDEX subscribers_until ON subscribers (until) WHERE until IS NOT NULL;
