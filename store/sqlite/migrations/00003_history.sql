-- +goose Up

-- services: the bits of rules.Services, in the order
-- clir (2: none, permanent, temporary-restricted, temporary-allowed),
-- clip off, acr, tir (2: none, permanent, temporary), override, shield on bills.
-- One integer, because all of them are read when the gateway starts.
CREATE TABLE subscribers_packed (
    number        INTEGER PRIMARY KEY,
    services      INTEGER NOT NULL CHECK (services BETWEEN 0 AND 255),
    note          TEXT    NOT NULL,
    until         INTEGER,          -- unix seconds; NULL: for good
    then_services INTEGER,          -- of the rule beneath one that ends; NULL: none
    then_note     TEXT,
    revision      INTEGER NOT NULL  -- of the change that made it so
) STRICT;

INSERT INTO subscribers_packed SELECT number,
    CASE clir WHEN 'none' THEN 0 WHEN 'permanent' THEN 1 WHEN 'temporary-restricted' THEN 2 ELSE 3 END
    + 4 * (1 - clip) + 8 * acr
    + 16 * CASE tir WHEN 'none' THEN 0 WHEN 'permanent' THEN 1 ELSE 2 END
    + 64 * override + 128 * shield_on_bills,
    note, until, NULL, NULL, revision FROM subscribers;

DROP TABLE subscribers;
ALTER TABLE subscribers_packed RENAME TO subscribers;
CREATE INDEX subscribers_until ON subscribers (until) WHERE until IS NOT NULL;

-- A change of many subscribers at once has number 0; items holds them packed
-- (rules.PackItems), low and high the least and the greatest number.
ALTER TABLE changes ADD COLUMN action  TEXT    NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN reverts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN job     TEXT    NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN job_row INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN count   INTEGER NOT NULL DEFAULT 1;
ALTER TABLE changes ADD COLUMN low     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN high    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN items   BLOB;

CREATE INDEX changes_batches ON changes (revision) WHERE number = 0;
CREATE INDEX changes_actor ON changes (actor, revision);
CREATE INDEX changes_time ON changes (time);
CREATE INDEX changes_job ON changes (job, revision) WHERE job <> '';

-- The audit log. audit_head is kept beside it, so that entries cut off the end
-- are missed.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,      -- unix microseconds
    actor   TEXT    NOT NULL,
    role    TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    purpose TEXT    NOT NULL,
    "case"  TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    prev    BLOB    NOT NULL CHECK (length(prev) = 32),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX audit_time ON audit (time);
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_object ON audit (object, seq);
CREATE INDEX audit_case ON audit ("case", seq) WHERE "case" <> '';

CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO audit_head VALUES (1, 0, zeroblob(32));

-- +goose Down

DROP TABLE audit_head;
DROP TABLE audit;
DROP INDEX changes_job;
DROP INDEX changes_time;
DROP INDEX changes_actor;
DROP INDEX changes_batches;
DELETE FROM changes WHERE number = 0;
ALTER TABLE changes DROP COLUMN items;
ALTER TABLE changes DROP COLUMN high;
ALTER TABLE changes DROP COLUMN low;
ALTER TABLE changes DROP COLUMN count;
ALTER TABLE changes DROP COLUMN job_row;
ALTER TABLE changes DROP COLUMN job;
ALTER TABLE changes DROP COLUMN reverts;
ALTER TABLE changes DROP COLUMN action;

CREATE TABLE subscribers_wide (
    number          INTEGER PRIMARY KEY,
    clir            TEXT    NOT NULL CHECK (clir IN ('none', 'permanent', 'temporary-restricted', 'temporary-allowed')),
    clip            INTEGER NOT NULL CHECK (clip IN (0, 1)),
    acr             INTEGER NOT NULL CHECK (acr IN (0, 1)),
    tir             TEXT    NOT NULL CHECK (tir IN ('none', 'permanent', 'temporary')),
    override        INTEGER NOT NULL CHECK (override IN (0, 1)),
    shield_on_bills INTEGER NOT NULL CHECK (shield_on_bills IN (0, 1)),
    note            TEXT    NOT NULL,
    until           INTEGER,
    revision        INTEGER NOT NULL
) STRICT;

INSERT INTO subscribers_wide SELECT number,
    CASE services & 3 WHEN 0 THEN 'none' WHEN 1 THEN 'permanent' WHEN 2 THEN 'temporary-restricted' ELSE 'temporary-allowed' END,
    1 - (services >> 2 & 1), services >> 3 & 1,
    CASE services >> 4 & 3 WHEN 0 THEN 'none' WHEN 1 THEN 'permanent' ELSE 'temporary' END,
    services >> 6 & 1, services >> 7 & 1, note, until, revision FROM subscribers;

DROP TABLE subscribers;
ALTER TABLE subscribers_wide RENAME TO subscribers;
