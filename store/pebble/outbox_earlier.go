package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
	"clirgate/trace/outbox"
)

// A database that was the whole record store becomes an outbox the first time it is opened
// as one. What it holds then goes into the log piece by piece, as an epoch of its own,
// while calls go on: see LogEarlier.

// earlierKey holds the epoch of what was there before, where that ends, the number of its
// last piece in the log, and the key of the last entry in it; nothing after the epoch when
// all of it is there.
var earlierKey = []byte{'b'}

// earlierPiece is how many entries a batch of it has.
const earlierPiece = 1000

type earlier struct {
	epoch          outbox.Epoch
	end            trace.ID // first ID that is not of it
	seq            uint64
	entries, bytes uint64
	last           []byte // key
}

const earlierLen = 2*idLen + 3*8

func (r *earlier) encode() []byte {
	b := append(append([]byte(nil), r.epoch[:]...), r.end[:]...)
	for _, n := range []uint64{r.seq, r.entries, r.bytes} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return append(b, r.last...)
}

// isOutbox tells whether the database is an outbox already. Then it stays one: what is
// appended while there is no shared store must reach one that comes back.
func isOutbox(db *pebble.DB) bool {
	_, closer, err := db.Get(earlierKey)
	return err == nil && closer.Close() == nil
}

// openLog begins an epoch; the first one also notes what is there already.
func openLog(db *pebble.DB, now time.Time) (*outboxLog, error) {
	l := &outboxLog{epoch: trace.NewID(now), now: time.Now}
	_, closer, err := db.Get(earlierKey)
	if err == nil {
		return l, closer.Close()
	}
	if !errors.Is(err, pebble.ErrNotFound) {
		return nil, fmt.Errorf("records: cannot read the outbox: %w", err)
	}
	end, err := endOf(db, now)
	if err != nil {
		return nil, err
	}
	r := earlier{epoch: trace.NewID(time.UnixMilli(0)), end: end}
	if err := db.Set(earlierKey, r.encode(), pebble.Sync); err != nil {
		return nil, fmt.Errorf("records: cannot begin an outbox: %w", err)
	}
	return l, nil
}

// endOf is the first ID that nothing in the database has: of now, unless the clock went back.
func endOf(db *pebble.DB, now time.Time) (trace.ID, error) {
	end := trace.FirstID(now)
	for _, s := range trace.Services {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRecord, byte(s)}, UpperBound: []byte{prefixRecord, byte(s) + 1}})
		if err != nil {
			return end, fmt.Errorf("records: cannot read: %w", err)
		}
		if it.Last() && len(it.Key()) == recordLen {
			id := trace.ID(it.Key()[recordLen-tailLen:])
			if bytes.Compare(id[:], end[:]) >= 0 {
				end = trace.FirstID(id.Time().Add(time.Millisecond))
			}
		}
		if err := it.Close(); err != nil {
			return end, fmt.Errorf("records: cannot read on: %w", err)
		}
	}
	return end, nil
}

// LogEarlier puts the next piece of what the database held before it became an outbox into
// the log; more false: all of it is there.
func (s *Store) LogEarlier() (more bool, err error) {
	return reading(s, func(e *engine) (bool, error) {
		r, err := e.earlier()
		if err != nil || r == nil {
			return false, err
		}
		var more bool
		e.pending.settling.Lock() // as everybody who writes
		defer e.pending.settling.Unlock()
		err = e.survive(func() error { more, err = e.logEarlier(r); return err })
		return more, err
	})
}

// earlier is how far it is; nil: done.
func (e *engine) earlier() (*earlier, error) {
	v, closer, err := e.r.Get(earlierKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("records: cannot read the outbox: %w", err)
	}
	defer closer.Close()
	if len(v) < earlierLen {
		return nil, nil
	}
	r := &earlier{epoch: outbox.Epoch(v), end: trace.ID(v[idLen:]), last: bytes.Clone(v[earlierLen:])}
	for i, n := range []*uint64{&r.seq, &r.entries, &r.bytes} {
		*n = binary.BigEndian.Uint64(v[2*idLen+8*i:])
	}
	return r, nil
}

// logEarlier goes over the keys of records and updates in their order.
func (e *engine) logEarlier(r *earlier) (more bool, err error) {
	lower := []byte{prefixRecord}
	if len(r.last) > 0 {
		lower = append(r.last, 0)
	}
	it, err := e.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: []byte{prefixUpdate + 1}})
	if err != nil {
		return false, fmt.Errorf("records: cannot read: %w", err)
	}
	var refs []byte
	for ok := it.First(); ok && len(refs) < earlierPiece*refLen; ok = it.Next() {
		k := it.Key()
		r.last = append(r.last[:0], k...)
		var service byte
		switch {
		case k[0] == prefixRecord && len(k) == recordLen:
			service = k[1]
		case k[0] == prefixUpdate && len(k) == updateLen:
		default:
			continue
		}
		id := trace.ID(k[len(k)-tailLen:])
		if bytes.Compare(id[:], r.end[:]) >= 0 { // it came later, and is in the log of its own epoch
			continue
		}
		refs = append(append(refs, id[:]...), k[len(k)-1], service)
		r.entries++
		r.bytes += uint64(len(it.Value()))
	}
	if err := it.Close(); err != nil {
		return false, fmt.Errorf("records: cannot read on: %w", err)
	}
	b := e.db.NewBatch()
	state := r.epoch[:]
	if len(refs) > 0 {
		r.seq++
		if err := b.Set(logKey(r.epoch, r.seq), append(appendLogHead(nil, r.entries, r.bytes, e.log.now()), refs...), nil); err != nil {
			return false, err
		}
		state = r.encode()
	}
	if err := b.Set(earlierKey, state, nil); err != nil {
		return false, err
	}
	return len(refs) > 0, b.Commit(pebble.Sync)
}
