package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"clirgate/rules"
)

func (s rulesStore) Changes(ctx context.Context, after uint64, limit int) ([]rules.Change, error) {
	return s.History(ctx, rules.Query{After: after, Limit: limit})
}

func (s rulesStore) History(ctx context.Context, q rules.Query) ([]rules.Change, error) {
	limit := q.Bound()
	var list []rules.Change
	// A batch between whose least and greatest number the sought one lies need
	// not hold it: then the next rows are looked at.
	for {
		page, last, more, err := s.changes(ctx, q, limit-len(list))
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if !more || len(list) == limit {
			return list, nil
		}
		if q.Newest {
			q.Before = last
		} else {
			q.After = last
		}
	}
}

// changes reads one page of rows; last is the last row's revision, and more
// tells whether there may be others behind it.
func (s rulesStore) changes(ctx context.Context, q rules.Query, limit int) (list []rules.Change, last uint64, more bool, err error) {
	where, args, err := conditions(q)
	if err != nil {
		return nil, 0, false, err
	}
	rows, err := s.reader.QueryContext(ctx, "SELECT revision, time, actor, reason, number, before, after, action, reverts, job, job_row, count, "+
		"CASE WHEN ? THEN items END FROM changes WHERE "+where+" LIMIT ?", slices.Concat([]any{q.Items || q.Number != 0}, args, []any{limit})...)
	if err != nil {
		return nil, 0, false, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	read := 0
	for rows.Next() {
		c, items, err := s.scanChange(rows)
		if err != nil {
			return nil, 0, false, err
		}
		read, last = read+1, c.Revision
		if !c.About(q.Number, items) {
			continue
		}
		if q.Items {
			c.Items = items
		}
		list = append(list, c)
	}
	return list, last, read == limit, s.failed(rows.Err())
}

func conditions(q rules.Query) (where string, args []any, err error) {
	list := []string{"revision > ?"}
	args = []any{int64(q.After)}
	add := func(condition string, values ...any) { list, args = append(list, condition), append(args, values...) }
	if q.Before != 0 {
		add("revision < ?", int64(q.Before))
	}
	if q.Number != 0 {
		key, err := rules.Key(q.Number)
		if err != nil {
			return "", nil, err
		}
		add("(number = ? OR number = 0 AND low <= ? AND high >= ?)", key, key, key)
	}
	if !q.From.IsZero() {
		add("time >= ?", q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		add("time < ?", q.To.UnixMilli())
	}
	if q.Actor != "" {
		add("actor = ?", q.Actor)
	}
	if q.Job != "" {
		add("job = ?", q.Job)
	}
	order := " ORDER BY revision"
	if q.Newest {
		order += " DESC"
	}
	return strings.Join(list, " AND ") + order, args, nil
}

// scanChange reads one row. items is what a single change did, or a batch if
// they were asked for.
func (s rulesStore) scanChange(rows *sql.Rows) (c rules.Change, items []rules.Item, err error) {
	var ms, key int64
	var before, after sql.NullString
	var packed []byte
	if err := rows.Scan(&c.Revision, &ms, &c.By.Actor, &c.By.Reason, &key, &before, &after, &c.By.Action, &c.By.Reverts, &c.By.Job, &c.By.JobRow, &c.Rows, &packed); err != nil {
		return c, nil, s.failed(err)
	}
	c.Time = time.UnixMilli(ms).UTC()
	if key == 0 {
		if packed != nil {
			if items, err = rules.UnpackItems(packed); err != nil {
				return c, nil, fmt.Errorf("change %d: %w", c.Revision, err)
			}
		}
		return c, items, nil
	}
	c.Number = rules.KeyNumber(key)
	if c.Before, err = subscriberOf(before); err != nil {
		return c, nil, fmt.Errorf("change %d, before: %w", c.Revision, err)
	}
	if c.After, err = subscriberOf(after); err != nil {
		return c, nil, fmt.Errorf("change %d, after: %w", c.Revision, err)
	}
	return c, []rules.Item{{Number: c.Number, Before: c.Before, After: c.After}}, nil
}

func subscriberOf(text sql.NullString) (*rules.Subscriber, error) {
	if !text.Valid {
		return nil, nil
	}
	return rules.DecodeStored([]byte(text.String))
}
