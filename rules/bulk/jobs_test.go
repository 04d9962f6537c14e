package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clirgate/rules"
	"clirgate/store/sqlite"
)

// tried is a service whose writes can be held up, and can fail.
type tried struct {
	*rules.Service
	away   atomic.Bool
	before func(writes int) // called before each batch is written; nil: nothing
	writes int
	fails  error // what it answers; nil: what it writes
}

func (s *tried) Write(ctx context.Context, writes []rules.Write, by rules.By) (rules.Written, error) {
	s.writes++
	if s.before != nil {
		s.before(s.writes)
	}
	if s.away.Load() {
		return rules.Written{}, rules.ErrUnavailable
	}
	if s.fails != nil {
		return rules.Written{}, s.fails
	}
	return s.Service.Write(ctx, writes, by)
}

func service(t *testing.T) *tried {
	t.Helper()
	db, err := sqlite.Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := rules.NewService(db.Rules(), new(rules.Table))
	if err := s.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &tried{Service: s}
}

func jobsOf(t *testing.T, dir string, s *tried) *Jobs {
	t.Helper()
	j := NewJobs(JobOptions{Dir: dir, Service: s, Plan: plan, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// wait waits for a job's end.
func wait(t *testing.T, j *Jobs, id string) Job {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(time.Millisecond) {
		b, err := j.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if b.State != Running {
			return b
		}
		if time.Now().After(end) {
			t.Fatalf("the job does not end: %+v", b)
		}
	}
}

const jobRows = 3*defaultBatch + 5

var asAlice = Start{Format: CSV, By: rules.By{Actor: "noc:alice", Reason: "moved"}}

// many is a file whose numbers 7 and 50,000 are bad.
func many() string {
	var b strings.Builder
	b.WriteString("number,acr\n")
	for i := range jobRows {
		if i == 7 || i == 50_000 {
			b.WriteString("nobody,true\n")
		} else {
			fmt.Fprintf(&b, "+31201%06d,true\n", i)
		}
	}
	return b.String()
}

// whole checks that all rows are in force, each by one change, and nothing is left behind.
func whole(t *testing.T, s *tried, b Job, dir string) {
	t.Helper()
	if b.State != Finished || b.Changed != jobRows-2 || b.Rows != jobRows || b.Bad != 2 || len(b.BadRows) != 2 || b.BadRows[0].Line != 9 || b.BadRows[1].Line != 50_002 ||
		b.Done != 1 || b.Left != nil || b.Ended == nil || b.Error != "" || b.Revision != 4 {
		t.Errorf("%+v", b)
	}
	list, err := s.History(context.Background(), rules.Query{Job: b.ID})
	if err != nil || len(list) != 4 || list[3].By.JobRow != jobRows || list[0].By.Actor != "noc:alice" {
		t.Errorf("%d changes, %v", len(list), err)
	}
	if n := s.Table().Snapshot().Len(); n != jobRows-2 {
		t.Errorf("%d in force", n)
	}
	if rows, err := filepath.Glob(filepath.Join(dir, "*"+rowsSuffix)); err != nil || len(rows) != 0 {
		t.Errorf("%v is left, %v", rows, err)
	}
}

func TestJob(t *testing.T) {
	s, dir := service(t), t.TempDir()
	j := jobsOf(t, dir, s)
	b, err := j.Import(strings.NewReader(many()), asAlice)
	if err != nil || b.State != Running || b.Actor != "noc:alice" || b.Reason != "moved" {
		t.Fatalf("%+v, %v", b, err)
	}
	b = wait(t, j, b.ID)
	whole(t, s, b, dir)
	if b.Rate <= 0 {
		t.Errorf("%f rows/s", b.Rate)
	}
	// Known after a restart, and undone there as one.
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = jobsOf(t, dir, s)
	j.Resume()
	if list := j.List(); len(list) != 1 || list[0].ID != b.ID || list[0].State != Finished || len(list[0].BadRows) != 0 {
		t.Errorf("%+v", list)
	}
	r, err := j.Revert(Start{Of: b.ID, By: rules.By{Actor: "noc:bob"}})
	if err != nil {
		t.Fatal(err)
	}
	if r = wait(t, j, r.ID); r.State != Finished || r.Kind != KindRevert || r.Changed != jobRows-2 || s.Table().Snapshot().Len() != 0 {
		t.Errorf("%+v, %d in force", r, s.Table().Snapshot().Len())
	}
	r, _ = j.Revert(Start{Of: "nothing", By: rules.By{Actor: "noc:bob"}})
	if r = wait(t, j, r.ID); r.State != Failed || r.Error == "" {
		t.Errorf("%+v", r)
	}
}

// A job that was broken off, by the end of the process or by the store, goes on where it
// was, whatever had become of the batch under way.
func TestJobGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		lost bool // the batch under way is written, but the answer is lost
		at   int
	}{"before the first batch": {false, 1}, "in the middle": {false, 3}, "written but not answered": {true, 2}} {
		t.Run(name, func(t *testing.T) {
			s, dir := service(t), t.TempDir()
			j := jobsOf(t, dir, s)
			reached, held := make(chan struct{}), make(chan struct{})
			s.before = func(n int) {
				if n == c.at {
					close(reached)
					<-held
					s.away.Store(!c.lost)
				}
			}
			b, err := j.Import(strings.NewReader(many()), asAlice)
			if err != nil {
				t.Fatal(err)
			}
			<-reached
			if _, err := j.Import(strings.NewReader("number\n"), asAlice); !errors.Is(err, ErrBusy) {
				t.Errorf("a second job: %v", err)
			}
			closed := make(chan error, 1)
			go func() { closed <- j.Close() }()
			<-j.ending.Done()
			close(held)
			if err := <-closed; err != nil {
				t.Fatal(err)
			}
			s.away.Store(false)
			j = jobsOf(t, dir, s)
			if got, err := j.Get(b.ID); err != nil || got.State != Running {
				t.Fatalf("%+v, %v", got, err)
			}
			j.Resume()
			whole(t, s, wait(t, j, b.ID), dir)
		})
	}
}

// A store that goes away is waited for.
func TestJobWaitsForStore(t *testing.T) {
	s, dir := service(t), t.TempDir()
	j := jobsOf(t, dir, s)
	s.before = func(n int) { s.away.Store(n == 2) }
	b, err := j.Import(strings.NewReader(many()), asAlice)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, s, wait(t, j, b.ID), dir)
	if s.writes != 5 {
		t.Errorf("%d batches written", s.writes)
	}
}

