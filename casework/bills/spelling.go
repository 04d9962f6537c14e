package bills

import (
	"bytes"
	"strings"
	"time"

	"clirgate/numbering"
)

// group is a run of digits in a field; plus: a "+" stands before it.
type group struct {
	start, end int
	plus       bool
	joined     bool // only separators stand between it and the group before
}

const (
	maxGroups = 64 // of one field that are looked at
	maxDigits = 22 // of one number: codes, carrier, 00 and 15
	minDigits = 3
	maskedEnd = 4
)

// mask writes "*" over the last four digits of every number in a field that is wanted,
// and answers those numbers. A number is any sequence of groups of digits that, put
// together, is one: so separators, brackets, codes before it and text around it do not
// hide it.
func (s *shielding) mask(field []byte, found []numbering.Number, wanted func(numbering.Number) bool, write bool) []numbering.Number {
	var list [maxGroups]group
	groups := split(field, list[:0])
	for i := 0; i < len(groups); i++ {
		for j := longest(groups, i); j > i; j-- {
			n := s.read(field, groups[i:j])
			if n == 0 {
				continue
			}
			if wanted(n) {
				found = append(found, n)
				if write {
					maskGroups(field, groups[i:j])
				}
			} else if !groups[i].plus {
				continue
			}
			i = j - 1 // behind a "+" nothing but that number begins
			break
		}
	}
	return found
}

// split finds the groups of digits in a field.
func split(field []byte, groups []group) []group {
	gap := 0 // where the gap before the next group began
	for i := 0; i < len(field) && len(groups) < maxGroups; i++ {
		if !digit(field[i]) {
			continue
		}
		g := group{start: i, plus: plusBefore(field, i), joined: len(groups) > 0 && separators(field[gap:i])}
		for i < len(field) && digit(field[i]) {
			i++
		}
		g.end, gap = i, i
		groups = append(groups, g)
	}
	return groups
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func plusBefore(field []byte, i int) bool {
	for i--; i >= 0 && (field[i] == ' ' || field[i] == '('); i-- {
	}
	return i >= 0 && field[i] == '+'
}

// separators tells whether only what people put between digits stands in a gap: no-break
// spaces and dashes of Unicode (C2 A0, E2 80 xx) too.
func separators(gap []byte) bool {
	for _, c := range gap {
		if strings.IndexByte(between, c) < 0 {
			return false
		}
	}
	return true
}

const between = " -./()'\t\xc2\xa0\xe2\x80\xaf\x90\x91\x92\x93\x94"

// longest is behind the last group that may belong to the number that begins with i.
func longest(groups []group, i int) int {
	digits := 0
	for j := i; j < len(groups); j++ {
		if j > i && (!groups[j].joined || groups[j].plus) {
			return j
		}
		if digits += groups[j].end - groups[j].start; digits > maxDigits {
			return j
		}
	}
	return len(groups)
}

// read is the number that groups make; zero: none.
func (s *shielding) read(field []byte, groups []group) numbering.Number {
	s.digits = s.digits[:0]
	if groups[0].plus {
		s.digits = append(s.digits, '+')
	}
	for _, g := range groups {
		s.digits = append(s.digits, field[g.start:g.end]...)
	}
	if len(s.digits) < minDigits {
		return 0
	}
	return s.o.Plan.Dialled(s.digits, codes, numbering.Phone|numbering.BareCountry).Number
}

var codes = numbering.DefaultCodes()

// maskGroups masks the last four digits of a number.
func maskGroups(field []byte, groups []group) {
	left := maskedEnd
	for k := len(groups) - 1; k >= 0 && left > 0; k-- {
		for i := groups[k].end - 1; i >= groups[k].start && left > 0; i-- {
			field[i] = '*'
			left--
		}
	}
}

// layouts are how dates of calls are written: day before month.
var layouts = []string{
	"2006-01-02", "02-01-2006", "02/01/2006", "02.01.2006", "20060102", "2-1-2006", "2/1/2006", "2006/01/02",
}

// readDate reads the date at the front of a field; NoDate: it cannot.
func readDate(field []byte) Date {
	field = bytes.Trim(field, "\" \t\r\n")
	if i := bytes.IndexAny(field, "T \t"); i > 0 {
		field = field[:i]
	}
	if len(field) > 8 && len(bytes.Trim(field, "0123456789")) == 0 { // 20061230235959
		field = field[:8]
	}
	for _, layout := range layouts {
		if len(layout) != len(field) && len(layout) != len("2-1-2006") {
			continue
		}
		if t, err := time.Parse(layout, string(field)); err == nil {
			return DateOf(t)
		}
	}
	return NoDate
}
