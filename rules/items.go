package rules

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// The items of a batch are stored packed: with millions of rows, JSON would cost
// more than the rows do. A version byte, their count, then for each, in the order
// of their numbers: the key's distance to the one before, and both halves. A half
// is a byte of flags and what they announce. Integers are unsigned varints. Version 1,
// read still, had services in a byte.

const itemsVersion = 2

const (
	flagExists = 1 << iota
	flagNote
	flagUntil
	flagThen
	flagThenNote
)

// SortItems puts items into the order of their numbers: a Number with more digits
// is the greater one, as its Key is.
func SortItems(items []Item) {
	slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(a.Number, b.Number) })
}

// PackItems packs items that are in order.
func PackItems(items []Item) []byte {
	b := binary.AppendUvarint([]byte{itemsVersion}, uint64(len(items)))
	last := int64(0)
	for i := range items {
		key, _ := Key(items[i].Number) // stores have checked it
		b = binary.AppendUvarint(b, uint64(key-last))
		last = key
		b = appendHalf(appendHalf(b, items[i].Before), items[i].After)
	}
	return b
}

func appendHalf(b []byte, s *Subscriber) []byte {
	if s == nil {
		return append(b, 0)
	}
	flags := byte(flagExists)
	for _, f := range []struct {
		set bool
		bit byte
	}{{s.Note != "", flagNote}, {!s.Until.IsZero(), flagUntil}, {s.Then.Exists, flagThen}, {s.Then.Note != "", flagThenNote}} {
		if f.set {
			flags |= f.bit
		}
	}
	b = binary.AppendUvarint(append(b, flags), uint64(s.Services()))
	if flags&flagUntil != 0 {
		b = binary.AppendUvarint(b, uint64(s.Until.Unix()))
	}
	if flags&flagNote != 0 {
		b = appendText(b, s.Note)
	}
	if flags&flagThen != 0 {
		b = binary.AppendUvarint(b, uint64(s.Then.Services))
	}
	if flags&flagThenNote != 0 {
		b = appendText(b, s.Then.Note)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errItems = errors.New("rules: the stored items of a batch cannot be read")

// UnpackItems is the inverse of PackItems.
func UnpackItems(b []byte) ([]Item, error) {
	r := itemReader{b: b}
	if r.version = r.byte(); r.version < 1 || r.version > itemsVersion {
		return nil, errItems
	}
	count, key := r.uint(), uint64(0)
	if r.bad || count > uint64(len(b)) { // an item takes more than a byte
		return nil, errItems
	}
	items := make([]Item, 0, count)
	for range count {
		key += r.uint()
		item := Item{Number: KeyNumber(int64(key))}
		item.Before = r.half(item)
		item.After = r.half(item)
		if r.bad || item.Number == 0 {
			return nil, errItems
		}
		items = append(items, item)
	}
	if len(r.b) != 0 {
		return nil, errItems
	}
	return items, nil
}

// itemReader takes from b; bad once b was too short.
type itemReader struct {
	b       []byte
	bad     bool
	version byte
}

func (r *itemReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *itemReader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *itemReader) text() string {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *itemReader) services() Services {
	if r.version == 1 {
		return Services(r.byte())
	}
	v := r.uint()
	r.bad = r.bad || v >= 1<<ServiceBits
	return Services(v)
}

func (r *itemReader) half(i Item) *Subscriber {
	flags := r.byte()
	if flags&flagExists == 0 {
		return nil
	}
	s := r.services().Subscriber(i.Number)
	if flags&flagUntil != 0 {
		s.Until = time.Unix(int64(r.uint()), 0).UTC()
	}
	if flags&flagNote != 0 {
		s.Note = r.text()
	}
	if flags&flagThen != 0 {
		s.Then = Standing{Exists: true, Services: r.services()}
	}
	if flags&flagThenNote != 0 {
		s.Then.Note = r.text()
	}
	return &s
}
