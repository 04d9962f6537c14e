package loadtest

import (
	"bytes"

	"clirgate/loadtest/oracle"
)

// callName is which call of which slot a caller's identifier belongs to. It is written
// as letters behind the oracle's marker, in Call-ID, tag, branch and Contact alike, so
// that an answer finds its call even when one of them was not restored.
type callName struct {
	slot uint32
	gen  uint32 // calls of this slot so far
}

const nameLetters = 10 // five for the slot, five for the generation

// appendName writes the marker and the name.
func appendName(b []byte, n callName) []byte {
	b = append(b, oracle.Marker...)
	b = appendLetters(b, n.slot)
	return appendLetters(b, n.gen)
}

func appendLetters(b []byte, v uint32) []byte {
	return append(b, 'a'+byte(v>>16&15), 'a'+byte(v>>12&15), 'a'+byte(v>>8&15), 'a'+byte(v>>4&15), 'a'+byte(v&15))
}

var marker = []byte(oracle.Marker)

// readName finds a name in b, and what follows it.
func readName(b []byte) (n callName, rest []byte, ok bool) {
	i := bytes.Index(b, marker)
	if i < 0 || len(b) < i+len(marker)+nameLetters {
		return n, nil, false
	}
	b = b[i+len(marker):]
	for k := range nameLetters {
		c := b[k] - 'a'
		if c > 15 {
			return n, nil, false
		}
		if k < nameLetters/2 {
			n.slot = n.slot<<4 | uint32(c)
		} else {
			n.gen = n.gen<<4 | uint32(c)
		}
	}
	return n, b[nameLetters:], true
}

// genMask keeps a generation within its letters.
const genMask = 1<<20 - 1

// lineAfter is what stands in b between start and the end of that line.
func lineAfter(b []byte, start string) []byte {
	i := bytes.Index(b, []byte(start))
	if i < 0 {
		return nil
	}
	b = b[i+len(start):]
	if end := bytes.IndexAny(b, "\r\n"); end >= 0 {
		b = b[:end]
	}
	return b
}
