package pebble

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// fill puts entries into a batch, each record with its search keys, and the new counts
// of the days they are of.
func (e *engine) fill(b *pebble.Batch, batch []trace.Entry) error {
	var k [maxKeyLen]byte
	e.countMu.Lock()
	defer e.countMu.Unlock()
	var touched shelf // nearly always one
	var added uint64
	for _, entry := range batch {
		if err := b.Set(appendKey(k[:0], entry), entry.Value, nil); err != nil {
			return err
		}
		if entry.Kind() != 0 {
			continue
		}
		if at := (shelf{entry.Service(), entry.ID.Day()}); at != touched {
			if err := e.add(b, touched, added); err != nil {
				return err
			}
			touched, added = at, 0
		}
		added++
		for f := range entry.Filed() {
			key := append(appendFiled(k[:0], f), entry.ID[:]...)
			if err := b.Set(key, nil, nil); err != nil {
				return err
			}
		}
	}
	return e.add(b, touched, added)
}

// add counts records of a shelf. A batch that is repeated because the disk failed counts
// twice.
func (e *engine) add(b *pebble.Batch, at shelf, n uint64) error {
	if n == 0 {
		return nil
	}
	e.counts[at] += n
	var v [8]byte
	binary.BigEndian.PutUint64(v[:], e.counts[at])
	var k [maxKeyLen]byte
	return b.Set(appendShelf(k[:0], prefixCount, at), v[:], nil)
}

// loadCounts reads how many records each shelf has.
func loadCounts(db *pebble.DB) (counts map[shelf]uint64, err error) {
	counts = make(map[shelf]uint64)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixCount}, UpperBound: []byte{prefixCount + 1}})
	if err != nil {
		return nil, fmt.Errorf("records: cannot read counts: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		k, v := it.Key(), it.Value()
		if len(k) == 6 && len(v) == 8 {
			at := shelf{trace.Service(k[1]), trace.Day(binary.BigEndian.Uint32(k[2:]))}
			counts[at] = binary.BigEndian.Uint64(v)
		}
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("records: cannot read counts: %w", err)
	}
	return counts, nil
}
