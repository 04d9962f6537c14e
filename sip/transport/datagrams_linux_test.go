//go:build linux && !portable

package transport

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// A busy reader rests once what was there is read, not after every full read: else its beat
// would bound how many messages it can take.
func TestNoRestWhileThereIsMore(t *testing.T) {
	d, at, err := bindUDP(netip.MustParseAddrPort("127.0.0.1:0"), nil, 1500)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	rests := 0
	d.rest = func(time.Time) { rests++ }
	d.busy = true
	d.gate.shut()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	const messages = 3*receiveMessages + 1
	for range messages {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < messages; {
		n, err := d.receive()
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
	if rests != 1 {
		t.Errorf("%d rests", rests)
	}
}

// A busy reader goes on looking for some beats before it waits to be woken.
func TestReaderStaysForSomeEmptyBeats(t *testing.T) {
	d, at, err := bindUDP(netip.MustParseAddrPort("127.0.0.1:0"), nil, 1500)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	send := func() {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Error(err)
		}
	}
	rests := 0
	d.busy = true
	d.gate.shut()
	d.rest = func(time.Time) {
		if rests++; rests == emptyBeats {
			send()
		}
		if rests == 2*emptyBeats+1 { // the last look before it gives up
			go send()
		}
	}
	for range 2 {
		if n, err := d.receive(); n != 1 || err != nil {
			t.Fatalf("%d messages, %v", n, err)
		}
	}
	if rests < 2*emptyBeats+1 || rests > 2*emptyBeats+2 {
		t.Errorf("%d rests", rests)
	}
}
