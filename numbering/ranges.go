package numbering

import (
	"cmp"
	"fmt"
	"slices"
)

// Ranges is a set of number ranges, each an E.164 prefix: "+3161234" holds all
// numbers that begin with it, as 10.0.0.0/8 holds addresses. It is immutable;
// the zero Ranges holds nothing.
type Ranges struct{ list []numberRange }

// numberRange is one prefix as an interval of left-aligned 15-digit values.
type numberRange struct {
	from, to uint64
	digits   int
}

var pow10 = func() (p [maxDigits + 1]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// NewRanges makes Ranges of prefixes, each "+" and 1 to 15 digits.
func NewRanges(prefixes []string) (Ranges, error) {
	var r Ranges
	for i, text := range prefixes {
		n := fromE164(text)
		if n == 0 {
			return Ranges{}, fmt.Errorf("number range %d of %d: must be + and 1 to %d digits", i+1, len(prefixes), maxDigits)
		}
		from := n.aligned()
		r.list = append(r.list, numberRange{from, from + pow10[maxDigits-n.Len()], n.Len()})
	}
	slices.SortFunc(r.list, func(a, b numberRange) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.digits, b.digits))
	})
	// A range inside another adds nothing; what is left is disjoint.
	last := uint64(0)
	r.list = slices.DeleteFunc(r.list, func(x numberRange) bool {
		inside := x.from < last
		last = max(last, x.to)
		return inside
	})
	return r, nil
}

// aligned is the digits as the first of fifteen.
func (n Number) aligned() uint64 { return uint64(n) & valueMask * pow10[maxDigits-n.Len()] }

// Contains tells whether an international number lies in one of the ranges.
func (r Ranges) Contains(n Number) bool {
	if n.Kind() != International {
		return false
	}
	v := n.aligned()
	lo, hi := 0, len(r.list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if r.list[mid].to <= v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(r.list) && r.list[lo].from <= v && r.list[lo].digits <= n.Len()
}

// Empty tells whether no range was given.
func (r Ranges) Empty() bool { return len(r.list) == 0 }
