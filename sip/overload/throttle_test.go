package overload

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func report(params string) *Report {
	r := new(Report)
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		r.Param([]byte(name), []byte(value))
	}
	return r
}

// What each report has dropped at once, and after 400 ms and 600 ms.
func TestReports(t *testing.T) {
	for _, x := range []struct {
		params          string
		now, soon, late float64
	}{
		{`oc=50;oc-algo="loss"`, 0.5, 0.5, 0},
		{`OC=20;OC-Algo="LOSS";oc-validity=450`, 0.2, 0.2, 0},
		{`oc=100`, 1, 1, 0},
		{`oc=20;oc-validity=1000;oc-seq=1282321615.782`, 0.2, 0.2, 0.2},
		{`oc=20;oc-validity=99999999`, 0.2, 0.2, 0.2},
		{`oc=20;oc-validity=0`, 0, 0, 0},
		{`oc=0;oc-algo="loss"`, 0, 0, 0},
		{`oc`, 0, 0, 0},
		{`oc=101`, 0, 0, 0},
		{`oc=-5`, 0, 0, 0},
		{`oc=5x`, 0, 0, 0},
		{`oc=50;oc-algo="rate"`, 0, 0, 0},
		{`branch=z9hG4bKoc;occ=50`, 0, 0, 0},
	} {
		tr, at := new(Throttle), time.Unix(1000, 0)
		tr.Learn(report(x.params), at)
		for after, want := range map[time.Duration]float64{0: x.now, 400 * ms: x.soon, 600 * ms: x.late} {
			if got := tr.Share(at.Add(after)); got < want-0.001 || got > want+0.001 {
				t.Errorf("%s: %v drops %v, want %v", x.params, after, got, want)
			}
		}
	}
}

func TestReportsOutOfOrder(t *testing.T) {
	tr, now := new(Throttle), time.Unix(1000, 0)
	for _, x := range []struct {
		params string
		want   float64
	}{
		{"oc=50;oc-seq=100.2", 0.5}, {"oc=10;oc-seq=100.15", 0.5}, {"oc=10;oc-seq=99.9", 0.5},
		{"oc=20;oc-seq=100.21", 0.2}, {"oc=30;oc-seq=101.0", 0.3}, {"oc=40", 0.4},
	} {
		tr.Learn(report(x.params), now)
		if got := tr.Share(now); got < x.want-0.001 || got > x.want+0.001 {
			t.Errorf("%s: drops %v, want %v", x.params, got, x.want)
		}
	}
}

func TestDropsItsShare(t *testing.T) {
	for _, percent := range []string{"0", "1", "33", "50", "99", "100"} {
		tr, now, dropped := new(Throttle), time.Unix(1000, 0), 0
		tr.Learn(report("oc="+percent), now)
		for range 10_000 {
			if tr.Drops(now) {
				dropped++
			}
		}
		if want := int(tr.Share(now) * 10_000); dropped < want-1 || dropped > want+1 {
			t.Errorf("%s %%: %d of 10000 dropped", percent, dropped)
		}
	}
}

// What one node reports another understands.
func TestReportIsUnderstood(t *testing.T) {
	k := newClock()
	tr := new(Throttle)
	tell := func() {
		text := k.c.AppendReport(nil, k.now)
		if !bytes.HasPrefix(text, []byte(";oc=")) {
			t.Fatalf("%s", text)
		}
		tr.Learn(report(string(text[1:])), k.now)
	}
	k.run(150*ms, 40*ms)
	k.run(4*time.Second, 40*ms)
	tell()
	if got := tr.Share(k.now); got < 0.97 {
		t.Errorf("all are refused, and %v reported", got)
	}
	k.run(time.Minute, 0)
	tell()
	if tr.Drops(k.now) {
		t.Error("the end was not understood")
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte("oc"), []byte("20"))
	f.Add([]byte("oc-seq"), []byte("1282321615.782"))
	f.Add([]byte("oc-algo"), []byte(`"loss"`))
	f.Fuzz(func(t *testing.T, name, value []byte) {
		r := report("oc=50")
		r.Param(name, value)
		tr, now := new(Throttle), time.Unix(1000, 0)
		tr.Learn(r, now)
		if s := tr.Share(now); s < 0 || s > 1 {
			t.Errorf("share %v", s)
		}
		if tr.Drops(now.Add(2 * maxValidity)) {
			t.Error("for ever")
		}
	})
}

func TestThrottleEndsWhenTheClockIsSetBack(t *testing.T) {
	var th Throttle
	now := time.Unix(1_000_000, 0)
	th.Learn(&Report{told: true, percent: 100}, now)
	if !th.Drops(now) || th.Share(now) != 1 {
		t.Error("nothing is dropped")
	}
	if now = now.Add(-time.Hour); th.Drops(now) || th.Share(now) != 0 {
		t.Error("dropped for an hour")
	}
}
