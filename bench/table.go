package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
)

// tables prints what was measured, and the figures to reach.
func tables(elements []*element, results map[string]*measured, p plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, %d CPUs, %s; %d rounds of %v, calls withheld by *31*, medians\n\n", machine(), runtime.NumCPU(), runtime.Version(), p.rounds, p.length)
	fmt.Fprintf(&b, "| element | CPU a call (clirload) | CPU a call (SIPp) | delay p50 | delay p99 at %d/s | highest rate | leaks a call | failed | memory |\n", delayRate)
	fmt.Fprintf(&b, "|---|---|---|---|---|---|---|---|---|\n")
	for _, e := range elements {
		m := results[e.name]
		if m.missing != "" {
			fmt.Fprintf(&b, "| %s (%s) | %s |\n", e.name, e.note, m.missing)
			continue
		}
		fmt.Fprintf(&b, "| %s (%s) | %s | %s | %s | %s | %s | %.2f | %d | %.0f MB |\n", e.name, e.note, us(m.cost), us(m.sipp), ms(m.p50), ms(m.p99),
			rate(m), float64(m.leaks)/float64(max(m.calls, 1)), m.failed, float64(m.rss)/(1<<20))
	}
	b.WriteString(figures(results))
	return b.String()
}

// figures are those of DESIGN 8 that this bench can tell.
func figures(results map[string]*measured) string {
	g := results["clirgate"]
	if g == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n| figure | wanted | measured | |\n|---|---|---|---|\n")
	line := func(what, wanted, got string, ok bool) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", what, wanted, got, map[bool]string{true: "met", false: "NOT MET"}[ok])
	}
	ratio := func(what, peer string, limit float64, of func(*measured) float64) {
		p := results[peer]
		if p == nil || p.missing != "" || of(p) == 0 || of(g) == 0 {
			return
		}
		got := of(g) / of(p)
		line(what, fmt.Sprintf("at most %.2f x", limit), fmt.Sprintf("%.2f x", got), got <= limit)
	}
	cost := func(m *measured) float64 { return median(m.cost) }
	sipp := func(m *measured) float64 { return median(m.sipp) }
	for _, c := range []struct {
		peer  string
		limit float64
	}{{"kamailio", 0.25}, {"kamailio-relay", 0.5}, {"udp-relay", 2}} {
		ratio("CPU a call against "+c.peer+", clirload", c.peer, c.limit, cost)
		ratio("CPU a call against "+c.peer+", SIPp", c.peer, c.limit, sipp)
	}
	if k := results["kamailio"]; k != nil && k.rate > 0 && g.rate > 0 {
		line("highest rate against kamailio", "at least 2 x", fmt.Sprintf("%.2f x", g.rate/k.rate), g.rate >= 2*k.rate)
	}
	if len(g.p99) > 0 {
		line(fmt.Sprintf("delay added at %d/s, p99", delayRate), "at most 5 ms", ms(g.p99), median(g.p99) <= 5000)
	}
	line("identity leaks", "0", fmt.Sprint(g.leaks), g.leaks == 0)
	line("identity missing, dialogs not restored", "0", fmt.Sprint(g.noneSeen), g.noneSeen == 0)
	return b.String()
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	return s[len(s)/2]
}

func us(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f us", median(v))
}

func ms(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f ms", median(v)/1000)
}

func rate(m *measured) string {
	if m.rate == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f/s (%.0f us a call)", m.rate, m.perCall)
}

// machine names the processor.
func machine() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(b), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}
