//go:build !race

// Pools drop at random under the race detector, so allocations are counted without it.

package privacy

import (
	"testing"

	"clirgate/rules"
	"clirgate/sip/message"
)

// Calls as they are made all day, through Plan and Apply.
var samples = map[string]func(t testing.TB) *Transit{
	"shown to U":    func(t testing.TB) *Transit { return initial(parse(t, inviteA), rules.N, toU1) },
	"withheld to U": func(t testing.TB) *Transit { return initial(parse(t, inviteA), rules.W, toU1) },
	"withheld to T": func(t testing.TB) *Transit { return initial(parse(t, inviteA), rules.W, toT1) },
	"emergency":     func(t testing.TB) *Transit { return initial(parse(t, inviteA), rules.E, toPS) },
}

func TestPlanDoesNotAllocate(t *testing.T) {
	for name, sample := range samples {
		tr := sample(t)
		var e message.Edits
		out := make([]byte, 0, 4096)
		allocs := testing.AllocsPerRun(200, func() {
			e.Reset(tr.M)
			if err := Plan(&e, tr); err != nil {
				t.Fatal(err)
			}
			out, _ = e.Apply(out[:0])
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for name, sample := range samples {
		b.Run(name, func(b *testing.B) {
			tr := sample(b)
			var e message.Edits
			out := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				e.Reset(tr.M)
				if err := Plan(&e, tr); err != nil {
					b.Fatal(err)
				}
				out, _ = e.Apply(out[:0])
			}
		})
	}
}
