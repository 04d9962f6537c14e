package loadtest

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/loadtest/oracle"
)

func TestCodeIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := code{
			class:     oracle.Class(rapid.IntRange(0, 2).Draw(t, "class")),
			failing:   rapid.Bool().Draw(t, "failing"),
			behaviour: behaviour(rapid.IntRange(0, 9).Draw(t, "behaviour")),
			slot:      rapid.Uint32Range(0, maxSlots-1).Draw(t, "slot"),
		}
		prefix := rapid.SampledFrom([]string{"+317", "07", "*31*07", "00317", "1317"}).Draw(t, "prefix")
		got, ok := readCode(want.appendDigits([]byte(prefix)))
		if !ok || got != want {
			t.Fatalf("%+v, %v; want %+v", got, ok, want)
		}
	})
}

func TestReadCodeRefuses(t *testing.T) {
	for _, user := range []string{"", "112", "*31*112", "service:sos", "+31793000001", "anonymous"} {
		if c, ok := readCode([]byte(user)); ok {
			t.Errorf("%q is read as %+v", user, c)
		}
	}
}

func TestReadBandwidth(t *testing.T) {
	for _, c := range []struct {
		body string
		want code
		ok   bool
	}{
		{"v=0\r\nb=AS:1000017\r\n", code{oracle.Emergency, false, hangsUp, 17}, true},
		{"v=0\r\nb=AS:17\r\n", code{oracle.Emergency, false, answers, 17}, true},
		{"v=0\r\nb=AS:x\r\n", code{}, false},
		{"v=0\r\n", code{}, false},
	} {
		if got, ok := readBandwidth([]byte(c.body)); ok != c.ok || got != c.want {
			t.Errorf("%q: %+v, %v", c.body, got, ok)
		}
	}
}

func TestNameIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := callName{rapid.Uint32Range(0, maxSlots-1).Draw(t, "slot"), rapid.Uint32Range(0, genMask).Draw(t, "gen")}
		got, rest, ok := readName(append(appendName([]byte("z9hG4bK"), want), "ab"...))
		if !ok || got != want || string(rest) != "ab" {
			t.Fatalf("%+v %q %v, want %+v", got, rest, ok, want)
		}
	})
}

func TestSlotsAreReusedLate(t *testing.T) {
	s := newSlots(100, 3, genMask)
	a, gen, _ := s.take()
	if a != 100 || gen == 0 {
		t.Errorf("first slot %d, use %d: never 0", a, gen)
	}
	s.put(a)
	b, _, _ := s.take()
	c, _, _ := s.take()
	d, again, _ := s.take()
	if b != 101 || c != 102 || d != 100 || again == gen {
		t.Errorf("%d, %d, %d; use %d after %d", b, c, d, again, gen)
	}
	if _, _, ok := s.take(); ok {
		t.Error("a fourth of three slots is given out")
	}
}

// TestWheelFiresInOrder holds the wheel against a plain list.
func TestWheelFiresInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWheel(rapid.Int64Range(0, 3*wheelSlots).Draw(t, "now"))
		due := map[*timer]int64{}
		for range rapid.IntRange(1, 40).Draw(t, "timers") {
			one := new(timer)
			after := rapid.Int64Range(-1, 3*wheelSlots).Draw(t, "after")
			w.set(one, after)
			due[one] = w.now + max(after, 1)
		}
		for one := range due {
			if rapid.Bool().Draw(t, "stop") {
				w.stop(one)
				delete(due, one)
			}
		}
		end := w.now + 4*wheelSlots
		w.advance(end, func(one *timer) {
			if due[one] != w.now || one.armed() {
				t.Fatalf("fires at %d, want %d", w.now, due[one])
			}
			delete(due, one)
		})
		if len(due) > 0 {
			t.Fatalf("%d timers never fired", len(due))
		}
	})
}

func TestFiredTimersMayStopEachOther(t *testing.T) {
	w := newWheel(0)
	var a, b, c timer
	for _, one := range []*timer{&a, &b, &c} {
		w.set(one, 5)
	}
	fired := 0
	w.advance(10, func(one *timer) {
		fired++
		w.stop(&b)
		if fired == 1 {
			w.set(one, 2)
		}
	})
	if fired != 3 || b.armed() {
		t.Errorf("fired %d times, want a, c and a again", fired)
	}
}

