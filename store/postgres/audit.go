package postgres

import (
	"context"
	"time"

	"clirgate/audit"
	"github.com/jackc/pgx/v5"
)

// Audit is the database as an audit.Log.
func (db *DB) Audit() audit.Log { return auditLog{db} }

type auditLog struct{ *DB }

const auditColumns = `seq, time, actor, role, action, object, purpose, "case", outcome, detail, prev, hash`

func (l auditLog) Append(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	err := l.change(ctx, audit.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		var b pgx.Batch
		e = queueAudit(&b, h.audit, e)
		return wrap(audit.ErrUnavailable, tx.SendBatch(ctx, &b).Close())
	})
	return e, err
}

// queueAudit adds an entry behind head, which its transaction has locked.
func queueAudit(b *pgx.Batch, head audit.Head, e audit.Entry) audit.Entry {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e = e.After(head)
	queueEntry(b, e)
	return e
}

// queueAll adds what tells of a change, within its transaction.
func queueAll(b *pgx.Batch, head audit.Head, entries []audit.Entry) {
	for _, e := range entries {
		e = queueAudit(b, head, e)
		head = e.Head()
	}
}

func queueEntry(b *pgx.Batch, e audit.Entry) {
	b.Queue("INSERT INTO audit ("+auditColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		e.Seq, e.Time.UnixMicro(), e.Actor, e.Role, e.Action, e.Object, e.Purpose, e.Case, string(e.Outcome), e.Detail, e.Prev[:], e.Hash[:])
	b.Queue("UPDATE heads SET audit_seq = $1, audit_hash = $2", e.Seq, e.Hash[:])
}

func (l auditLog) Head(ctx context.Context) (h audit.Head, err error) {
	var hash []byte
	err = l.pool.QueryRow(ctx, "SELECT audit_seq, audit_hash FROM heads").Scan(&h.Seq, &hash)
	copy(h.Hash[:], hash)
	return h, wrap(audit.ErrUnavailable, err)
}

func (l auditLog) Read(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	where := auditConditions(q)
	rows, err := l.pool.Query(ctx, "SELECT "+auditColumns+" FROM audit"+where.text()+" LIMIT "+where.arg(q.Bound()), where.args...)
	if err != nil {
		return nil, wrap(audit.ErrUnavailable, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e audit.Entry, err error) {
		var us int64
		var prev, hash []byte
		err = row.Scan(&e.Seq, &us, &e.Actor, &e.Role, &e.Action, &e.Object, &e.Purpose, &e.Case, (*string)(&e.Outcome), &e.Detail, &prev, &hash)
		e.Time = time.UnixMicro(us).UTC()
		copy(e.Prev[:], prev)
		copy(e.Hash[:], hash)
		return e, err
	})
	return list, wrap(audit.ErrUnavailable, err)
}

func auditConditions(q audit.Query) *filter {
	f := &filter{order: " ORDER BY seq"}
	f.when(true, "seq > %s", q.After)
	f.when(q.Before != 0, "seq < %s", q.Before)
	f.when(!q.From.IsZero(), "time >= %s", q.From.UnixMicro())
	f.when(!q.To.IsZero(), "time < %s", q.To.UnixMicro())
	f.when(q.Actor != "", "actor = %s", q.Actor)
	f.when(q.Role != "", "role = %s", q.Role)
	f.when(q.Action != "", "action = %s", q.Action)
	f.when(q.Object != "", "object = %s", q.Object)
	f.when(q.Case != "", `"case" = %s`, q.Case)
	f.when(q.Outcome != "", "outcome = %s", string(q.Outcome))
	if q.Newest {
		f.order += " DESC"
	}
	return f
}
