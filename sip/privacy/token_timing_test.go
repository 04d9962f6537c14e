//go:build !race

// The race detector drops pooled values at random.

package privacy

import "testing"

func BenchmarkSeal(b *testing.B) {
	k, buf := MemoryKeys(maxCall, epoch), make([]byte, 0, 1024)
	for name, d := range map[string]*Dialog{"shown": plainDialog(), "withheld": withheldDialog()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Seal(buf, d)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	k := MemoryKeys(maxCall, epoch)
	for name, d := range map[string]*Dialog{"shown": plainDialog(), "withheld": withheldDialog()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			token := k.Seal(nil, d)
			var got Dialog
			for b.Loop() {
				if err := k.Open(&got, token, epoch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMapID(b *testing.B) {
	k, buf := MemoryKeys(maxCall, epoch), make([]byte, 0, 1024)
	d, id := bornAt(epoch, 1), []byte("0205550101-1763890000@192.0.2.11")
	b.ReportAllocs()
	for b.Loop() {
		k.MapID(buf, d, id)
	}
}

func BenchmarkUnmapID(b *testing.B) {
	k, buf := MemoryKeys(maxCall, epoch), make([]byte, 0, 1024)
	mapped := k.MapID(nil, bornAt(epoch, 1), []byte("0205550101-1763890000@192.0.2.11"))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := k.UnmapID(buf, mapped); !ok {
			b.Fatal("does not unmap")
		}
	}
}

func TestSealingDoesNotAllocate(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	d, got := withheldDialog(), *withheldDialog()
	token, buf := k.Seal(nil, d), make([]byte, 0, 1024)
	mapped := k.MapID(nil, d, []byte("0205550101-7@192.0.2.11"))
	f := func(name string, do func()) {
		t.Helper()
		if n := testing.AllocsPerRun(200, do); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	f("Seal", func() { k.Seal(buf, d) })
	f("Open", func() { k.Open(&got, token, epoch) })
	f("MapID", func() { k.MapID(buf, d, []byte("0205550101-7@192.0.2.11")) })
	f("UnmapID", func() { k.UnmapID(buf, mapped) })
	f("LooksSealed", func() { LooksSealed(token) })
}
