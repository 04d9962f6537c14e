package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
	"clirgate/trace/outbox"
)

// The log of an outbox holds, for every batch appended, which entries it had; not their
// values, which are there anyway. Its key is epoch and number, so that batches are in
// order; its value is
//
//	how many entries and how many bytes of them the epoch has had, this batch included
//	when it was appended (unix milliseconds)
//	for each entry its ID, kind and service
const (
	prefixLog = 'o'

	logKeyLen  = 1 + len(outbox.Epoch{}) + 8
	logHeadLen = 8 + 8 + 8
	refLen     = idLen + 2
)

var _ outbox.Source = (*Store)(nil)

// outboxLog is the log of one opening of the database: its epoch. A nil one does nothing.
// add and added are of whoever settles.
type outboxLog struct {
	epoch          outbox.Epoch
	entries, bytes uint64
	now            func() time.Time
	seq            atomic.Uint64
	more           uint64 // batches put into it since added
	value          []byte
}

// add puts what a batch holds into it; several may be added before they are down.
func (l *outboxLog) add(b *pebble.Batch, batch []trace.Entry) error {
	if l == nil {
		return nil
	}
	var size uint64
	for _, e := range batch {
		size += uint64(len(e.Value))
	}
	l.entries, l.bytes, l.more = l.entries+uint64(len(batch)), l.bytes+size, l.more+1
	v := appendLogHead(l.value[:0], l.entries, l.bytes, l.now())
	for _, e := range batch {
		v = append(append(v, e.ID[:]...), e.Kind(), byte(e.Service()))
	}
	l.value = v
	return b.Set(logKey(l.epoch, l.seq.Load()+l.more), v, nil)
}

// added notes that what was added is down.
func (l *outboxLog) added() {
	if l == nil {
		return
	}
	l.seq.Add(l.more)
	l.more = 0
}

func logKey(e outbox.Epoch, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{prefixLog}, e[:]...), seq)
}

func logSeq(key []byte) uint64 { return binary.BigEndian.Uint64(key[logKeyLen-8:]) }

func appendLogHead(dst []byte, entries, size uint64, at time.Time) []byte {
	dst = binary.BigEndian.AppendUint64(dst, entries)
	dst = binary.BigEndian.AppendUint64(dst, size)
	return binary.BigEndian.AppendUint64(dst, uint64(at.UnixMilli()))
}

// logHead is the head of a batch in the log.
type logHead struct {
	entries, bytes uint64
	at             time.Time
}

func readLogHead(v []byte) (h logHead, refs []byte, err error) {
	if len(v) < logHeadLen || (len(v)-logHeadLen)%refLen != 0 {
		return h, nil, fmt.Errorf("records: a batch of %d bytes in the outbox's log", len(v))
	}
	h.entries, h.bytes = binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])
	h.at = time.UnixMilli(int64(binary.BigEndian.Uint64(v[16:])))
	return h, v[logHeadLen:], nil
}

// reading runs f on the open database.
func reading[T any](s *Store, f func(*engine) (T, error)) (answer T, err error) {
	err = s.read(func(e *engine) error {
		answer, err = f(e)
		return err
	})
	return answer, err
}

// Epochs lists the openings whose batches are in the log, oldest first.
func (s *Store) Epochs() ([]outbox.Epoch, error) { return reading(s, (*engine).epochs) }

func (e *engine) epochs() (list []outbox.Epoch, err error) {
	it, err := e.r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixLog}, UpperBound: []byte{prefixLog + 1}})
	if err != nil {
		return nil, fmt.Errorf("records: cannot read the outbox: %w", err)
	}
	for ok := it.First(); ok; {
		epoch := outbox.Epoch(it.Key()[1:])
		list = append(list, epoch)
		ok = it.SeekGE(logKey(epoch, 1<<64-1))
	}
	return list, it.Close()
}

// Last is where the last batch appended since the opening is.
func (s *Store) Last() (epoch outbox.Epoch, seq uint64) {
	_ = s.read(func(e *engine) error { // a store that failed has none
		if e.log != nil {
			epoch, seq = e.log.epoch, e.log.seq.Load()
		}
		return nil
	})
	return epoch, seq
}

// Head is the number of the last batch of an epoch; 0: it has none in the log.
func (s *Store) Head(epoch outbox.Epoch) (uint64, error) {
	return reading(s, func(e *engine) (uint64, error) {
		if e.log != nil && e.log.epoch == epoch {
			return e.log.seq.Load(), nil
		}
		seq, _, err := e.lastLogged(epoch)
		return seq, err
	})
}

