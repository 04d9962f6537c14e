package bulk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/rules"
)

// kept is the files of rows that are there.
func kept(t *testing.T, dir string) []string {
	t.Helper()
	rows, err := filepath.Glob(filepath.Join(dir, "*"+rowsSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var asBob = rules.By{Actor: "noc:bob"}

// errBroken is a store's own failure: not that it is away.
var errBroken = errors.New("broken")

// stopped is a job of jobRows rows that ended in its third batch.
func stopped(t *testing.T, s *tried, j *Jobs, cancelled bool) Job {
	t.Helper()
	reached, held := make(chan struct{}), make(chan struct{})
	s.before = func(n int) {
		if n != 3 {
			return
		}
		if cancelled {
			close(reached)
			<-held
		} else {
			s.fails = errBroken
		}
	}
	b, err := j.Import(strings.NewReader(many()), asAlice)
	if err != nil {
		t.Fatal(err)
	}
	if cancelled {
		<-reached
		if _, err := j.GoOn(b.ID, asBob, false); !errors.Is(err, ErrBusy) {
			t.Errorf("one that runs: %v", err)
		}
		if _, err := j.Cancel(b.ID); err != nil {
			t.Fatal(err)
		}
		close(held)
	}
	b = wait(t, j, b.ID)
	s.before, s.fails = nil, nil
	if want := map[bool]string{true: Cancelled, false: Failed}[cancelled]; b.State != want || !b.Resumable || b.Error == "" {
		t.Fatalf("%+v", b)
	}
	return b
}

// A job that was cancelled, or that failed, goes on where it was, by whoever says so; also
// after a restart.
func TestJobIsResumed(t *testing.T) {
	for name, c := range map[string]struct{ cancelled, restart bool }{
		"cancelled": {true, false}, "failed": {false, false}, "cancelled, and a restart": {true, true}, "failed, and a restart": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := service(t), t.TempDir()
			j := jobsOf(t, dir, s)
			b := stopped(t, s, j, c.cancelled)
			if c.restart {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = jobsOf(t, dir, s)
				j.Resume()
				if got, err := j.Get(b.ID); err != nil || got.State != b.State || !got.Resumable {
					t.Fatalf("%+v, %v", got, err)
				}
			}
			done, err := s.JobDone(context.Background(), b.ID)
			if err != nil {
				t.Fatal(err)
			}
			s.writes = 0
			if got, err := j.GoOn(b.ID, asBob, false); err != nil || got.State != Running || got.Resumable || got.Error != "" || got.Ended != nil {
				t.Fatalf("%+v, %v", got, err)
			}
			b = wait(t, j, b.ID)
			whole(t, s, b, dir)
			if left := 4 - int(done.Revision); s.writes != left || left == 0 || b.Resumable {
				t.Errorf("%d batches written, %d were left; %+v", s.writes, left, b)
			}
			list, err := s.History(context.Background(), rules.Query{Job: b.ID})
			if err != nil || list[3].By.Actor != "noc:bob" || list[3].By.Reason != "moved" {
				t.Errorf("%+v, %v", list, err)
			}
			if _, err := j.GoOn(b.ID, asBob, false); !errors.Is(err, ErrWhole) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// What a job needs to go on is not kept for ever, nor beside other rows, nor for nothing.
func TestJobIsResumedNoMore(t *testing.T) {
	cannot := func(t *testing.T, j *Jobs, dir, id string) {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); len(kept(t, dir)) > 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if _, err := j.GoOn(id, asBob, true); !errors.Is(err, ErrWhole) || len(kept(t, dir)) > 0 {
			t.Errorf("%v, %v", err, kept(t, dir))
		}
	}
	t.Run("another import", func(t *testing.T) {
		s, dir := service(t), t.TempDir()
		j := jobsOf(t, dir, s)
		b := stopped(t, s, j, false)
		if len(kept(t, dir)) != 1 {
			t.Errorf("%v", kept(t, dir))
		}
		other, err := j.Import(strings.NewReader("number\n"), asAlice)
		if err != nil {
			t.Fatal(err)
		}
		wait(t, j, other.ID)
		cannot(t, j, dir, b.ID)
	})
	t.Run("undone", func(t *testing.T) {
		s, dir := service(t), t.TempDir()
		j := jobsOf(t, dir, s)
		b := stopped(t, s, j, true)
		undo, err := j.Revert(Start{Of: b.ID, By: asBob})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, j, undo.ID)
		cannot(t, j, dir, b.ID)
	})
	t.Run("a day later", func(t *testing.T) {
		s, dir := service(t), t.TempDir()
		j := jobsOf(t, dir, s)
		b := stopped(t, s, j, false)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = NewJobs(JobOptions{Dir: dir, Service: s, Plan: plan, Now: func() time.Time { return time.Now().Add(keptTime) }})
		t.Cleanup(func() { _ = j.Close() })
		cannot(t, j, dir, b.ID)
	})
	t.Run("rows that nobody can read", func(t *testing.T) {
		s, dir := service(t), t.TempDir()
		j := jobsOf(t, dir, s)
		b := stopped(t, s, j, false)
		if err := os.Remove(kept(t, dir)[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := j.GoOn(b.ID, asBob, false); err != nil {
			t.Fatal(err)
		}
		if b = wait(t, j, b.ID); b.State != Failed || b.Resumable || !strings.Contains(b.Error, "send it again") {
			t.Errorf("%+v", b)
		}
	})
	t.Run("a dry run", func(t *testing.T) {
		s, dir := service(t), t.TempDir()
		j := jobsOf(t, dir, s)
		b, err := j.Import(strings.NewReader("nummer\n"), Start{Format: CSV, DryRun: true, By: asBob})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, j, b.ID)
		cannot(t, j, dir, b.ID)
	})
	j := jobsOf(t, t.TempDir(), service(t))
	if _, err := j.GoOn("x", asBob, false); !errors.Is(err, ErrNoJob) {
		t.Errorf("%v", err)
	}
}

// Bad rows that ended a job are left out by those who say so.
func TestResumedWithoutBadRows(t *testing.T) {
	s, dir := service(t), t.TempDir()
	j := jobsOf(t, dir, s)
	stop := asAlice
	stop.StopBad = true
	b, err := j.Import(strings.NewReader(many()), stop)
	if err != nil {
		t.Fatal(err)
	}
	for _, skip := range []bool{false, true} {
		if b = wait(t, j, b.ID); b.State != Failed || !b.Resumable {
			t.Fatalf("%+v", b)
		}
		if _, err := j.GoOn(b.ID, asBob, skip); err != nil {
			t.Fatal(err)
		}
	}
	if b = wait(t, j, b.ID); b.State != Finished || b.Changed != jobRows-2 || b.Bad != 2 || len(kept(t, dir)) != 0 {
		t.Errorf("%+v", b)
	}
}
