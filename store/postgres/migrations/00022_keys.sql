-- +goose Up

-- Keys of records and cases, wrapped by the master key, which no server ever sees: so
-- that every node can open what another has sealed. A destroyed key leaves its name.
CREATE TABLE shared_keys (
    name    TEXT    COLLATE "C" NOT NULL,
    id      BYTEA   NOT NULL CHECK (length(id) = 4),
    serial  BIGINT  NOT NULL,         -- of its last change
    master  TEXT    NOT NULL,         -- fingerprint of the master key
    claimed BOOLEAN NOT NULL,         -- the one of its name that every node uses
    sealed  BYTEA,                    -- NULL: destroyed
    PRIMARY KEY (name, id)
);

CREATE INDEX shared_keys_serial ON shared_keys (serial);

-- The one row that every change locks, so that serial numbers become visible in order.
CREATE TABLE shared_keys_head (
    one    SMALLINT PRIMARY KEY CHECK (one = 1),
    serial BIGINT   NOT NULL
);

INSERT INTO shared_keys_head VALUES (1, 0);

-- +goose Down

DROP TABLE shared_keys_head;
DROP TABLE shared_keys;
