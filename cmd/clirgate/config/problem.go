package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong, where it is, and how to mend it. It never holds a
// telephone number.
type Problem struct {
	File         string
	Line, Column int  // from 1; 0: not known
	Warning      bool // the gateway runs all the same
	Key          string
	What, Mend   string
}

// String is file:line:column, then what is wrong and how to mend it.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.What)
	if p.Mend != "" {
		b.WriteString("; " + p.Mend)
	}
	return b.String()
}

// Problems are all that is wrong with one file, in the order of its lines. As an error
// it says them all.
type Problems []Problem

// Error is one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Fatal are those that are more than warnings.
func (ps Problems) Fatal() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Warning })
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}