// lastLogged is the last batch of an epoch in the log.
func (e *engine) lastLogged(epoch outbox.Epoch) (seq uint64, h logHead, err error) {
	it, err := e.logFrom(epoch, 0)
	if err != nil {
		return 0, h, err
	}
	if it.Last() {
		seq = logSeq(it.Key())
		h, _, err = readLogHead(it.Value())
	}
	return seq, h, errors.Join(err, it.Close())
}

// logFrom iterates over an epoch's batches after seq.
func (e *engine) logFrom(epoch outbox.Epoch, seq uint64) (*pebble.Iterator, error) {
	it, err := e.r.NewIter(&pebble.IterOptions{LowerBound: logKey(epoch, seq+1), UpperBound: logKey(epoch, 1<<64-1)})
	if err != nil {
		return nil, fmt.Errorf("records: cannot read the outbox: %w", err)
	}
	return it, nil
}

// Batches yields an epoch's batches after seq. What it yields is in the log for good: a
// batch that power loss threw back into the journal would come again in another epoch.
func (s *Store) Batches(epoch outbox.Epoch, seq uint64, yield func(outbox.Batch) bool) error {
	return s.read(func(e *engine) (err error) {
		last, err := e.loggedForGood(epoch)
		if err != nil {
			return err
		}
		it, err := e.logFrom(epoch, seq)
		if err != nil {
			return err
		}
		for ok := it.First(); ok && logSeq(it.Key()) <= last && s.ctx.Err() == nil; ok = it.Next() {
			b, err := e.logged(it.Value())
			if err != nil {
				return errors.Join(err, it.Close())
			}
			b.Seq = logSeq(it.Key())
			if !yield(b) {
				break
			}
		}
		return it.Close()
	})
}

// loggedForGood is the last batch of an epoch that is in the log on disk.
func (e *engine) loggedForGood(epoch outbox.Epoch) (uint64, error) {
	if e.log == nil || e.log.epoch != epoch {
		return 1<<64 - 1, nil // an earlier one, or what LogEarlier has synced
	}
	last := e.log.seq.Load()
	return last, e.takeOver(pebble.Sync)
}

// logged fetches what a batch held.
func (e *engine) logged(v []byte) (b outbox.Batch, err error) {
	h, refs, err := readLogHead(v)
	b.At = h.at
	for ; err == nil && len(refs) > 0; refs = refs[refLen:] {
		id, kind, service := trace.ID(refs), refs[idLen], trace.Service(refs[idLen+1])
		var k [maxKeyLen]byte
		key := appendRecordKey(k[:0], service, id)
		if kind != 0 {
			key = appendUpdateKey(k[:0], id, kind)
		}
		value, closer, getErr := e.r.Get(key)
		if errors.Is(getErr, pebble.ErrNotFound) {
			continue // its retention is over
		}
		if getErr != nil {
			return b, fmt.Errorf("records: cannot read for the outbox: %w", getErr)
		}
		b.Entries = append(b.Entries, trace.Entry{ID: id, Value: bytes.Clone(value)})
		err = closer.Close()
	}
	return b, err
}

// Backlog tells how much an epoch holds after seq.
func (s *Store) Backlog(epoch outbox.Epoch, seq uint64) (outbox.Backlog, error) {
	return reading(s, func(e *engine) (b outbox.Backlog, err error) {
		last, head, err := e.lastLogged(epoch)
		if err != nil || last <= seq {
			return b, err
		}
		it, err := e.logFrom(epoch, seq)
		if err != nil {
			return b, err
		}
		if it.First() {
			first, refs, err := readLogHead(it.Value())
			if err != nil {
				return b, errors.Join(err, it.Close())
			}
			// The first one waits as well; its bytes alone are not known.
			b = outbox.Backlog{
				Entries: head.entries - first.entries + uint64(len(refs)/refLen),
				Bytes:   head.bytes - first.bytes, Oldest: first.at,
			}
		}
		return b, it.Close()
	})
}

// Trim forgets an epoch's batches up to seq that were appended before t.
func (s *Store) Trim(epoch outbox.Epoch, seq uint64, t time.Time) error {
	return s.read(func(e *engine) error {
		until := uint64(0)
		it, err := e.logFrom(epoch, 0)
		if err != nil {
			return err
		}
		for ok := it.First(); ok && logSeq(it.Key()) <= seq; ok = it.Next() {
			h, _, headErr := readLogHead(it.Value())
			if headErr == nil && !h.at.Before(t) {
				break
			}
			until = logSeq(it.Key())
		}
		if err := it.Close(); err != nil || until == 0 {
			return err
		}
		return e.survive(func() error { return e.db.DeleteRange(logKey(epoch, 0), logKey(epoch, until+1), pebble.NoSync) })
	})
}
