package rules

import (
	"flag"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"clirgate/numbering"
)

var subscribers = flag.Int("subscribers", 1_000_000, "subscribers of the benchmarks; the figure to reach is for 10 million")

var pace = flag.Duration("pace", 0, "time between changes while decisions are timed; 0: none")

func benchNumber(i int) numbering.Number {
	return number(strconv.Itoa(31600000000 + i))
}

// benchTable fills a table and answers the memory it takes, in MB.
func benchTable(b *testing.B) (*Table, float64) {
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
	return t, float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / 1e6
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
	table, megabytes := benchTable(b)
	calls := benchCalls()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		Decide(table.Snapshot(), &calls[i%len(calls)])
		i++
	}
	b.ReportMetric(megabytes, "MB")
}

// One goroutine changes rules, without pause unless -pace is given, while the decisions are timed.
func BenchmarkDecideWhileChanging(b *testing.B) {
	table, megabytes := benchTable(b)
	calls := benchCalls()
	var stop atomic.Bool
	done := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			table.Put(Subscriber{Number: benchNumber(n * 7919 % *subscribers), CLIR: CLIRPermanent}, uint64(n))
			time.Sleep(*pace)
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
	b.ReportMetric(megabytes, "MB")
	b.ReportMetric(float64(<-done)/b.Elapsed().Seconds(), "changes/s")
}

func BenchmarkPut(b *testing.B) {
	table, megabytes := benchTable(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		table.Put(Subscriber{Number: benchNumber(n % *subscribers), CLIR: CLIRPermanent}, uint64(n))
		n += 7919
	}
	b.ReportMetric(megabytes, "MB")
}
