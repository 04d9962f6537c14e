package postgres

import (
	"context"
	"errors"
	"time"

	"clirgate/rules"
	"github.com/jackc/pgx/v5"
)

// channel is where revisions are told. The payload is the revision, nothing else:
// every session of the database can read it.
const channel = "clirgate_rules"

// Nodes is the database as a rules.NodeStore.
func (db *DB) Nodes() rules.NodeStore { return nodeStore{db} }

type nodeStore struct{ *DB }

func (s nodeStore) Beat(ctx context.Context, node string, revision uint64) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO nodes (name, revision, beat) VALUES ($1, $2, clock_timestamp())
		ON CONFLICT (name) DO UPDATE SET revision = EXCLUDED.revision, beat = EXCLUDED.beat`, node, revision)
	return wrap(rules.ErrUnavailable, err)
}

// forgotten is the age at which a node is not listed any more.
const forgotten = 7 * 24 * time.Hour

func (s nodeStore) Nodes(ctx context.Context) ([]rules.Node, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, revision, age FROM
		(SELECT name, revision, extract(epoch FROM clock_timestamp() - beat)::float8 AS age FROM nodes) AS n
		WHERE age < $1 ORDER BY name`, forgotten.Seconds())
	if err != nil {
		return nil, wrap(rules.ErrUnavailable, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n rules.Node, err error) {
		var age float64
		err = row.Scan(&n.Name, &n.Revision, &age)
		n.Age = max(0, time.Duration(age*float64(time.Second)))
		return n, err
	})
	return list, wrap(rules.ErrUnavailable, err)
}

// errNoNotices: the server has no LISTEN; polling does.
var errNoNotices = errors.New("the server tells of no changes")

// Listen calls told for every change that any node makes, and once when it has
// begun to listen, until ctx ends or the connection is lost. The connection is
// its own: a pooler between must not hand it to others.
func (db *DB) Listen(ctx context.Context, told func()) error {
	if !db.notices {
		return wrap(rules.ErrUnavailable, errNoNotices)
	}
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return wrap(rules.ErrUnavailable, err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end) // nothing is lost with it
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return wrap(rules.ErrUnavailable, err)
	}
	told()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return wrap(rules.ErrUnavailable, err)
		}
		told()
	}
}
