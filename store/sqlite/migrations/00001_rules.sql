-- +goose Up

-- number: the digits of the E.164 number as an integer; country codes do not
-- begin with 0, so nothing is lost.
CREATE TABLE subscribers (
    number          INTEGER PRIMARY KEY,
    clir            TEXT    NOT NULL CHECK (clir IN ('none', 'permanent', 'temporary-restricted', 'temporary-allowed')),
    clip            INTEGER NOT NULL CHECK (clip IN (0, 1)),
    acr             INTEGER NOT NULL CHECK (acr IN (0, 1)),
    tir             TEXT    NOT NULL CHECK (tir IN ('none', 'permanent', 'temporary')),
    override        INTEGER NOT NULL CHECK (override IN (0, 1)),
    shield_on_bills INTEGER NOT NULL CHECK (shield_on_bills IN (0, 1)),
    note            TEXT    NOT NULL,
    until           INTEGER,          -- unix seconds; NULL: for good
    revision        INTEGER NOT NULL  -- of the change that made it so
) STRICT;

-- The history: every change of a subscriber, in the same transaction.
-- AUTOINCREMENT: a revision is never used twice.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    time     INTEGER NOT NULL,        -- unix milliseconds
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    before   TEXT,                    -- the subscriber as JSON; NULL: was not there
    after    TEXT                     -- NULL: is not there any more
) STRICT;

CREATE INDEX changes_number ON changes (number, revision);

-- +goose Down

DROP TABLE subscribers;
DROP TABLE changes;
