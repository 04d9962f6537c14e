package pgtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pair is a primary and its synchronous standby: what the primary confirms, both have.
type Pair struct{ Primary, Standby *Server }

const standbyName = "standby"

// StartPair makes a pair, which ends with the test.
func StartPair(tb testing.TB) *Pair {
	tb.Helper()
	p, err := startPair(tb)
	if err != nil {
		tb.Fatalf("PostgreSQL with a standby cannot be started (make deps installs it): %v", err)
	}
	return p
}

func startPair(tb testing.TB) (*Pair, error) {
	primary, err := start()
	if primary != nil {
		tb.Cleanup(primary.remove)
	}
	if err != nil {
		return nil, err
	}
	standby, err := place()
	if standby != nil {
		tb.Cleanup(standby.remove)
	}
	if err != nil {
		return nil, err
	}
	copying := standby.command("pg_basebackup", "-D", standby.data(), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync",
		"-d", fmt.Sprintf("host=%s port=%d user=clirgate", host, primary.port))
	if out, err := copying.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	standby.args = []string{"-c", "cluster_name=" + standbyName}
	if err := standby.run(); err != nil {
		return nil, err
	}
	p := &Pair{Primary: primary, Standby: standby}
	err = primary.tell("ALTER SYSTEM SET synchronous_standby_names = '"+standbyName+"'", "SELECT pg_reload_conf()")
	if err != nil {
		return nil, err
	}
	return p, p.synchronous()
}

// synchronous waits until the primary waits for the standby.
func (p *Pair) synchronous() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.Primary.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for {
		var n int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&n)
		if err != nil || n == 1 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Database makes a new, empty database and answers an address that names both servers.
func (p *Pair) Database(tb testing.TB) string {
	tb.Helper()
	one := p.Primary.Database(tb)
	return strings.Replace(one, fmt.Sprintf(":%d/", p.Primary.port), fmt.Sprintf(":%d,%s:%d/", p.Primary.port, host, p.Standby.port), 1)
}

// FailOver kills the primary as kill -9 does and makes the standby the primary, which from
// then on is alone.
func (p *Pair) FailOver(tb testing.TB) {
	tb.Helper()
	p.Primary.Kill(tb)
	p.Promote(tb)
}

// Promote makes the standby the primary.
func (p *Pair) Promote(tb testing.TB) {
	tb.Helper()
	if err := p.Standby.tell("SELECT pg_promote(true, 60)"); err != nil {
		tb.Fatal(err)
	}
}

// tell runs statements, each in a transaction of its own.
func (s *Server) tell(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
