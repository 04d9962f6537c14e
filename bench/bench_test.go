package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/loadtest"
)

func TestTables(t *testing.T) {
	elements := []*element{{name: "clirgate"}, {name: "kamailio"}, {name: "kamailio-relay"}, {name: "sipgo"}, {name: "udp-relay"}}
	results := map[string]*measured{
		"clirgate":       {cost: []float64{160, 150, 170}, p50: []float64{900}, p99: []float64{4000}, rate: 4000, calls: 100},
		"kamailio":       {cost: []float64{800}, rate: 1500, calls: 100, leaks: 300},
		"kamailio-relay": {cost: []float64{300}, calls: 100},
		"sipgo":          {missing: "cannot run here"},
		"udp-relay":      {cost: []float64{90}, calls: 100},
	}
	text := tables(elements, results, plan{rounds: 3})
	for _, want := range []string{
		"| CPU a call against kamailio, clirload | at most 0.25 x | 0.20 x | met |",
		"| CPU a call against kamailio-relay, clirload | at most 0.50 x | 0.53 x | NOT MET |",
		"| CPU a call against udp-relay, clirload | at most 2.00 x | 1.78 x | met |",
		"| highest rate against kamailio | at least 2 x | 2.67 x | met |",
		"| delay added at 500/s, p99 | at most 5 ms | 4.00 ms | met |",
		"| identity leaks | 0 | 0 | met |",
		"cannot run here", "| 3.00 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "SIPp |") && strings.Contains(text, "against kamailio, SIPp") {
		t.Error("a ratio of what was not measured is told")
	}
}

func TestClean(t *testing.T) {
	good := func() *loadtest.Result {
		r := new(loadtest.Result)
		r.Totals.Sent = 10_000
		return r
	}
	if !clean(good()) {
		t.Error("a run without a fault is not clean")
	}
	for name, spoil := range map[string]func(r *loadtest.Result){
		"failed":     func(r *loadtest.Result) { r.Totals.Failed = 1 },
		"not placed": func(r *loadtest.Result) { r.Totals.NotPlaced = 1 },
		"repeated":   func(r *loadtest.Result) { r.Totals.Retransmissions = 11 },
		"late":       func(r *loadtest.Result) { r.Times.Late.P99 = tooLate },
	} {
		r := good()
		if spoil(r); clean(r) {
			t.Errorf("%s: still clean", name)
		}
	}
}

// TestFilesAreFilledIn writes every configuration and wants no placeholder left.
func TestFilesAreFilledIn(t *testing.T) {
	s := &site{dir: t.TempDir(), caller: "127.0.0.1:1", callee: "127.0.0.1:2", listen: "127.0.0.1:3"}
	names, err := fs.Glob(files, "elements/*")
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, n := range names {
		name := filepath.Base(n)
		if name == "chaos.yaml" {
			continue // written by configure, which needs the gateway
		}
		if err := s.write(name); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"LISTEN", "CALLEE", "CALLER", "MODULES"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s still holds %s", name, word)
			}
		}
	}
}

func TestScaleTable(t *testing.T) {
	text := scaleTable([]point{{what: "100 calls/s", carried: 500, failed: 1, perCall: 150 * time.Microsecond, collector: 0.0123, rss: 90 << 20}})
	if want := "| 100 calls/s | 500 | 1 | 150 us | 1.2 % | 90 MB |"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}