func TestJobCancelled(t *testing.T) {
	s, dir := service(t), t.TempDir()
	j := jobsOf(t, dir, s)
	reached, held := make(chan struct{}), make(chan struct{})
	s.before = func(n int) {
		if n == 2 {
			close(reached)
			<-held
		}
	}
	b, err := j.Import(strings.NewReader(many()), asAlice)
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	if _, err := j.Cancel(b.ID); err != nil {
		t.Fatal(err)
	}
	close(held)
	if b = wait(t, j, b.ID); b.State != Cancelled || b.Error == "" || s.Table().Snapshot().Len() < defaultBatch-1 {
		t.Errorf("%+v, %d in force", b, s.Table().Snapshot().Len())
	}
	if _, err := j.Cancel(b.ID); !errors.Is(err, ErrEnded) {
		t.Errorf("%v", err)
	}
	if _, err := j.Cancel("x"); !errors.Is(err, ErrNoJob) {
		t.Errorf("%v", err)
	}
	j.Resume() // nothing is left to do
	if b := wait(t, j, b.ID); b.State != Cancelled {
		t.Errorf("%+v", b)
	}
}

// What cannot be taken or kept is said, and leaves nothing behind.
func TestJobRefused(t *testing.T) {
	s, dir := service(t), t.TempDir()
	j := jobsOf(t, dir, s)
	broken := errors.New("broken off")
	if _, err := j.Import(io.MultiReader(strings.NewReader("number\n"), brokenReader{broken}), asAlice); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	stop := asAlice
	stop.StopBad = true
	for text, want := range map[string]string{"nummer\n1\n": "line 1", "number\n+31201000000\nx\n": "line 3", "": "line 1"} {
		b, err := j.Import(strings.NewReader(text), stop)
		if err != nil {
			t.Fatal(err)
		}
		if b = wait(t, j, b.ID); b.State != Failed || !strings.Contains(b.Error, want) || s.Table().Snapshot().Len() != 0 {
			t.Errorf("%q: %+v", text, b)
		}
	}
	var disk *os.PathError
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jobsOf(t, file, s).Import(strings.NewReader("number\n"), asAlice); !errors.As(err, &disk) {
		t.Errorf("%v", err)
	}
	// Damage on disk costs that job, not the others; rows without a job are removed.
	for name, text := range map[string]string{"00000000000000000000000000" + jobSuffix: "{", "X" + rowsSuffix: "rows"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list := jobsOf(t, dir, s).List(); len(list) != 3 {
		t.Errorf("%+v", list)
	}
	if _, err := os.Stat(filepath.Join(dir, "X"+rowsSuffix)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func TestJobEverywhere(t *testing.T) {
	s := service(t)
	j := jobsOf(t, t.TempDir(), s)
	var asked uint64
	behind := &rules.LaggingError{Revision: 2, Nodes: []string{"gw2"}}
	j.Everywhere = func(_ context.Context, revision uint64) error {
		asked = revision
		if revision > 1 {
			return behind
		}
		return nil
	}
	start := asAlice
	start.All = true
	for i, want := range []string{"", "done, but not in force everywhere yet: " + behind.Error()} {
		b, err := j.Import(strings.NewReader(fmt.Sprintf("number,acr\n+3120100000%d,true\n", i)), start)
		if err != nil {
			t.Fatal(err)
		}
		if b = wait(t, j, b.ID); b.State != Finished || b.Error != want || asked != uint64(i+1) {
			t.Errorf("%+v, waited for %d", b, asked)
		}
	}
}

// While rows come in nobody else's do: the disk need not hold as many imports as are sent.
func TestOneImportComesInAtATime(t *testing.T) {
	dir := t.TempDir()
	j := jobsOf(t, dir, service(t))
	in, sent := io.Pipe()
	cut := errors.New("cut short")
	ended := make(chan error, 1)
	go func() {
		_, err := j.Import(in, asAlice)
		ended <- err
	}()
	if _, err := io.WriteString(sent, "number\n"); err != nil { // it is read: the import has begun
		t.Fatal(err)
	}
	if _, err := j.Import(strings.NewReader("number\n"), asAlice); !errors.Is(err, ErrBusy) || !j.Busy() {
		t.Errorf("a second one meanwhile: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*"+rowsSuffix)); err != nil || len(left) != 1 {
		t.Errorf("%d files, %v", len(left), err)
	}
	_ = sent.CloseWithError(cut)
	if err := <-ended; !errors.Is(err, cut) || j.Busy() {
		t.Errorf("%v", err)
	}
	b, err := j.Import(strings.NewReader("number\n"), asAlice)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, j, b.ID)
}
