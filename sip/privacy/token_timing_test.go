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
