package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"clirgate/audit"
)

// Audit is the database as an audit.Log.
func (db *DB) Audit() audit.Log { return auditLog{db} }

type auditLog struct{ *DB }

const auditColumns = `seq, time, actor, role, action, object, purpose, "case", outcome, detail, prev, hash`

func (l auditLog) Append(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	err := l.write(ctx, audit.ErrUnavailable, func(tx *sql.Tx) (err error) {
		e, err = appendAudit(ctx, tx, e)
		return l.failed(err)
	})
	return e, err
}

// appendAudit adds an entry within a transaction.
func appendAudit(ctx context.Context, tx *sql.Tx, e audit.Entry) (audit.Entry, error) {
	head, err := headOf(ctx, tx)
	if err != nil {
		return e, err
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e = e.After(head)
	if _, err := tx.ExecContext(ctx, "INSERT INTO audit ("+auditColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		int64(e.Seq), e.Time.UnixMicro(), e.Actor, e.Role, e.Action, e.Object, e.Purpose, e.Case, string(e.Outcome), e.Detail, e.Prev[:], e.Hash[:]); err != nil {
		return e, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE audit_head SET seq = ?, hash = ?", int64(e.Seq), e.Hash[:])
	return e, err
}

// appendAll adds what tells of a change, within its transaction.
func appendAll(ctx context.Context, tx *sql.Tx, entries []audit.Entry) error {
	for _, e := range entries {
		if _, err := appendAudit(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

func headOf(ctx context.Context, q querier) (h audit.Head, err error) {
	var hash []byte
	err = q.QueryRowContext(ctx, "SELECT seq, hash FROM audit_head").Scan(&h.Seq, &hash)
	copy(h.Hash[:], hash)
	return h, err
}

func (l auditLog) Head(ctx context.Context) (audit.Head, error) {
	h, err := headOf(ctx, l.reader)
	return h, l.failed(err)
}

func (l auditLog) Read(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	where, args := auditConditions(q)
	rows, err := l.reader.QueryContext(ctx, "SELECT "+auditColumns+" FROM audit WHERE "+where+" LIMIT ?", append(args, q.Bound())...)
	if err != nil {
		return nil, l.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	var list []audit.Entry
	for rows.Next() {
		var e audit.Entry
		var us int64
		var prev, hash []byte
		if err := rows.Scan(&e.Seq, &us, &e.Actor, &e.Role, &e.Action, &e.Object, &e.Purpose, &e.Case, (*string)(&e.Outcome), &e.Detail, &prev, &hash); err != nil {
			return nil, l.failed(err)
		}
		e.Time = time.UnixMicro(us).UTC()
		copy(e.Prev[:], prev)
		copy(e.Hash[:], hash)
		list = append(list, e)
	}
	return list, l.failed(rows.Err())
}

func auditConditions(q audit.Query) (string, []any) {
	list, args := []string{"seq > ?"}, []any{int64(q.After)}
	add := func(given bool, condition string, value any) {
		if given {
			list, args = append(list, condition), append(args, value)
		}
	}
	add(q.Before != 0, "seq < ?", int64(q.Before))
	add(!q.From.IsZero(), "time >= ?", q.From.UnixMicro())
	add(!q.To.IsZero(), "time < ?", q.To.UnixMicro())
	for column, value := range map[string]string{"actor": q.Actor, "role": q.Role, "action": q.Action, "object": q.Object, `"case"`: q.Case, "outcome": string(q.Outcome)} {
		add(value != "", column+" = ?", value)
	}
	order := " ORDER BY seq"
	if q.Newest {
		order += " DESC"
	}
	return strings.Join(list, " AND ") + order, args
}

func (l auditLog) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", audit.ErrUnavailable, l.explain(err))
}
