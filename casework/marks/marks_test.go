package marks_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clirgate/casework/marks"
	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var called = numbering.New(numbering.International, []byte("31705550199"))

// desk is where marks are filed.
type desk struct {
	mu    sync.Mutex
	err   error
	filed []trace.Marking
}

func (d *desk) file(_ context.Context, m trace.Marking) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	d.filed = append(d.filed, m)
	return nil
}

func (d *desk) set(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *desk) list() []trace.Marking {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]trace.Marking(nil), d.filed...)
}

func keys(t *testing.T) *trace.Keys {
	t.Helper()
	ring, err := keyring.Open(t.Context(), new(keyring.Memory), keyring.Fixed{3})
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewKeys(ring)
}

func open(t *testing.T, path string, k marks.Sealer, d *desk, change ...func(*marks.Options)) *marks.Queue {
	t.Helper()
	o := marks.Options{Path: path, Seal: k, File: d.file, Retry: time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	q := marks.Open(o)
	t.Cleanup(func() { q.Close() })
	return q
}

func marking(i int) trace.Marking {
	at := time.Date(2026, 11, 28, 17, 0, i, 0, time.FixedZone("", 3600))
	return trace.Marking{Record: trace.NewID(at), Called: called, At: at, How: trace.MarkMessage}
}

// add waits until a mark is kept or refused.
func add(q *marks.Queue, m trace.Marking) error {
	told := make(chan error, 1)
	q.Add(m, func(err error) { told <- err })
	return <-told
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

func same(a, b trace.Marking) bool {
	_, oa := a.At.Zone()
	_, ob := b.At.Zone()
	return a.Record == b.Record && a.Called == b.Called && a.How == b.How && a.At.Equal(b.At) && oa == ob
}

// What is acknowledged is filed: by this queue, or by the next one on its file.
func TestMarksOutliveTheProcess(t *testing.T) {
	path, k, d := filepath.Join(t.TempDir(), "marks"), keys(t), &desk{err: errors.New("the store is away")}
	q := open(t, path, k, d)
	for i := range 3 {
		if err := add(q, marking(i)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "failures", func() bool { return q.Stats().Failed >= 3 })
	// The file as it is now is what a crash leaves; it tells of nobody.
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"705550199", string([]byte{0x31, 0x70, 0x55})} {
		if bytes.Contains(left, []byte(secret)) {
			t.Error("the file tells a number")
		}
	}
	q.Close()
	torn := append(bytes.Clone(left), left[:20]...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	d.set(nil)
	q = open(t, path, k, d)
	until(t, "filing", func() bool { return len(d.list()) == 3 })
	for i, m := range d.list() {
		if !same(m, marking(i)) && m.Record == marking(i).Record {
			t.Errorf("filed %+v", m)
		}
	}
	if err := add(q, marking(4)); err != nil {
		t.Fatal(err)
	}
	until(t, "an empty file", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() == 0 && q.Stats().Waiting == 0
	})
	if got := q.Stats().Filed; got != 4 {
		t.Errorf("%d filed", got)
	}
	q.Close()
	open(t, path, k, d).Close()
	if n := len(d.list()); n != 4 {
		t.Errorf("%d filed, some twice", n)
	}
}

// One that cannot be filed holds up nobody; one that never can is let go.
func TestMarksPassEachOther(t *testing.T) {
	d := new(desk)
	stuck, lost := marking(1), marking(2)
	file := func(ctx context.Context, m trace.Marking) error {
		switch m.Record {
		case stuck.Record:
			return marks.ErrLater
		case lost.Record:
			return marks.ErrLost
		}
		return d.file(ctx, m)
	}
	q := open(t, filepath.Join(t.TempDir(), "marks"), keys(t), d, func(o *marks.Options) { o.File = file })
	for _, m := range []trace.Marking{stuck, lost, marking(3)} {
		if err := add(q, m); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the third", func() bool { return len(d.list()) == 1 && q.Stats().Lost == 1 && q.Stats().Waiting == 1 })
	if q.Stats().Failed != 0 {
		t.Error("what is only not due counts as failed")
	}
	if err := add(q, stuck); err != nil || q.Stats().Waiting != 1 {
		t.Errorf("marked twice: %v, %d wait", err, q.Stats().Waiting)
	}
}

// A file that cannot be written is no acknowledgement; when it can be, all is well.
func TestMarksWithoutADisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	d := new(desk)
	var alarms []error
	var mu sync.Mutex
	q := open(t, filepath.Join(dir, "marks"), keys(t), d, func(o *marks.Options) {
		o.Alarm = func(err error) { mu.Lock(); defer mu.Unlock(); alarms = append(alarms, err) }
	})
	if err := add(q, marking(1)); err == nil {
		t.Error("acknowledged without a disk")
	}
	until(t, "filed from memory", func() bool { return len(d.list()) == 1 })
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := add(q, marking(2)); err != nil {
		t.Error(err)
	}
	until(t, "filed", func() bool { return len(d.list()) == 2 })
	mu.Lock()
	defer mu.Unlock()
	if len(alarms) == 0 {
		t.Error("nobody was told")
	}
}

func TestMarksAreBounded(t *testing.T) {
	d := &desk{err: errors.New("away")}
	q := open(t, filepath.Join(t.TempDir(), "marks"), keys(t), d, func(o *marks.Options) { o.Most = 2 })
	for i, want := range []error{nil, nil, marks.ErrFull} {
		if err := add(q, marking(i)); !errors.Is(err, want) {
			t.Errorf("mark %d: %v", i, err)
		}
	}
	q.Close()
	if err := add(q, marking(9)); !errors.Is(err, marks.ErrClosed) {
		t.Error(err)
	}
}

// FuzzFile: whatever is in the file, the queue opens and goes on.
// A damaged byte costs the mark that it is in, and is told of; no other is lost.
func TestDamageHidesNoOtherMark(t *testing.T) {
	path, k, d := filepath.Join(t.TempDir(), "marks"), keys(t), &desk{err: errors.New("the store is away")}
	q := open(t, path, k, d)
	for i := range 3 {
		if err := add(q, marking(i)); err != nil {
			t.Fatal(err)
		}
	}
	q.Close()
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 2, 5, 30, len(left)/3 + 3, len(left) / 2} {
		damaged := bytes.Clone(left)
		damaged[at] ^= 0xff
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var told atomic.Bool
		d := new(desk)
		q := open(t, path, k, d, func(o *marks.Options) { o.Alarm = func(err error) { told.Store(told.Load() || err != nil) } })
		until(t, "filing", func() bool { return len(d.list()) == 2 })
		if !told.Load() {
			t.Errorf("damage at %d is not told", at)
		}
		q.Close()
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x09\xff\xff\xff\xffm12345678"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "marks")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d := new(desk)
		q := open(t, path, keys(t), d)
		if err := add(q, marking(1)); err != nil {
			t.Fatal(err)
		}
		until(t, "filed", func() bool { return len(d.list()) >= 1 })
		q.Close()
	})
}
