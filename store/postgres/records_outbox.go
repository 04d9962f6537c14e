package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clirgate/trace"
	"clirgate/trace/outbox"
	"github.com/jackc/pgx/v5"
)

var _ outbox.Sink = (*Records)(nil)

// Mark is up to which batch an epoch is here. It writes, so that its commit waits for the
// synchronous standby: whatever it answers is as safe as an acknowledged batch, also
// when an earlier commit was never answered.
func (r *Records) Mark(ctx context.Context, node string, e outbox.Epoch) (seq uint64, err error) {
	err = r.db.ships.QueryRow(ctx, `INSERT INTO outboxes (epoch, node, seq, moved) VALUES ($1, $2, 0, clock_timestamp())
		ON CONFLICT (epoch) DO UPDATE SET node = EXCLUDED.node RETURNING seq`, [16]byte(e), node).Scan(&seq)
	return seq, wrap(outbox.ErrUnavailable, err)
}

// Ship adds entries and moves the mark, in one transaction.
func (r *Records) Ship(ctx context.Context, node string, e outbox.Epoch, from, to uint64, entries []trace.Entry) error {
	r.partitions(ctx, entries)
	err := pgx.BeginFunc(ctx, r.db.ships, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE outboxes SET seq = $1, moved = clock_timestamp() WHERE epoch = $2 AND seq = $3", to, [16]byte(e), from)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return outbox.ErrMoved
		}
		return r.add(ctx, tx, node, entries)
	})
	if errors.Is(err, outbox.ErrMoved) {
		return err
	}
	return wrap(outbox.ErrUnavailable, err)
}

// Clock is the server's time.
func (r *Records) Clock(ctx context.Context) (now time.Time, err error) {
	err = r.db.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, wrap(ErrRecords, err)
}

// ErrNoStandby: the server confirms records that it alone has.
var ErrNoStandby = errors.New("the shared store has no synchronous standby: a quorum is one server's disk")

// Standby tells whether the server's commits wait for a standby; ErrNoStandby, or that it
// cannot be asked.
func (r *Records) Standby(ctx context.Context) error {
	var names, commit string
	err := r.db.pool.QueryRow(ctx, "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')").Scan(&names, &commit)
	if err != nil {
		return wrap(outbox.ErrUnavailable, err)
	}
	if names == "" || commit == "off" || commit == "local" {
		return fmt.Errorf("%w (synchronous_standby_names %q, synchronous_commit %s)", ErrNoStandby, names, commit)
	}
	return nil
}

// Count is how many records were added that are not dropped yet.
func (r *Records) Count(ctx context.Context) (n int, err error) {
	err = r.db.pool.QueryRow(ctx, "SELECT count(*) FROM records").Scan(&n)
	return n, wrap(ErrRecords, err)
}
