package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Rules is the database as a rules.Store.
func (db *DB) Rules() rules.Store { return rulesStore{db} }

type rulesStore struct{ *DB }

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const columns = "clir, clip, acr, tir, override, shield_on_bills, note, until, revision"

func (s rulesStore) Get(ctx context.Context, n numbering.Number) (rules.Subscriber, uint64, error) {
	sub, revision, err := s.get(ctx, s.reader, n)
	if err == nil && revision == 0 {
		err = rules.ErrNotFound
	}
	return sub, revision, err
}

// get answers revision 0 when there is no such subscriber.
func (s rulesStore) get(ctx context.Context, q querier, n numbering.Number) (rules.Subscriber, uint64, error) {
	key, err := keyOf(n)
	if err != nil {
		return rules.Subscriber{}, 0, nil // what cannot be stored is not there
	}
	sub := rules.Subscriber{Number: n}
	var clir, tir string
	var clip bool
	var until sql.NullInt64
	var revision uint64
	err = q.QueryRowContext(ctx, "SELECT "+columns+" FROM subscribers WHERE number = ?", key).
		Scan(&clir, &clip, &sub.ACR, &tir, &sub.Override, &sub.ShieldOnBills, &sub.Note, &until, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return rules.Subscriber{}, 0, nil
	}
	if err != nil {
		return rules.Subscriber{}, 0, s.unavailable(rules.ErrUnavailable, err)
	}
	sub.CLIPOff = !clip
	sub.CLIR, _ = rules.ParseCLIR(clir) // the table's CHECK admits no other names
	sub.TIR, _ = rules.ParseTIR(tir)
	if until.Valid {
		sub.Until = time.Unix(until.Int64, 0).UTC()
	}
	return sub, revision, nil
}

