package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"clirgate/trace"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Partitions are made this many days ahead; an operator hears when fewer than two are left.
const (
	daysAhead   = 7
	daysMinimum = 2
)

// lockTime is how long making or dropping a partition waits for searches that go on; it
// is tried again at the next maintenance.
const lockTime = "5s"

// partitionLock keeps two nodes from making the same partition (an advisory lock).
const partitionLock = 0x636c6972

const updatesTable = "record_updates"

func recordsTable(s trace.Service) string { return "records_" + s.String() }

func partitionOf(table string, d trace.Day) string {
	return table + "_" + d.Start().Format("20060102")
}

// dayOfPartition reads the name of a partition; false: it is another table.
func dayOfPartition(table, name string) (trace.Day, bool) {
	rest, ours := strings.CutPrefix(name, table+"_")
	t, err := time.Parse("20060102", rest)
	return trace.DayOf(t), ours && err == nil
}

// tables are those that have a partition for each day.
func tables() []string {
	list := []string{updatesTable}
	for _, s := range trace.Services {
		list = append(list, recordsTable(s))
	}
	return list
}

// Partitions says how the days are provided for.
type Partitions struct {
	Ahead     int   // days after today that have their partitions
	Defaulted int64 // rows that fit no partition, moved to one now
}

// Trouble is what an operator must look after; nil: nothing.
func (p Partitions) Trouble() error {
	var errs []error
	if p.Ahead < daysMinimum {
		errs = append(errs, fmt.Errorf("records: only %d days ahead have partitions", p.Ahead))
	}
	if p.Defaulted > 0 {
		errs = append(errs, fmt.Errorf("records: %d rows had landed in a default partition", p.Defaulted))
	}
	return errors.Join(errs...)
}

// Maintain makes the partitions of the days to come, and moves what landed in a default
// partition to where it belongs. Run it at start and some times a day.
func (r *Records) Maintain(ctx context.Context) (p Partitions, err error) {
	today := trace.DayOf(r.now())
	moved, err := r.emptyDefaults(ctx)
	p.Defaulted = moved
	days := make([]trace.Day, 0, daysAhead+2)
	for d := max(today, 1) - 1; d <= today+daysAhead; d++ {
		days = append(days, d)
	}
	err = errors.Join(err, r.make(ctx, days))
	have, listErr := r.days(ctx, updatesTable)
	for d := today + 1; have[d]; d++ {
		p.Ahead++
	}
	return p, wrap(ErrRecords, errors.Join(err, listErr))
}

// partitions makes those that a batch needs. When it cannot, the batch lands in the
// default partition, and Maintain says so.
func (r *Records) partitions(ctx context.Context, batch []trace.Entry) {
	var missing []trace.Day
	r.mu.Lock()
	for _, e := range batch {
		if d := e.ID.Day(); !r.made[d] && (len(missing) == 0 || missing[len(missing)-1] != d) {
			missing = append(missing, d)
		}
	}
	r.mu.Unlock()
	if len(missing) > 0 {
		_ = r.make(ctx, missing)
	}
}

// make makes the partitions of days that have none.
func (r *Records) make(ctx context.Context, days []trace.Day) error {
	err := pgx.BeginFunc(ctx, r.db.ships, func(tx pgx.Tx) error {
		if err := lockPartitions(ctx, tx); err != nil {
			return err
		}
		for _, table := range tables() {
			have, err := daysOf(ctx, tx, table)
			if err != nil {
				return err
			}
			for _, d := range days {
				if have[d] {
					continue
				}
				have[d] = true
				// To attach one does not wait for who copies in or searches; to create one would.
				name := partitionOf(table, d)
				for _, statement := range []string{"CREATE TABLE " + name + " (LIKE " + table + " INCLUDING ALL)", attach(table, name, d)} {
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("partitions cannot be made: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range days {
		r.made[d] = true
	}
	return nil
}

func attach(table, name string, d trace.Day) string {
	return fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)", table, name, d, d+1)
}

func (r *Records) forget(first trace.Day) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for d := range r.made {
		if d < first {
			delete(r.made, d)
		}
	}
}

func lockPartitions(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+lockTime+"'"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", partitionLock)
	return err
}

func (r *Records) days(ctx context.Context, table string) (map[trace.Day]bool, error) {
	return daysOf(ctx, r.db.pool, table)
}

// daysOf lists the days that a table has partitions for.
func daysOf(ctx context.Context, q querier, table string) (map[trace.Day]bool, error) {
	rows, err := q.Query(ctx, "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass", table)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	days := make(map[trace.Day]bool, len(names))
	for _, name := range names {
		if d, ok := dayOfPartition(table, name); ok {
			days[d] = true
		}
	}
	return days, err
}

// drop drops a service's partitions before first and answers how many records that were.
func (r *Records) drop(ctx context.Context, tx pgx.Tx, s trace.Service, first trace.Day) (records int, err error) {
	if err := lockPartitions(ctx, tx); err != nil {
		return 0, err
	}
	if err := dropBefore(ctx, tx, recordsTable(s), first); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `WITH gone AS (DELETE FROM record_days WHERE service = $1 AND day < $2 RETURNING records)
		SELECT coalesce(sum(records), 0)::bigint FROM gone`, int16(s), int32(first)).Scan(&records)
	return records, err
}

// dropUpdates drops the updates of days before first on which no record is left.
func dropUpdates(ctx context.Context, tx pgx.Tx, first trace.Day) error {
	var oldest *int32
	if err := tx.QueryRow(ctx, "SELECT min(day) FROM record_days").Scan(&oldest); err != nil {
		return err
	}
	if oldest != nil {
		first = min(first, trace.Day(*oldest))
	}
	return dropBefore(ctx, tx, updatesTable, first)
}

func dropBefore(ctx context.Context, tx pgx.Tx, table string, first trace.Day) error {
	have, err := daysOf(ctx, tx, table)
	if err != nil {
		return err
	}
	for d := range have {
		if d >= first {
			continue
		}
		if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+partitionOf(table, d)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM "+table+"_default WHERE day < $1", int32(first))
	return err
}

// emptyDefaults moves rows from default partitions to partitions of their own.
func (r *Records) emptyDefaults(ctx context.Context) (moved int64, err error) {
	for _, table := range tables() {
		rows, err := r.db.pool.Query(ctx, "SELECT DISTINCT day FROM "+table+"_default")
		if err != nil {
			return moved, err
		}
		days, err := pgx.CollectRows(rows, pgx.RowTo[int32])
		if err != nil {
			return moved, err
		}
		for _, d := range days {
			n, err := r.moveOut(ctx, table, trace.Day(d))
			if err != nil {
				return moved, fmt.Errorf("rows cannot be moved out of the default partition: %w", err)
			}
			moved += n
		}
	}
	return moved, nil
}

func (r *Records) moveOut(ctx context.Context, table string, d trace.Day) (moved int64, err error) {
	name := partitionOf(table, d)
	err = pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		if err := lockPartitions(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE "+name+" (LIKE "+table+" INCLUDING ALL)"); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "WITH gone AS (DELETE FROM "+table+"_default WHERE day = $1 RETURNING *) INSERT INTO "+name+" SELECT * FROM gone", int32(d))
		if err != nil {
			return err
		}
		moved = tag.RowsAffected()
		_, err = tx.Exec(ctx, attach(table, name, d))
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P07" { // another node has just moved them
		return 0, nil
	}
	return moved, err
}
