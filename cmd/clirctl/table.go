package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// table prints columns for people; nothing when JSON was printed.
func (s *session) table(head string, rows ...[]string) {
	if s.JSON {
		return
	}
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	if head != "" {
		fmt.Fprintln(w, head)
	}
	for _, r := range rows {
		for i := range r {
			if r[i] == "" {
				r[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	_ = w.Flush() // to a reader that has gone there is nothing to say
}

func (s *session) say(format string, args ...any) {
	if !s.JSON {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func until(t *time.Time) string {
	if t == nil {
		return "for good"
	}
	return clock(*t)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}