func TestArrivals(t *testing.T) {
	count := func(text string, even bool) (n int, gaps []float64) {
		p, err := ParseProfile(text)
		if err != nil {
			t.Fatal(err)
		}
		a := &arrivals{profile: p, share: 1, random: rand.New(rand.NewPCG(1, 2)), even: even}
		last := time.Duration(0)
		for {
			at, ok := a.due(p.Length())
			if !ok {
				return n, gaps
			}
			if at < last {
				t.Fatal("arrivals go backwards")
			}
			gaps = append(gaps, (at - last).Seconds())
			last = at
			n++
		}
	}
	near := func(what string, got, want, part float64) {
		if math.Abs(got-want) > part*want {
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	n, gaps := count("1000x10s", false)
	near("Poisson", float64(n), 10000, 0.05)
	var sum, square float64
	for _, g := range gaps {
		sum += g
		square += g * g
	}
	mean := sum / float64(len(gaps))
	near("variance of exponential gaps", square/float64(len(gaps))-mean*mean, mean*mean, 0.1)
	n, _ = count("1000x2s", true)
	near("even", float64(n), 2000, 0.001)
	n, _ = count("0-1000x10s", false)
	near("ramp", float64(n), 5000, 0.1)
	n, _ = count("100x5s,300x5s", false)
	near("steps", float64(n), 2000, 0.1)
	n, _ = count("0x1s,100x1s", false)
	near("after a pause", float64(n), 100, 0.4)
}

func TestParseProfileRefuses(t *testing.T) {
	for _, bad := range []string{"", "100", "x1s", "100x", "100x-1s", "ax1s", "-1x1s", "100-x1s"} {
		if _, err := ParseProfile(bad); err == nil {
			t.Errorf("%q is a profile", bad)
		}
	}
}

func TestMix(t *testing.T) {
	m, err := ParseMix("full, 112=100,busy=0")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	emergency := 0
	for range 2000 {
		id, flow := m.draw(r)
		if flow == Busy {
			t.Fatal("a flow of no weight is drawn")
		}
		if id == Emergency112 {
			emergency++
			if flow == Message || flow == Redirect || flow == Failover {
				t.Fatalf("112 with %v", flow)
			}
		}
	}
	if emergency < 800 || emergency > 1300 {
		t.Errorf("112 drawn %d times of 2000 at about half the weight", emergency)
	}
	if need := m.rules(); need[plain] || !need[permanent] || !need[toggled] {
		t.Errorf("rules needed: %v", need)
	}
	for _, bad := range []string{"nonsense", "star31=x", "star31=-1", "nothing=1"} {
		if _, err := ParseMix(bad); err == nil {
			t.Errorf("%q is a mix", bad)
		}
	}
	d, err := ParseMix("")
	if err != nil {
		t.Fatal(err)
	}
	if id, flow := d.draw(r); id != Ordinary || flow != Answer {
		t.Errorf("nothing asked gives %v, %v", id, flow)
	}
}

func TestToggle(t *testing.T) {
	var g toggle
	is := func(want oracle.Class) {
		t.Helper()
		if got, _ := g.class(); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	is(oracle.Shown)
	g.begin()
	is(oracle.Unsure)
	g.begin() // the first switch was never confirmed
	is(oracle.Unsure)
	g.end(true)
	is(oracle.Withheld)
}

func TestLimits(t *testing.T) {
	r := &Result{Length: time.Second}
	r.Totals = Totals{Leaks: 1, Failed: 2, Carried: 100}
	r.Times.Forward.P99 = 6000
	l := NoLimits
	if b := l.Check(r); len(b) > 0 {
		t.Errorf("no limits broken: %v", b)
	}
	l = Limits{Leaks: 0, Missing: 0, Failed: 2, Unrestored: -1, Form: -1, P99: 5 * time.Millisecond, AnswerP99: -1, PerCall: -1, Rate: 200, RSSGrowth: -1}
	b := strings.Join(l.Check(r), "; ")
	for _, want := range []string{"1 leaks", "6ms", "100 calls/s"} {
		if !strings.Contains(b, want) {
			t.Errorf("%q is not in %q", want, b)
		}
	}
	if strings.Count(b, ";") != 2 {
		t.Errorf("want three limits broken: %s", b)
	}
	for i := range 10 {
		r.Seconds = append(r.Seconds, Sample{Usage: Usage{RSS: int64(100 + 10*i)}})
	}
	if g := r.RSSGrowth(); math.Abs(g-185.0/145) > 0.01 {
		t.Errorf("growth %v", g)
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, c := range []Config{
		{Target: "nowhere"},
		{CalleeListen: []string{"sctp:127.0.0.1:0"}},
		{MaxInFlight: maxSlots + 1},
		{CalledPrefix: "+31"},
		{CallerPrefix: "31"},
		{Target: "udp:127.0.0.1:5060", ElsewhereCallers: true},
	} {
		if r, err := New(c); err == nil {
			r.Close()
			t.Errorf("%+v is a run", c)
		}
	}
}