func (s rulesStore) Put(ctx context.Context, sub rules.Subscriber, m rules.Match, by rules.By) (revision uint64, err error) {
	key, err := keyOf(sub.Number)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, rules.ErrUnavailable, func(tx *sql.Tx) error {
		before, at, err := s.get(ctx, tx, sub.Number)
		if err != nil {
			return err
		}
		if err := m.Check(at != 0, at); err != nil {
			return err
		}
		if revision, err = s.record(ctx, tx, key, by, present(&before, at), &sub); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO subscribers (number, "+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			key, sub.CLIR.String(), !sub.CLIPOff, sub.ACR, sub.TIR.String(), sub.Override, sub.ShieldOnBills, sub.Note, seconds(sub.Until), revision)
		return s.failed(err)
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

func (s rulesStore) Delete(ctx context.Context, n numbering.Number, m rules.Match, by rules.By) (revision uint64, err error) {
	key, err := keyOf(n)
	if err != nil {
		return 0, rules.ErrNotFound
	}
	err = s.write(ctx, rules.ErrUnavailable, func(tx *sql.Tx) error {
		before, at, err := s.get(ctx, tx, n)
		if err != nil {
			return err
		}
		if at == 0 {
			return rules.ErrNotFound
		}
		if err := m.Check(true, at); err != nil {
			return err
		}
		if revision, err = s.record(ctx, tx, key, by, &before, nil); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM subscribers WHERE number = ?", key)
		return s.failed(err)
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

// record writes the history and answers the new revision.
func (s rulesStore) record(ctx context.Context, tx *sql.Tx, key int64, by rules.By, before, after *rules.Subscriber) (uint64, error) {
	r, err := tx.ExecContext(ctx, "INSERT INTO changes (time, actor, reason, number, before, after) VALUES (?, ?, ?, ?, ?, ?)",
		time.Now().UnixMilli(), by.Actor, by.Reason, key, document(before), document(after))
	if err != nil {
		return 0, s.unavailable(rules.ErrUnavailable, err)
	}
	id, err := r.LastInsertId()
	return uint64(id), s.failed(err)
}

func (s rulesStore) All(ctx context.Context, each func(rules.Subscriber)) (revision uint64, err error) {
	// One read transaction is one state. BeginTx would be IMMEDIATE here and
	// stop the writer, so the connection begins it by hand.
	conn, err := s.reader.Conn(ctx)
	if err != nil {
		return 0, s.unavailable(rules.ErrUnavailable, err)
	}
	defer conn.Close() // back to the pool; nothing was written
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return 0, s.unavailable(rules.ErrUnavailable, err)
	}
	defer func() {
		// Also when ctx ended: the connection goes back without a transaction.
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if err == nil {
			err = s.failed(end)
		}
	}()
	if err := conn.QueryRowContext(ctx, "SELECT coalesce(max(revision), 0) FROM changes").Scan(&revision); err != nil {
		return 0, s.unavailable(rules.ErrUnavailable, err)
	}
	return revision, s.each(ctx, conn, each)
}

// each reads whole rows as one packed integer and an end: with millions of
// subscribers it is the columns, not the rows, that cost.
func (s rulesStore) each(ctx context.Context, conn *sql.Conn, each func(rules.Subscriber)) error {
	rows, err := conn.QueryContext(ctx, `SELECT number,
		CASE clir WHEN 'none' THEN 0 WHEN 'permanent' THEN 1 WHEN 'temporary-restricted' THEN 2 ELSE 3 END
		+ 4 * CASE tir WHEN 'none' THEN 0 WHEN 'permanent' THEN 1 ELSE 2 END
		+ 16 * clip + 32 * acr + 64 * override + 128 * shield_on_bills, coalesce(until, 0) FROM subscribers`)
	if err != nil {
		return s.unavailable(rules.ErrUnavailable, err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	var key, services, until int64
	for rows.Next() {
		if err := rows.Scan(&key, &services, &until); err != nil {
			return s.unavailable(rules.ErrUnavailable, err)
		}
		sub := rules.Subscriber{
			Number: numberOf(key), CLIR: rules.CLIR(services & 3), TIR: rules.TIR(services >> 2 & 3), CLIPOff: services&16 == 0,
			ACR: services&32 != 0, Override: services&64 != 0, ShieldOnBills: services&128 != 0,
		}
		if until != 0 {
			sub.Until = time.Unix(until, 0).UTC()
		}
		each(sub)
	}
	return s.failed(rows.Err())
}

func (s rulesStore) Changes(ctx context.Context, after uint64, limit int) ([]rules.Change, error) {
	rows, err := s.reader.QueryContext(ctx,
		"SELECT revision, time, actor, reason, number, before, after FROM changes WHERE revision > ? ORDER BY revision LIMIT ?", after, limit)
	if err != nil {
		return nil, s.unavailable(rules.ErrUnavailable, err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	var list []rules.Change
	for rows.Next() {
		var c rules.Change
		var ms, key int64
		var before, after sql.NullString
		if err := rows.Scan(&c.Revision, &ms, &c.By.Actor, &c.By.Reason, &key, &before, &after); err != nil {
			return nil, s.unavailable(rules.ErrUnavailable, err)
		}
		c.Time, c.Number = time.UnixMilli(ms).UTC(), numberOf(key)
		if c.Before, err = subscriberOf(before); err != nil {
			return nil, fmt.Errorf("change %d, before: %w", c.Revision, err)
		}
		if c.After, err = subscriberOf(after); err != nil {
			return nil, fmt.Errorf("change %d, after: %w", c.Revision, err)
		}
		list = append(list, c)
	}
	return list, s.failed(rows.Err())
}

func (s rulesStore) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.unavailable(rules.ErrUnavailable, err)
}

var errNumber = errors.New("a subscriber has an international number")

// keyOf is the number's digits as an integer.
func keyOf(n numbering.Number) (int64, error) {
	if n.Kind() != numbering.International {
		return 0, errNumber
	}
	key, err := strconv.ParseInt(string(n.Append(nil)), 10, 64)
	if err != nil || numberOf(key) != n { // a leading 0 is no country code
		return 0, errNumber
	}
	return key, nil
}

func numberOf(key int64) numbering.Number {
	var buf [20]byte
	return numbering.New(numbering.International, strconv.AppendInt(buf[:0], key, 10))
}

func present(s *rules.Subscriber, revision uint64) *rules.Subscriber {
	if revision == 0 {
		return nil
	}
	return s
}

func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

// document is a subscriber as kept in the history; nil for none.
func document(s *rules.Subscriber) any {
	if s == nil {
		return nil
	}
	text, err := json.Marshal(s.Document())
	if err != nil {
		panic(err) // strings, bools and a time within range always marshal
	}
	return string(text)
}

func subscriberOf(text sql.NullString) (*rules.Subscriber, error) {
	if !text.Valid {
		return nil, nil
	}
	s, err := rules.DecodeSubscriber([]byte(text.String), func(number string) numbering.Number {
		if len(number) < 2 || number[0] != '+' {
			return 0
		}
		return numbering.New(numbering.International, []byte(number[1:]))
	})
	return &s, err
}
