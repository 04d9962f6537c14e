package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clirgate/rules"
	"github.com/jackc/pgx/v5"
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
	where, err := conditions(q)
	if err != nil {
		return nil, 0, false, err
	}
	items := "NULL::bytea"
	if q.Items || q.Number != 0 {
		items = "items"
	}
	rows, err := s.pool.Query(ctx, "SELECT revision, time, actor, reason, number, before, after, action, reverts, job, job_row, count, "+
		items+" FROM changes"+where.text()+" LIMIT "+where.arg(limit), where.args...)
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

// filter collects the conditions of a query and its arguments.
type filter struct {
	conditions []string
	args       []any
	order      string
}

// arg is the placeholder of a value.
func (f *filter) arg(value any) string {
	f.args = append(f.args, value)
	return fmt.Sprintf("$%d", len(f.args))
}

// when adds a condition; each %s is the value's placeholder.
func (f *filter) when(given bool, condition string, value any) {
	if given {
		f.conditions = append(f.conditions, strings.ReplaceAll(condition, "%s", f.arg(value)))
	}
}

func (f *filter) text() string {
	return " WHERE " + strings.Join(f.conditions, " AND ") + f.order
}

func conditions(q rules.Query) (*filter, error) {
	f := &filter{order: " ORDER BY revision"}
	f.when(true, "revision > %s", q.After)
	f.when(q.Before != 0, "revision < %s", q.Before)
	if q.Number != 0 {
		key, err := rules.Key(q.Number)
		if err != nil {
			return nil, err
		}
		f.when(true, "(number = %s OR number = 0 AND low <= %s AND high >= %s)", key)
	}
	f.when(!q.From.IsZero(), "time >= %s", q.From.UnixMilli())
	f.when(!q.To.IsZero(), "time < %s", q.To.UnixMilli())
	f.when(q.Actor != "", "actor = %s", q.Actor)
	f.when(q.Job != "", "job = %s", q.Job)
	if q.Newest {
		f.order += " DESC"
	}
	return f, nil
}

// scanChange reads one row. items is what a single change did, or a batch if
// they were asked for.
func (s rulesStore) scanChange(row pgx.Row) (c rules.Change, items []rules.Item, err error) {
	var ms, key int64
	var before, after *string
	var packed []byte
	if err := row.Scan(&c.Revision, &ms, &c.By.Actor, &c.By.Reason, &key, &before, &after, &c.By.Action, &c.By.Reverts, &c.By.Job, &c.By.JobRow, &c.Rows, &packed); err != nil {
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

func subscriberOf(text *string) (*rules.Subscriber, error) {
	if text == nil {
		return nil, nil
	}
	return rules.DecodeStored([]byte(*text))
}
