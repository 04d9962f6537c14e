package postgres

import (
	"context"
	"errors"
	"fmt"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/rules"
	"github.com/jackc/pgx/v5"
)

// ErrOrder: what is imported does not follow what is there.
var ErrOrder = errors.New("import: it does not follow what the store has")

// ImportChange repeats a change of another store, under its own revision, which must be
// the next. c.Items is all it did. Its audit entry is imported by itself.
func (db *DB) ImportChange(ctx context.Context, c rules.Change) error {
	return db.change(ctx, rules.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		if c.Revision != h.revision+1 || len(c.Items) == 0 {
			return fmt.Errorf("%w: change %d after %d", ErrOrder, c.Revision, h.revision)
		}
		var b pgx.Batch
		queueChange(&b, &c, c.Items)
		return wrap(rules.ErrUnavailable, tx.SendBatch(ctx, &b).Close())
	})
}

// ImportAudit adds entries of another store's audit log as they are; they must follow
// what is there.
func (db *DB) ImportAudit(ctx context.Context, entries []audit.Entry) error {
	return db.change(ctx, audit.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		var b pgx.Batch
		head := h.audit
		for _, e := range entries {
			if e.Seq != head.Seq+1 || e.Prev != head.Hash {
				return fmt.Errorf("%w: audit entry %d after %d", ErrOrder, e.Seq, head.Seq)
			}
			queueEntry(&b, e)
			head = e.Head()
		}
		return wrap(audit.ErrUnavailable, tx.SendBatch(ctx, &b).Close())
	})
}

// ImportCase adds a case with its documents, or brings one that is here at an earlier
// revision up to it; false: nothing was to be done. It is never a sole one: another may be
// here.
func (db *DB) ImportCase(ctx context.Context, row casework.Row, docs []casework.Document) (done bool, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "INSERT INTO casework ("+caseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8)
			ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision, state = EXCLUDED.state, expires = EXCLUDED.expires, sealed = EXCLUDED.sealed
			WHERE casework.revision < EXCLUDED.revision AND casework.kind = EXCLUDED.kind`,
			row.ID, string(row.Kind), row.Revision, row.State, row.Subject[:], row.Created.UnixMilli(), milliseconds(row.Expires), row.Sealed)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		done = true
		var b pgx.Batch
		for _, d := range docs {
			b.Queue("INSERT INTO casework_documents (owner, n, kind, created, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
				d.Owner, d.N, d.Kind, d.Created.UnixMilli(), d.Sealed)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	return done, wrap(casework.ErrUnavailable, err)
}
