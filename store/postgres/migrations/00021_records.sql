-- +goose Up

-- Records of calls, sealed. day is the day the call began (UTC, days since 1970), so that a
-- batch that comes late lands where it belongs. caller, called and diverted are the tokens
-- of trace.Token as integers. There is no unique index: an entry that came twice is merged
-- when it is read. added (unix microseconds) says which of two came last.
CREATE TABLE records (
    service  SMALLINT NOT NULL,
    day      INTEGER  NOT NULL,
    id       UUID     NOT NULL,
    caller   BIGINT,
    called   BIGINT,
    diverted BIGINT,
    added    BIGINT   NOT NULL,
    value    BYTEA    NOT NULL
) PARTITION BY LIST (service);

CREATE INDEX records_id ON records (id);
CREATE INDEX records_caller ON records (caller);
CREATE INDEX records_called ON records (called);
CREATE INDEX records_diverted ON records (diverted) WHERE diverted IS NOT NULL;

-- A partition for each service and day, made ahead by the gateways and dropped whole. What
-- fits none lands in a default partition, which raises an alarm.
CREATE TABLE records_telephony PARTITION OF records FOR VALUES IN (0) PARTITION BY RANGE (day);
CREATE TABLE records_internet PARTITION OF records FOR VALUES IN (1) PARTITION BY RANGE (day);
CREATE TABLE records_message PARTITION OF records FOR VALUES IN (2) PARTITION BY RANGE (day);
CREATE TABLE records_telephony_default PARTITION OF records_telephony DEFAULT;
CREATE TABLE records_internet_default PARTITION OF records_internet DEFAULT;
CREATE TABLE records_message_default PARTITION OF records_message DEFAULT;

-- Answers, ends and statuses, filed under the day their call began.
CREATE TABLE record_updates (
    day   INTEGER  NOT NULL,
    id    UUID     NOT NULL,
    kind  SMALLINT NOT NULL,
    added BIGINT   NOT NULL,
    value BYTEA    NOT NULL
) PARTITION BY RANGE (day);

CREATE INDEX record_updates_id ON record_updates (id);
CREATE TABLE record_updates_default PARTITION OF record_updates DEFAULT;

-- How many records each node added to a service's day.
CREATE TABLE record_days (
    service SMALLINT NOT NULL,
    day     INTEGER  NOT NULL,
    node    TEXT     NOT NULL,
    records BIGINT   NOT NULL,
    PRIMARY KEY (service, day, node)
);

-- Up to where each node's outbox has been shipped. It moves in the transaction that adds
-- the records: so each is added once. An epoch is one opening of a node's own database.
CREATE TABLE outboxes (
    epoch UUID        PRIMARY KEY,
    node  TEXT        NOT NULL,
    seq   BIGINT      NOT NULL,
    moved TIMESTAMPTZ NOT NULL
);

-- +goose Down

DROP TABLE outboxes;
DROP TABLE record_days;
DROP TABLE record_updates;
DROP TABLE records;
