package postgres

import (
	"context"
	"strconv"
	"time"

	"clirgate/audit"
	"clirgate/rules"
	"github.com/jackc/pgx/v5"
)

func (s rulesStore) Write(ctx context.Context, writes []rules.Write, by rules.By) (w rules.Written, err error) {
	writes, err = rules.Prepare(writes)
	if err != nil {
		return w, err
	}
	err = s.change(ctx, rules.ErrUnavailable, func(tx pgx.Tx, h heads) (err error) {
		if w, err = s.written(ctx, tx, writes); err != nil || len(w.Items) == 0 {
			return err
		}
		h, err = s.record(ctx, tx, h, by, w.Items)
		w.Revision = h.revision
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
	return s.written(ctx, s.pool, writes)
}

// written is what writes make of the subscribers there are.
func (s rulesStore) written(ctx context.Context, q querier, writes []rules.Write) (w rules.Written, err error) {
	keys := make([]int64, len(writes))
	for i := range writes {
		keys[i], _ = rules.Key(writes[i].Number) // Prepare has checked it
	}
	before, err := s.subscribers(ctx, q, "WHERE number = ANY ($1::bigint[]) ORDER BY number", keys)
	if err != nil {
		return w, err
	}
	return rules.Outcome(writes, before), nil
}

// heads is the row that every change locks.
type heads struct {
	revision uint64
	audit    audit.Head
}

func lockHeads(ctx context.Context, tx pgx.Tx) (h heads, err error) {
	var hash []byte
	err = tx.QueryRow(ctx, "SELECT revision, audit_seq, audit_hash FROM heads FOR UPDATE").Scan(&h.revision, &h.audit.Seq, &hash)
	copy(h.audit.Hash[:], hash)
	return h, err
}

// record writes a change of items, which are in order and more than none, into
// history, subscribers and audit log, tells the other nodes, and answers the heads
// behind it. All of it is one round trip.
func (s rulesStore) record(ctx context.Context, tx pgx.Tx, h heads, by rules.By, items []rules.Item) (heads, error) {
	c := rules.Change{Revision: h.revision + 1, Time: time.Now().UTC(), By: by, Rows: len(items)}
	var b pgx.Batch
	packed := queueChange(&b, &c, items)
	e := queueAudit(&b, h.audit, c.Entry(packed))
	if s.notices {
		b.Queue("SELECT pg_notify('"+channel+"', $1)", strconv.FormatUint(c.Revision, 10))
	}
	return heads{c.Revision, e.Head()}, s.failed(tx.SendBatch(ctx, &b).Close())
}

// queueChange writes a change of items into history and subscribers, and answers the
// items as they are kept when they are more than one.
func queueChange(b *pgx.Batch, c *rules.Change, items []rules.Item) (packed []byte) {
	var key, low, high int64
	var before, after *string
	if len(items) == 1 {
		c.Number, c.Before, c.After = items[0].Number, items[0].Before, items[0].After
		key, _ = rules.Key(c.Number) // checked by whoever made the item
		before, after = document(c.Before), document(c.After)
	} else {
		low, _ = rules.Key(items[0].Number)
		high, _ = rules.Key(items[len(items)-1].Number)
		packed = rules.PackItems(items)
	}
	by := &c.By
	b.Queue("INSERT INTO changes (revision, time, actor, reason, number, before, after, action, reverts, job, job_row, count, low, high, items) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		c.Revision, c.Time.UnixMilli(), by.Actor, by.Reason, key, before, after, by.Action, by.Reverts, by.Job, by.JobRow, len(items), low, high, packed)
	queueSubscribers(b, items, c.Revision)
	b.Queue("UPDATE heads SET revision = $1", c.Revision)
	return packed
}

// queueSubscribers makes the subscribers what the items say.
func queueSubscribers(b *pgx.Batch, items []rules.Item, revision uint64) {
	var gone, keys []int64
	var services []int16
	var notes []string
	var until []*int64
	var then []*int16
	var thenNotes []*string
	for i := range items {
		key, _ := rules.Key(items[i].Number)
		after := items[i].After
		if after == nil {
			gone = append(gone, key)
			continue
		}
		keys, services, notes, until = append(keys, key), append(services, int16(after.Services())), append(notes, after.Note), append(until, unix(after.Until))
		var v *int16
		var note *string
		if after.Then.Exists {
			bits := int16(after.Then.Services)
			v, note = &bits, &after.Then.Note
		}
		then, thenNotes = append(then, v), append(thenNotes, note)
	}
	if len(keys) > 0 {
		b.Queue(`INSERT INTO subscribers (`+columns+`)
			SELECT u.*, $7::bigint FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::smallint[], $6::text[]) AS u
			ON CONFLICT (number) DO UPDATE SET services = EXCLUDED.services, note = EXCLUDED.note, until = EXCLUDED.until,
			then_services = EXCLUDED.then_services, then_note = EXCLUDED.then_note, revision = EXCLUDED.revision`,
			keys, services, notes, until, then, thenNotes, revision)
	}
	if len(gone) > 0 {
		b.Queue("DELETE FROM subscribers WHERE number = ANY ($1::bigint[])", gone)
	}
}

// document is a subscriber as kept in the history; nil for none.
func document(s *rules.Subscriber) *string {
	if s == nil {
		return nil
	}
	text := string(rules.EncodeStored(s))
	return &text
}
