-- +goose Up

-- sole is the subject of a row of which there may be one at a time: the draft that marked
-- calls join, which two nodes might open at once.
ALTER TABLE casework ADD COLUMN sole BYTEA;
CREATE UNIQUE INDEX casework_sole ON casework (sole);

-- +goose Down

DROP INDEX casework_sole;
ALTER TABLE casework DROP COLUMN sole;
