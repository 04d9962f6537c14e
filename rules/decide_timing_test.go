package rules

import (
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"clirgate/numbering"
)

var subscribers = flag.Int("subscribers", 1_000_000, "subscribers of the benchmarks; the figure to reach is for 10 million")

func benchNumber(i int) numbering.Number {
	return number(fmt.Sprintf("316%08d", i))
}

func benchTable(b *testing.B) *Table {
	b.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	t := new(Table)
	_ = t.Load(func(put func(Subscriber)) (uint64, error) {
		for i := range *subscribers {
			put(Subscriber{Number: benchNumber(i), CLIR: CLIR(i%3 + 1), ACR: i%7 == 0})
		}
		return 1, nil
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
	return t
}

func benchCalls() []Call {
	calls := make([]Call, 1<<16)
	for i := range calls {
		caller := i * 7919 * 31 % (*subscribers * 5 / 4) // one in five has no rule
		called := i * 104729 % (*subscribers * 2)
		calls[i] = Call{Caller: benchNumber(caller), Called: benchNumber(called), TrustedSource: true, Now: 1e9}
	}
	return calls
}

func BenchmarkDecide(b *testing.B) {
	table, calls := benchTable(b), benchCalls()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		Decide(table.Snapshot(), &calls[i%len(calls)])
		i++
	}
	runtime.KeepAlive(table)
}

// One goroutine changes rules without pause while the decisions are timed.
func BenchmarkDecideWhileChanging(b *testing.B) {
	table, calls := benchTable(b), benchCalls()
	var stop atomic.Bool
	done := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			table.Put(Subscriber{Number: benchNumber(n * 7919 % *subscribers), CLIR: CLIRPermanent}, uint64(n))
		}
		done <- n
	}()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		Decide(table.Snapshot(), &calls[i%len(calls)])
		i++
	}
	stop.Store(true)
	b.ReportMetric(float64(<-done)/b.Elapsed().Seconds(), "changes/s")
}

func BenchmarkPut(b *testing.B) {
	table := benchTable(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		table.Put(Subscriber{Number: benchNumber(n % *subscribers), CLIR: CLIRPermanent}, uint64(n))
		n += 7919
	}
}
