package trace_test

import (
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

func BenchmarkAppendRecord(b *testing.B) {
	r := tracetest.Record(start)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = trace.AppendRecord(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkAppendSealed(b *testing.B) {
	keys := newKeys(b, new(keyring.Memory))
	r := tracetest.Record(start)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = keys.AppendSealed(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecode(b *testing.B) {
	enc := trace.AppendRecord(nil, tracetest.Record(start))
	var r trace.Record
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trace.Decode(enc, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewID(b *testing.B) {
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		_ = trace.NewID(now)
	}
}

// BenchmarkBegin is what a call pays on its own goroutine, the store aside.
func BenchmarkBegin(b *testing.B) {
	r := trace.NewRecorder(nullStore{}, trace.Options{})
	defer r.Close()
	rec := tracetest.Record(start)
	b.ReportAllocs()
	for b.Loop() {
		r.Begin(rec, nil)
	}
}
