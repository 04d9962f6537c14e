package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"clirgate/rules"
)

func (s rulesStore) Write(ctx context.Context, writes []rules.Write, by rules.By) (w rules.Written, err error) {
	writes, err = rules.Prepare(writes)
	if err != nil {
		return w, err
	}
	err = s.write(ctx, rules.ErrUnavailable, func(tx *sql.Tx) (err error) {
		if w, err = s.written(ctx, tx, writes); err != nil || len(w.Items) == 0 {
			return err
		}
		w.Revision, err = s.record(ctx, tx, by, w.Items)
		return err
	})
	if err != nil {
		return rules.Written{}, err
	}
	return w, nil
}

func (s rulesStore) Would(ctx context.Context, writes []rules.Write) (w rules.Written, err error) {
	if writes, err = rules.Prepare(writes); err != nil {
		return w, err
	}
	return s.written(ctx, s.reader, writes)
}

// written is what writes make of the subscribers there are.
func (s rulesStore) written(ctx context.Context, q querier, writes []rules.Write) (w rules.Written, err error) {
	before, err := s.before(ctx, q, writes)
	if err != nil {
		return w, err
	}
	return rules.Outcome(writes, before), nil
}

// rowsAtOnce is how many rows one statement reads or writes: it is statements,
// not rows, that cost.
const rowsAtOnce = 200

// before reads the subscribers that are there of those written, in order.
func (s rulesStore) before(ctx context.Context, q querier, writes []rules.Write) ([]rules.Versioned, error) {
	var list []rules.Versioned
	for part := range slices.Chunk(writes, rowsAtOnce) {
		keys := make([]any, len(part))
		for i := range part {
			key, _ := rules.Key(part[i].Number) // Prepare has checked it
			keys[i] = key
		}
		found, err := s.subscribers(ctx, q, "WHERE number IN (?"+strings.Repeat(",?", len(keys)-1)+") ORDER BY number", keys...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// record writes a change of items, which are in order and more than none, into
// history, subscribers and audit log, and answers its revision.
func (s rulesStore) record(ctx context.Context, tx *sql.Tx, by rules.By, items []rules.Item) (uint64, error) {
	c := rules.Change{Time: time.Now().UTC(), By: by, Rows: len(items)}
	var key, low, high int64
	var before, after, packed any
	var blob []byte
	if len(items) == 1 {
		c.Number, c.Before, c.After = items[0].Number, items[0].Before, items[0].After
		key, _ = rules.Key(c.Number) // checked by whoever made the item
		before, after = document(c.Before), document(c.After)
	} else {
		low, _ = rules.Key(items[0].Number)
		high, _ = rules.Key(items[len(items)-1].Number)
		blob = rules.PackItems(items)
		packed = blob
	}
	r, err := tx.ExecContext(ctx, "INSERT INTO changes (time, actor, reason, number, before, after, action, reverts, job, job_row, count, low, high, items) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.Time.UnixMilli(), by.Actor, by.Reason, key, before, after, by.Action, int64(by.Reverts), by.Job, int64(by.JobRow), len(items), low, high, packed)
	if err != nil {
		return 0, s.failed(err)
	}
	id, err := r.LastInsertId()
	if err != nil {
		return 0, s.failed(err)
	}
	c.Revision = uint64(id)
	if err := s.store(ctx, tx, items, id); err != nil {
		return 0, s.failed(err)
	}
	_, err = appendAudit(ctx, tx, c.Entry(blob))
	return c.Revision, s.failed(err)
}

// store makes the subscribers what the items say.
func (s rulesStore) store(ctx context.Context, tx *sql.Tx, items []rules.Item, revision int64) error {
	var put, gone []any
	insert := repeated{tx: tx, head: "INSERT OR REPLACE INTO subscribers (" + columns + ") VALUES ", one: "(?,?,?,?,?,?,?)"}
	remove := repeated{tx: tx, head: "DELETE FROM subscribers WHERE number IN (", one: "?", tail: ")"}
	defer insert.close()
	defer remove.close()
	for part := range slices.Chunk(items, rowsAtOnce) {
		put, gone = put[:0], gone[:0]
		for i := range part {
			key, _ := rules.Key(part[i].Number)
			if part[i].After == nil {
				gone = append(gone, key)
				continue
			}
			put = append(put, key)
			put = append(put, row(part[i].After)...)
			put = append(put, revision)
		}
		if err := insert.exec(ctx, len(put)/7, put); err != nil {
			return err
		}
		if err := remove.exec(ctx, len(gone), gone); err != nil {
			return err
		}
	}
	return nil
}

// repeated is a statement on so many rows at once. That of a full part is prepared once:
// preparing costs as much as a third of doing.
type repeated struct {
	tx              *sql.Tx
	head, one, tail string
	full            *sql.Stmt
}

func (r *repeated) exec(ctx context.Context, rows int, args []any) (err error) {
	if rows == 0 {
		return nil
	}
	if rows == rowsAtOnce && r.full == nil {
		if r.full, err = r.tx.PrepareContext(ctx, r.text(rows)); err != nil {
			return err
		}
	}
	if rows == rowsAtOnce {
		_, err = r.full.ExecContext(ctx, args...)
	} else {
		_, err = r.tx.ExecContext(ctx, r.text(rows), args...)
	}
	return err
}

func (r *repeated) text(rows int) string {
	return r.head + r.one + strings.Repeat(","+r.one, rows-1) + r.tail
}

func (r *repeated) close() {
	if r.full != nil {
		_ = r.full.Close() // the transaction tells what went wrong
	}
}

// row is the columns between number and revision.
func row(sub *rules.Subscriber) []any {
	var then, thenNote any
	if sub.Then.Exists {
		then, thenNote = int64(sub.Then.Services), sub.Then.Note
	}
	return []any{int64(sub.Services()), sub.Note, seconds(sub.Until), then, thenNote}
}

// document is a subscriber as kept in the history; nil for none.
func document(s *rules.Subscriber) any {
	if s == nil {
		return nil
	}
	return string(rules.EncodeStored(s))
}
