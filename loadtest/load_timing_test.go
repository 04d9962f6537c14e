package loadtest

import (
	"context"
	"net"
	"testing"
	"time"
)

// BenchmarkCalls places calls without an element in between, both ends here, at a fixed
// rate; the time of interest is the processor's, by the call (run it with -cpuprofile).
func BenchmarkCalls(b *testing.B) {
	port, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	callee := "udp:" + port.LocalAddr().String()
	port.Close()
	const rate = 5000
	mix, err := ParseMix("ordinary")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	r, err := New(Config{Target: callee, CalleeListen: []string{callee}, Mix: mix, MaxInFlight: 100_000,
		Profile: Profile{{rate, rate, time.Duration(b.N) * time.Second / rate}}, Linger: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	b.ResetTimer()
	if err := r.Do(context.Background(), nil); err != nil {
		b.Fatal(err)
	}
	if t := r.Result().Totals; t.Failed > 0 {
		b.Errorf("%+v", t)
	}
}
