package proxy

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestFailingStore: no disk stops a call, nor is one waited for without end.
func TestFailingStore(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	r.gw.store.Fail(errors.New("disk full"))
	r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	r.gw.store.Fail(nil)
	release := r.gw.store.Hang()
	defer release()
	r.establish(r.a, r.b, r.a.invite("0705550199", fromA))
	if n := r.gw.proxy.Stats().Events["unrecorded"]; n != 2 {
		t.Errorf("%d calls without a record counted", n)
	}
}

// TestHangsUpBeforeTheRecord: then nothing is sent at all.
func TestHangsUpBeforeTheRecord(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	release := r.gw.store.Hang()
	r.a.send(r.gw.addr, r.a.invite("0705550133", fromA)) // keeps the store busy
	invite := r.a.invite("*31*0705550199", fromA)
	r.a.send(r.gw.addr, invite)
	r.a.status(100)
	r.a.send(r.gw.addr, strings.ReplaceAll(invite, "INVITE", "CANCEL"))
	r.a.status(487)
	release()
	got := r.b.get("INVITE")
	if !strings.Contains(got.uri(), "+31705550133") {
		t.Errorf("%q was sent", got.start)
	}
	limit := time.After(silence)
	for {
		select {
		case m := <-r.b.in:
			if strings.HasPrefix(m.start, "INVITE") && !strings.Contains(m.uri(), "+31705550133") {
				t.Errorf("%q was sent", m.start)
			}
			continue
		case <-limit:
		}
		break
	}
}
