package numbering

import "testing"

func BenchmarkDialled(b *testing.B) {
	p, codes := dutch(b), DefaultCodes()
	for _, user := range []string{"+31705550199", "*31*0705550199", "1310705550199", "alice"} {
		b.Run(user, func(b *testing.B) {
			b.ReportAllocs()
			raw := []byte(user)
			for b.Loop() {
				p.Dialled(raw, codes, 0)
			}
		})
	}
}
