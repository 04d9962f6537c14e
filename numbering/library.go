package numbering

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// lookupCache holds answers of phonenumbers, which takes microseconds and
// allocates. It is direct-mapped: bounded, without locks, and a lost race costs
// one more lookup.
type lookupCache struct {
	slots [1 << 12]atomic.Pointer[lookupEntry]
}

type lookupEntry struct{ dial, number Number }

var lookupSeed = maphash.MakeSeed()

// lookup reads digits dialled in a country whose plan only phonenumbers knows.
func (p *Plan) lookup(dial []byte) Number {
	key := New(Short, dial)
	if key == 0 {
		return p.ask(dial) // "00" and fifteen digits are longer than a Number
	}
	slot := &p.lookups.slots[maphash.Comparable(lookupSeed, key)%uint64(len(p.lookups.slots))]
	if e := slot.Load(); e != nil && e.dial == key {
		return e.number
	}
	n := p.ask(dial)
	slot.Store(&lookupEntry{key, n})
	return n
}

func (p *Plan) ask(dial []byte) Number {
	parsed, err := phonenumbers.Parse(string(dial), p.country)
	if err != nil || !phonenumbers.IsValidNumber(parsed) {
		return New(Short, dial)
	}
	return fromE164(phonenumbers.Format(parsed, phonenumbers.E164))
}

func fromE164(s string) Number {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok {
		return 0
	}
	return New(International, []byte(digits))
}

// ParseText reads a number as people write it, in a form, a file or an address:
// "070 555 01 99", "+31 (0)70-5550199", "tel:+31705550199". Zero: no number.
func (p *Plan) ParseText(text string) Number {
	text = strings.TrimSpace(text)
	form := Phone
	switch scheme, rest, _ := strings.Cut(text, ":"); strings.ToLower(scheme) {
	case "tel":
		text, form = rest, Tel
	case "sip", "sips":
		text, _, _ = strings.Cut(rest, "@")
	}
	if n := p.Parse([]byte(text), form); n != 0 {
		return n
	}
	// phonenumbers would read letters as keys and pass over codes: neither a
	// typing error nor a code may become a number.
	if strings.ContainsFunc(text, func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' || r == '*' || r == '#' }) {
		return 0
	}
	parsed, err := phonenumbers.Parse(text, p.country)
	if err != nil || !phonenumbers.IsPossibleNumber(parsed) {
		return 0
	}
	return fromE164(phonenumbers.Format(parsed, phonenumbers.E164))
}

func (p *Plan) parsed(n Number) *phonenumbers.PhoneNumber {
	if n.Kind() != International {
		return nil
	}
	parsed, err := phonenumbers.Parse(n.E164(), p.country)
	if err != nil {
		return nil
	}
	return parsed
}

// Possible tells whether an international number has a length that its country
// uses; a short number is possible when the plan knows it. Slow, not for calls.
func (p *Plan) Possible(n Number) bool {
	if n.Kind() == Short {
		return p.isShort(n.Append(nil))
	}
	if p.dutch && p.IsHome(n) {
		return dutchPossible(p.NSN(n, nil))
	}
	parsed := p.parsed(n)
	return parsed != nil && phonenumbers.IsPossibleNumber(parsed)
}

// Valid tells whether the number lies in a range that is in use. Slow, not for
// calls, and new ranges are in use before a library knows them.
func (p *Plan) Valid(n Number) bool {
	if n.Kind() == Short {
		return p.isShort(n.Append(nil))
	}
	parsed := p.parsed(n)
	return parsed != nil && phonenumbers.IsValidNumber(parsed)
}

// Format is the number as it is printed in letters: "+31 70 555 0199". By name
// only: never for a log line. Slow, not for calls.
func (p *Plan) Format(n Number) string {
	parsed := p.parsed(n)
	if parsed == nil {
		return n.E164()
	}
	return phonenumbers.Format(parsed, phonenumbers.INTERNATIONAL)
}
