package proxy

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"clirgate/sip/transport"
)

var dayOne = time.Unix(1_800_000_000, 0)

func TestCooldown(t *testing.T) {
	var c cooldown
	at := func(port int) transportTarget {
		return transportTarget{Net: transport.UDP, Addr: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(port))}
	}
	c.add(at(1), dayOne, time.Minute)
	if !c.has(at(1), dayOne.Add(59*time.Second)) || c.has(at(2), dayOne) || c.has(at(1), dayOne.Add(time.Minute)) {
		t.Error("not remembered for a minute")
	}
	c.add(at(1), dayOne, time.Minute)
	c.remove(at(1))
	if c.has(at(1), dayOne) {
		t.Error("not forgotten")
	}
	for i := range 2 * maxCooldown {
		c.add(at(i), dayOne, time.Minute)
	}
	if len(c.until) > maxCooldown {
		t.Errorf("%d remembered", len(c.until))
	}
	c.add(at(60000), dayOne.Add(time.Hour), time.Minute)
	if !c.has(at(60000), dayOne.Add(time.Hour)) {
		t.Error("old ones were not cleaned away")
	}
}

func TestRaisedSet(t *testing.T) {
	var s raisedSet
	id := func(n int) (id [16]byte) {
		binary.BigEndian.PutUint64(id[:], uint64(n))
		return id
	}
	a, b := []byte("a"), []byte("b")
	s.add(id(1), a, true, dayOne, time.Hour)
	if mapped, ok := s.has(id(1), a, dayOne); !ok || !mapped {
		t.Error("not remembered")
	}
	for _, c := range []struct {
		id  [16]byte
		tag []byte
		now time.Time
	}{{id(1), b, dayOne}, {id(2), a, dayOne}, {id(1), nil, dayOne}, {id(1), a, dayOne.Add(time.Hour)}} {
		if _, ok := s.has(c.id, c.tag, c.now); ok {
			t.Errorf("%v", c)
		}
	}
	if s.size.Load() != 0 {
		t.Errorf("%d left", s.size.Load())
	}
	for i := range 2 * maxRaised {
		s.add(id(i), a, false, dayOne, time.Hour)
	}
	if n := s.size.Load(); n > maxRaised {
		t.Errorf("%d remembered", n)
	}
	s.add(id(1), b, false, dayOne.Add(2*time.Hour), time.Hour)
	if _, ok := s.has(id(1), b, dayOne.Add(2*time.Hour)); !ok {
		t.Error("old ones were not cleaned away")
	}
}

func TestNames(t *testing.T) {
	for e := range eventCount {
		if eventNames[e] == "" {
			t.Errorf("event %d has no name", e)
		}
	}
	for b, want := range map[Boundary]string{0: "unknown", Access: "access", Trusted: "trusted", Interconnect: "interconnect", Emergency: "emergency"} {
		if b.String() != want {
			t.Errorf("%d: %q", b, b)
		}
	}
}
