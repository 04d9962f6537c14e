package report

import (
	"fmt"
	"io"
	"os"
	"strings"

	"clirgate/loadtest"
)

// Live shows a run as it goes: a few lines redrawn on a terminal, one line a second
// elsewhere.
type Live struct {
	w        io.Writer
	terminal bool
	drawn    int // lines on the screen
	quiet    int // seconds without a line
}

// quietTime is how many seconds without events go without a line.
const quietTime = 10

// NewLive writes to f.
func NewLive(f *os.File) *Live {
	info, err := f.Stat()
	return &Live{w: f, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// Show is called with every sample.
func (l *Live) Show(s loadtest.Sample) {
	if !l.terminal {
		if l.quiet++; s.Offered+s.Carried+s.Failed == 0 && l.quiet < quietTime {
			return
		}
		l.quiet = 0
		fmt.Fprintln(l.w, line(s))
		return
	}
	if l.drawn > 0 {
		fmt.Fprintf(l.w, "\x1b[%dA", l.drawn)
	}
	rows := rows(s)
	for _, r := range rows {
		fmt.Fprintf(l.w, "\x1b[2K%s\n", r)
	}
	l.drawn = len(rows)
}

func line(s loadtest.Sample) string {
	return fmt.Sprintf("%4.0f s  %6d/s offered  %6d/s carried  %5d failed  %6d in flight  delay p50 %s p99 %s  answer p99 %s  leaks %d  missing %d%s",
		s.At.Seconds(), s.Offered, s.Carried, s.Totals.Failed, s.Flight, us(s.Times.Forward.P50), us(s.Times.Forward.P99),
		us(s.Times.Answer.P99), s.Totals.Leaks, s.Totals.Missing, cpu(s))
}

func cpu(s loadtest.Sample) string {
	if s.Usage.RSS == 0 {
		return ""
	}
	return fmt.Sprintf("  cpu %.0f %%  rss %.0f MB", 100*s.Usage.CPU.Seconds(), mb(s.Usage.RSS))
}

func rows(s loadtest.Sample) []string {
	t := &s.Totals
	return []string{
		fmt.Sprintf("%-12s %8.0f s", "time", s.At.Seconds()),
		fmt.Sprintf("%-12s %8d/s  carried %d/s %s", "offered", s.Offered, s.Carried, bar(s.Carried, max(s.Offered, 1))),
		fmt.Sprintf("%-12s %8d    failed %d of %d", "in flight", s.Flight, t.Failed, t.Offered),
		fmt.Sprintf("%-12s p50 %s  p99 %s  max %s", "delay", us(s.Times.Forward.P50), us(s.Times.Forward.P99), us(s.Times.Forward.Max)),
		fmt.Sprintf("%-12s p50 %s  p99 %s  max %s", "answer time", us(s.Times.Answer.P50), us(s.Times.Answer.P99), us(s.Times.Answer.Max)),
		fmt.Sprintf("%-12s leaks %d  missing %d  not restored %d  form %d", "oracle", t.Leaks, t.Missing, t.Unrestored, t.Form),
		fmt.Sprintf("%-12s retransmissions %d  strays %d  not understood %d%s", "wire", t.Retransmissions, t.Strays, t.NoSIP, cpu(s)),
	}
}

const barWidth = 30

func bar(part, whole int64) string {
	n := int(min(part*barWidth/whole, barWidth))
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", barWidth-n) + "]"
}
