package gateway

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/casework/marks"
	"clirgate/store/pebble"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// Whoever waits for a mark is told once, and in time.
func TestMarksAreToldInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		note := func(err error) { told = append(told, err) }
		inTime(note)(nil)
		time.Sleep(2 * markTime)
		late := inTime(note)
		time.Sleep(2 * markTime)
		synctest.Wait()
		late(nil)
		if len(told) != 2 || told[0] != nil || !errors.Is(told[1], errMarkLate) {
			t.Errorf("told %v", told)
		}
	})
}

type recorded chan error

func (r recorded) Recorded(err error) { r <- err }

// A mark comes into its record also when no message comes any more.
func TestMarkIsWrittenWhileNothingHappens(t *testing.T) {
	store, err := pebble.Open(filepath.Join(t.TempDir(), "records"), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ring, err := keyring.Open(t.Context(), new(keyring.Memory), keyring.Fixed{3})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	vault := trace.NewVault(store, trace.NewKeys(ring), time.Now)
	lazy := 10 * time.Millisecond
	g := &Gateway{search: vault, recorder: trace.NewRecorder(vault, trace.Options{Gather: true, Lazy: lazy})}
	defer g.recorder.Close()

	r, down := tracetest.Record(time.Now()), make(recorded, 1)
	g.recorder.Begin(r, down)
	g.recorder.Flush()
	if err := <-down; err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * lazy) // the writer looks for nothing by itself any more
	m, x := &marker{g: g}, trace.Marking{Record: r.ID, Called: r.Called, At: time.Now(), How: trace.MarkCode}
	if err := m.file(t.Context(), x); !errors.Is(err, marks.ErrLater) {
		t.Fatalf("filed: %v", err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		found, err := m.record(t.Context(), x)
		if err != nil || found == nil {
			t.Fatalf("%v %v", found, err)
		}
		if found.Mark == trace.MarkCode {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("never in the record")
		}
	}
}
