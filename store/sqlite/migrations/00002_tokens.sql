-- +goose Up

CREATE TABLE tokens (
    hash    BLOB    PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256 of the token
    id      TEXT    NOT NULL UNIQUE,
    role    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    created INTEGER NOT NULL,          -- unix seconds, as the two below
    expires INTEGER,                   -- NULL: never
    revoked INTEGER                    -- NULL: not revoked
) STRICT;

-- +goose Down

DROP TABLE tokens;
