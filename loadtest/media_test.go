package loadtest

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestMediaIsHeard calls itself with RTP both ways and a re-INVITE in the middle.
func TestMediaIsHeard(t *testing.T) {
	port, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	callee := "udp:" + port.LocalAddr().String()
	port.Close()
	mix, err := ParseMix("ordinary=1,reinvite-caller=1")
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Target: callee, CalleeListen: []string{callee}, Mix: mix, Media: true, Profile: Profile{{50, 50, 200 * time.Millisecond}},
		Ring: 10 * time.Millisecond, Hold: 600 * time.Millisecond, Linger: 50 * time.Millisecond, MaxInFlight: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Do(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	result := r.Result()
	m := result.Media
	if result.Totals.Failed > 0 || m.Received < 100 || m.Wrong > 0 || m.Silent > 0 {
		t.Errorf("%+v\n%+v", result.Totals, m)
	}
	if m.Gap.Count == 0 || m.Jitter.Count == 0 || m.Delay.P50 <= 0 {
		t.Errorf("not measured: %+v", m)
	}
}

// TestStreamCounts feeds packets with known faults.
func TestStreamCounts(t *testing.T) {
	l := &Loop{wheel: newWheel(0)}
	m, err := newMedia(l, netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	g := &leg{loop: l, ep: &endpoint{role: calling}, name: callName{slot: 5, gen: 1}}
	s := m.open(g)
	packet := func(seq uint16, slot uint32) []byte {
		p := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * samplesPerPacket, SSRC: ssrc(1, slot)}, Payload: make([]byte, samplesPerPacket)}
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	at := int64(1e15)
	for i, seq := range []uint16{65533, 65534, 0, 65535, 3} { // 1 and 2 are lost, 65535 late
		m.arrived(0, 5%mediaSockets, packet(seq, 5), at+int64(i)*int64(packetTime))
	}
	m.arrived(0, 6%mediaSockets, packet(9, 5), at) // at another call's socket
	m.arrived(0, 6%mediaSockets, packet(9, 6), at) // of a call that is over
	m.arrived(0, 0, []byte("no RTP"), at)
	s.stop()
	want := MediaResult{Streams: 1, Received: 5, Lost: 2, Reordered: 1, Wrong: 2, Late: 1}
	if m.count != want {
		t.Errorf("%+v, want %+v", m.count, want)
	}
}

func TestMediaAddress(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n", "127.0.0.1:4000"},
		{"v=0\nm=audio 4000 RTP/AVP 0\nc=IN IP6 ::1\n", "[::1]:4000"},
		{"v=0\r\nc=IN IP4 host\r\nm=audio 4000 RTP/AVP 0\r\n", "invalid AddrPort"},
		{"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n", "invalid AddrPort"},
		{"", "invalid AddrPort"},
	} {
		if a, _ := mediaAddress([]byte(c.body)); a.String() != c.want {
			t.Errorf("%q: %v, want %s", c.body, a, c.want)
		}
	}
}
