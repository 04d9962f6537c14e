package oracle

import (
	"bytes"
	"encoding/binary"
)

// needles is a set of byte strings searched for in one pass: each window of eight
// bytes is hashed into a small filter, and only where that says so compared.
type needles struct {
	filter [filterBits / 64]uint64
	all    []needle // each at least window bytes
	short  []needle // shorter ones, each searched for on its own
}

const (
	window     = 8
	filterBits = 1024
)

func newNeedles(list []needle) *needles {
	n := new(needles)
	for _, one := range list {
		if len(one.bytes) < window {
			n.short = append(n.short, one)
			continue
		}
		n.all = append(n.all, one)
		h := hash(binary.LittleEndian.Uint64(one.bytes))
		n.filter[h/64] |= 1 << (h % 64)
	}
	return n
}

// hash maps a window to a bit of the filter.
func hash(w uint64) uint64 { return w * 0x9E3779B97F4A7C15 >> (64 - 10) }

// in says what of the set b holds, "" for nothing.
func (n *needles) in(b []byte) string {
	for i := 0; i+window <= len(b); i++ {
		h := hash(binary.LittleEndian.Uint64(b[i:]))
		if n.filter[h/64]>>(h%64)&1 == 0 {
			continue
		}
		for k := range n.all {
			if bytes.HasPrefix(b[i:], n.all[k].bytes) {
				return n.all[k].what
			}
		}
	}
	for k := range n.short {
		if bytes.Contains(b, n.short[k].bytes) {
			return n.short[k].what
		}
	}
	return ""
}
