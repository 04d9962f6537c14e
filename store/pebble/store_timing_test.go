package pebble

import (
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

type durable struct{ group *sync.WaitGroup }

func (d durable) Recorded(error) { d.group.Done() }

// BenchmarkDurable is records a second, every one on disk before it is acknowledged,
// with as many calls under way as the caller of b.N allows: 256.
func BenchmarkDurable(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "records"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	durably(b, s)
}

// BenchmarkDurableSealed is the same with identities sealed and two search keys a
// record, as a gateway does it.
func BenchmarkDurableSealed(b *testing.B) {
	d := openData(b, b.TempDir())
	defer d.close(b)
	durably(b, d)
}

func durably(b *testing.B, s trace.Store) {
	r := trace.NewRecorder(s, trace.Options{Failed: func(_ int, err error) { b.Error(err) }})
	defer r.Close()
	rec := tracetest.Record(time.Now())
	rec.DivertedFrom = 0
	b.ReportAllocs()
	before := cpu(b)
	for left := b.N; left > 0; left -= 256 {
		var group sync.WaitGroup
		for range min(256, left) {
			rec.ID = r.NewID(time.Now())
			group.Add(1)
			r.Begin(rec, durable{&group})
		}
		group.Wait()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpu is the processor time this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoneCall is what one call waits for its record when nobody else calls.
func BenchmarkLoneCall(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "records"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := trace.NewRecorder(s, trace.Options{Window: time.Nanosecond})
	defer r.Close()
	rec := tracetest.Record(time.Now())
	var group sync.WaitGroup
	for b.Loop() {
		rec.ID = r.NewID(time.Now())
		group.Add(1)
		r.Begin(rec, durable{&group})
		group.Wait()
	}
}
