package demo

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/cmd/clirgate/gateway"
)

// The demonstration is run twice over the same data, as a newcomer does, and its output
// read as he reads it.
func TestDemo(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		var out bytes.Buffer
		err := Run(context.Background(), Options{Out: &out, Data: data, Gateway: "127.0.0.1:0", Admin: "127.0.0.1:0", Once: true})
		if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		check(t, out.String())
	}
	var records bytes.Buffer
	if err := gateway.CopyRecords(&records, data, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(records.String(), "\n"); n != 12 {
		t.Errorf("%d records of 12 calls", n)
	}
}

// check finds the six calls in the output, with the number where it may be seen.
func check(t *testing.T, out string) {
	t.Helper()
	calls := strings.SplitAfter(out, "   Via: ")
	if len(calls) != 13 {
		t.Fatalf("%d messages printed, want 12\n%s", len(calls)-1, out)
	}
	for i, shown := range []bool{true, false, false, false, true, true} {
		sent, seen := calls[2*i], calls[2*i+1]
		if !strings.Contains(sent, "sip:+3161234567") {
			t.Errorf("call %d: what was sent has no number\n%s", i+1, sent)
		}
		if got := strings.Contains(seen, "3161234567"); got != shown {
			t.Errorf("call %d: number seen: %v, want %v\n%s", i+1, got, shown, seen)
		}
		if anonymous := strings.Contains(seen, "anonymous.invalid") && strings.Contains(seen, "Privacy: id"); anonymous == shown {
			t.Errorf("call %d: anonymous %v\n%s", i+1, anonymous, seen)
		}
	}
	for _, want := range []string{"112 saw         INVITE sip:112@", "http://127.0.0.1:", "role noc"} {
		if !strings.Contains(out, want) {
			t.Errorf("does not print %q\n%s", want, out)
		}
	}
}

// A taken port is said, and another one used.
func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var out bytes.Buffer
	addr := taken.Addr().String()
	err = Run(context.Background(), Options{Out: &out, Data: t.TempDir(), Gateway: addr, Admin: addr, Once: true})
	if err != nil || strings.Count(out.String(), "Port "+addr+" is taken") != 2 {
		t.Errorf("%v\n%s", err, &out)
	}
}

// While it stays up, every new call is a line, and nobody's number is on it.
func TestFollow(t *testing.T) {
	var out lockedBuffer
	s, err := newStage(Options{Out: &out, Data: t.TempDir(), Gateway: "127.0.0.1:0", Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.follow(ctx) }()
	time.Sleep(10 * time.Millisecond) // the call must begin after follow
	if _, err := s.caller.call(ctx, s.sip, callerLine, "*31*"+calleeLine); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(out.String(), "class W by rule D3"); {
		if time.Now().After(deadline) {
			t.Fatalf("the call was not printed: %s", out.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if strings.Contains(out.String(), "612345678") {
		t.Errorf("prints a number: %s", out.String())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
