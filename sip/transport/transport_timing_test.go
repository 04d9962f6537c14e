package transport

import (
	"fmt"
	"testing"
)

// BenchmarkUDPEcho: messages there and back between two layers, some under way at once.
func BenchmarkUDPEcho(b *testing.B) {
	for _, window := range []int{1, 64} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) { benchmarkEcho(b, UDP, window) })
	}
}

func BenchmarkTCPEcho(b *testing.B) {
	for _, window := range []int{1, 64} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) { benchmarkEcho(b, TCP, window) })
	}
}

// echo is a Handler that sends back, or counts, what comes.
type echo struct {
	l    *Layer
	back chan struct{}
}

func (e *echo) Receive(b []byte, f Flow) {
	if e.back != nil {
		e.back <- struct{}{}
		return
	}
	_ = e.l.Send(f, b)
}
func (e *echo) Discarded(Flow, Discard)        {}
func (e *echo) SendFailed(Flow, []byte, error) {}

func benchmarkEcho(b *testing.B, n Network, window int) {
	o := Options{Listeners: []Listener{listen(n, local4)}, Sockets: 1}
	far, near := &echo{}, &echo{back: make(chan struct{}, 2*window)}
	for _, e := range []*echo{far, near} {
		l, err := New(o)
		if err != nil {
			b.Fatal(err)
		}
		e.l = l
		l.Start(e)
		defer closeLayer(b, l)
	}
	m := []byte(message("echo", 500))
	f := Flow{Net: n, Remote: far.l.Local(0)}
	b.ReportAllocs()
	b.SetBytes(int64(len(m)))
	b.ResetTimer()
	for sent, got := 0, 0; got < b.N; got++ {
		for ; sent < b.N && sent-got < window; sent++ {
			_ = near.l.Send(f, m)
		}
		near.l.Flush()
		<-near.back
	}
}

func BenchmarkFlushNothing(b *testing.B) {
	l := start(b, Options{Listeners: []Listener{listen(UDP, local4), listen(UDP, local6)}, Sockets: 4}, newSink())
	b.ReportAllocs()
	for b.Loop() {
		l.Flush()
	}
}

func BenchmarkFramer(b *testing.B) {
	m := []byte(message("frame", 500))
	f := framer{max: 65535}
	b.ReportAllocs()
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		f.reset()
		if n, _ := f.next(m); n != len(m) {
			b.Fatal(n)
		}
	}
}
