package privacy

import (
	"bytes"
	"testing"
)

// BenchmarkFind: bytes per second and time of a message as it leaves.
func BenchmarkFind(b *testing.B) {
	kilobyte := bytes.Repeat([]byte(sampleMessage), 2)[:1024]
	for name, c := range map[string]struct {
		numbers []string
		text    []byte
	}{
		"message":     {[]string{"31205550101"}, []byte(sampleMessage)},
		"1kB":         {[]string{"31205550101"}, kilobyte},
		"1kB/four":    {[]string{"31205550101", "31205550102", "31205550103", "31205550104"}, kilobyte},
		"1kB/escaped": {[]string{"31205550101"}, append([]byte("urn%3Aurn-7%3A3gpp"), kilobyte...)},
		"1kB/binary":  {[]string{"31205550101"}, append([]byte("\x01\x02"), kilobyte...)},
	} {
		b.Run(name, func(b *testing.B) {
			n := needles(b, c.numbers...)
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := n.Find(c.text); ok {
					b.Fatal("hit")
				}
			}
		})
	}
}
