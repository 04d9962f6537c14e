-- +goose Up

-- number: the digits of the E.164 number as an integer; country codes do not
-- begin with 0, so nothing is lost.
-- services: the bits of rules.Services, in the order
-- clir (2: none, permanent, temporary-restricted, temporary-allowed),
-- clip off, acr, tir (2: none, permanent, temporary), override, shield on bills.
CREATE TABLE subscribers (
    number        BIGINT   PRIMARY KEY,
    services      SMALLINT NOT NULL CHECK (services BETWEEN 0 AND 255),
    note          TEXT     NOT NULL,
    until         BIGINT,            -- unix seconds; NULL: for good
    then_services SMALLINT,          -- of the rule beneath one that ends; NULL: none
    then_note     TEXT,
    revision      BIGINT   NOT NULL  -- of the change that made it so
);

CREATE INDEX subscribers_until ON subscribers (until) WHERE until IS NOT NULL;

-- The history: every change, in the same transaction. A change of many
-- subscribers at once has number 0; items holds them packed (rules.PackItems), low
-- and high the least and the greatest number.
CREATE TABLE changes (
    revision BIGINT  PRIMARY KEY,
    time     BIGINT  NOT NULL,        -- unix milliseconds
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    number   BIGINT  NOT NULL,
    before   TEXT,                    -- the subscriber as JSON; NULL: was not there
    after    TEXT,                    -- NULL: is not there any more
    action   TEXT    NOT NULL,
    reverts  BIGINT  NOT NULL,
    job      TEXT    NOT NULL,
    job_row  BIGINT  NOT NULL,
    count    BIGINT  NOT NULL,
    low      BIGINT  NOT NULL,
    high     BIGINT  NOT NULL,
    items    BYTEA
);

CREATE INDEX changes_number ON changes (number, revision) WHERE number <> 0;
CREATE INDEX changes_batches ON changes (revision) WHERE number = 0;
CREATE INDEX changes_actor ON changes (actor, revision);
CREATE INDEX changes_time ON changes (time);
CREATE INDEX changes_job ON changes (job, revision) WHERE job <> '';

CREATE TABLE audit (
    seq     BIGINT PRIMARY KEY,
    time    BIGINT NOT NULL,          -- unix microseconds
    actor   TEXT   NOT NULL,
    role    TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    object  TEXT   NOT NULL,
    purpose TEXT   NOT NULL,
    "case"  TEXT   NOT NULL,
    outcome TEXT   NOT NULL,
    detail  TEXT   NOT NULL,
    prev    BYTEA  NOT NULL CHECK (length(prev) = 32),
    hash    BYTEA  NOT NULL CHECK (length(hash) = 32)
);

CREATE INDEX audit_time ON audit (time);
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_object ON audit (object, seq);
CREATE INDEX audit_case ON audit ("case", seq) WHERE "case" <> '';

-- The one row that every change locks: the last revision, and the last entry of
-- the audit log. So both have no gaps and become visible in their order.
CREATE TABLE heads (
    one        SMALLINT PRIMARY KEY CHECK (one = 1),
    revision   BIGINT   NOT NULL,
    audit_seq  BIGINT   NOT NULL,
    audit_hash BYTEA    NOT NULL CHECK (length(audit_hash) = 32)
);

INSERT INTO heads VALUES (1, 0, 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE nodes (
    name     TEXT        PRIMARY KEY,
    revision BIGINT      NOT NULL,    -- up to which the node has applied everything
    beat     TIMESTAMPTZ NOT NULL     -- when it last said so, by this server's clock
);

CREATE TABLE tokens (
    hash    BYTEA  PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256 of the token
    id      TEXT   NOT NULL UNIQUE,
    role    TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    created BIGINT NOT NULL,          -- unix seconds, as the two below
    expires BIGINT,                   -- NULL: never
    revoked BIGINT                    -- NULL: not revoked
);

-- +goose Down

DROP TABLE tokens;
DROP TABLE nodes;
DROP TABLE heads;
DROP TABLE audit;
DROP TABLE changes;
DROP TABLE subscribers;
