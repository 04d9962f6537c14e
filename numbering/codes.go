package numbering

import (
	"fmt"
	"slices"
	"strings"
)

// effect is what a dial code asks for.
type effect uint8

const (
	effectNone effect = iota // taken off, asks for nothing
	effectWithhold
	effectPresent
	effectMark
)

type code struct {
	text   string
	effect effect
	digits bool // digits only, so it may as well be the head of a number
}

// CodeSet is the dial codes that count on one access, longest first. It is
// immutable. A nil *CodeSet means that codes do not count (interconnect).
type CodeSet struct{ codes []code }

// maxCode bounds the characters of one code.
const maxCode = 8

// NewCodeSet makes the set of codes that withhold and that present the caller's
// number (STANDARDS 0.3). Codes are spelled with digits, "*" and "#".
//
// A known code that is in neither list keeps to the safe side: "*31*" and
// "#31#" withhold, "*31#" is taken off and asks for nothing. So no code reaches
// the called side only because an access forgot to list it.
//
// A code of mark, dialled alone, marks the last call as malicious (TS 24.616); in front of
// a number it is taken off and asks for nothing.
func NewCodeSet(withhold, present []string, mark ...string) (*CodeSet, error) {
	s := &CodeSet{}
	for _, list := range []struct {
		name   string
		codes  []string
		effect effect
	}{{"withhold", withhold, effectWithhold}, {"present", present, effectPresent}, {"mark", mark, effectMark}} {
		for _, text := range list.codes {
			if list.effect == effectMark && !strings.ContainsAny(text, "*#") {
				return nil, fmt.Errorf("codes, %s: code %q: it is dialled alone, so it must hold * or #", list.name, text)
			}
			if err := s.add(text, list.effect); err != nil {
				return nil, fmt.Errorf("codes, %s: %w", list.name, err)
			}
		}
	}
	for _, known := range []code{{text: "*31*", effect: effectWithhold}, {text: "#31#", effect: effectWithhold}, {text: "*31#"}} {
		if !s.has(known.text) {
			s.codes = append(s.codes, known)
		}
	}
	slices.SortStableFunc(s.codes, func(a, b code) int { return len(b.text) - len(a.text) })
	return s, nil
}

func (s *CodeSet) add(text string, e effect) error {
	if text == "" || len(text) > maxCode {
		return fmt.Errorf("code %q: 1 to %d characters", text, maxCode)
	}
	digits := true
	for _, c := range []byte(text) {
		if !isDigit(c) && c != '*' && c != '#' {
			return fmt.Errorf("code %q: only digits, * and #", text)
		}
		digits = digits && isDigit(c)
	}
	if digits && text[0] == '0' {
		return fmt.Errorf("code %q: a code of digits cannot begin with 0, every national number does", text)
	}
	if s.has(text) {
		return fmt.Errorf("code %q: listed twice", text)
	}
	s.codes = append(s.codes, code{text, e, digits})
	return nil
}

func (s *CodeSet) has(text string) bool {
	return slices.ContainsFunc(s.codes, func(c code) bool { return c.text == text })
}

func mustCodes(withhold, present []string) *CodeSet {
	s, err := NewCodeSet(withhold, present)
	if err != nil {
		panic(err) // constant lists of this file
	}
	return s
}

// DefaultCodes is the set of every Dutch access that lists none of its own
// (STANDARDS 0.3): *31*, 131 and #31# withhold, *31# presents.
func DefaultCodes() *CodeSet {
	return mustCodes([]string{"*31*", "131", "#31#"}, []string{"*31#"})
}

// FixedCodes is a fixed line's set: *31* and 131 withhold.
func FixedCodes() *CodeSet { return mustCodes([]string{"*31*", "131"}, nil) }

// MobileCodes is a mobile line's set: #31# withholds, *31# presents (TS 22.030
// Annex B).
func MobileCodes() *CodeSet { return mustCodes([]string{"#31#"}, []string{"*31#"}) }

// front is the code that dial begins with, or nil. all says that dial is the
// whole of a user part made of dial characters.
func (s *CodeSet) front(p *Plan, dial []byte, all bool) *code {
	if s == nil {
		return nil
	}
	for i := range s.codes {
		c := &s.codes[i]
		if len(dial) < len(c.text) || string(dial[:len(c.text)]) != c.text {
			continue
		}
		// STANDARDS 4.4 step 2: 131 is a code only in front of something that
		// can be dialled, else 1 312 555 0100 would lose its head.
		if !c.digits || all && p.dialable(s, dial[len(c.text):]) {
			return c
		}
	}
	return nil
}

// dialable tells whether dial can be dialled in the home country: a national or
// international number, a known short number, or either behind another code or
// a carrier prefix.
func (p *Plan) dialable(s *CodeSet, dial []byte) bool {
	switch {
	case len(dial) == 0:
		return false
	case dial[0] == '0' || dial[0] == '+':
		return true
	case p.isShort(dial) || p.emergencyDial(dial):
		return true
	case s.front(p, dial, true) != nil:
		return true
	}
	return p.carrier(s, dial) != 0
}
