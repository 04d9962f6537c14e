package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

const (
	journalRest = 500 * time.Millisecond // batches stay in the journal alone no longer
	settleBytes = 1 << 20                // nor when they are more than this

	// commitBytes of frames, or one that is larger, are one batch of the database: damage
	// to a block of its log costs every batch that reaches into the block.
	commitBytes = 16 << 10
)

// pending is the batches that are in the journal and not yet in the database: the frames
// of the journal once more. Whoever reads the database has them taken over first.
type pending struct {
	mu     sync.Mutex
	frames []byte
	spare  []byte // for reuse
	rest   time.Duration
	due    *time.Timer // settles them; nil: not armed

	settling sync.Mutex // taken before mu
	settled  settled    // of whoever settles
	closed   bool       // the database is
}

// hold keeps a frame for the database, which takes it over soon.
func (e *engine) hold(frame []byte) {
	p := &e.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = append(p.frames, frame...)
	switch full := len(p.frames) >= settleBytes; {
	case p.due == nil:
		p.due = time.AfterFunc(p.rest, func() { _ = e.settle() }) // failing is noted
	case full:
		p.due.Reset(0)
	}
}

// settle has the database take over what only the journal holds.
func (e *engine) settle() error { return e.takeOver(pebble.NoSync) }

// takeOver is settle; with pebble.Sync all that was taken over before is on disk, too.
// Whoever it fails for, nothing may be taken over after: the number of a later batch would
// say that this one is in the database, and its half of the journal would be filled anew.
func (e *engine) takeOver(o *pebble.WriteOptions) (err error) {
	p := &e.pending
	p.settling.Lock()
	defer p.settling.Unlock()
	frames := p.take()
	defer p.giveBack(frames)
	defer func() { e.fail(err) }()
	if broken := e.broken.Load(); broken != nil {
		return *broken
	}
	if p.closed || len(frames) == 0 && o == pebble.NoSync {
		return nil
	}
	return e.apply(frames, o)
}

func (p *pending) take() (frames []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	frames, p.frames, p.spare = p.frames, p.spare, nil
	if p.due != nil {
		p.due.Stop()
		p.due = nil
	}
	return frames
}

func (p *pending) giveBack(frames []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spare = frames[:0]
}

// apply puts frames into the database, some of them at a time.
func (e *engine) apply(frames []byte, o *pebble.WriteOptions) error {
	if len(frames) == 0 {
		return e.survive(func() error { return e.db.LogData(nil, o) })
	}
	s := &e.pending.settled
	defer s.reset()
	for len(frames) > 0 {
		var err error
		if frames, err = s.read(frames, commitBytes); err != nil {
			return err
		}
		with := pebble.NoSync
		if len(frames) == 0 {
			with = o
		}
		if err := e.commit(s, with); err != nil {
			return err
		}
	}
	return nil
}

// commitAlone writes a batch that no half of the journal has room for.
func (e *engine) commitAlone(batch []trace.Entry, seq uint64) error {
	if err := e.settle(); err != nil {
		return err
	}
	e.pending.settling.Lock()
	defer e.pending.settling.Unlock()
	if err := e.commit(&settled{batch, []int{len(batch)}, seq}, pebble.Sync); err != nil {
		return err
	}
	e.journal.at = 0 // all it holds is in the database, and the next number does not follow
	return nil
}

// commit writes batches.
func (e *engine) commit(s *settled, o *pebble.WriteOptions) error {
	b := e.db.NewBatch()
	if err := e.put(b, s); err != nil {
		return fmt.Errorf("records: cannot fill batch: %w", err)
	}
	if err := e.survive(func() error { return b.Commit(o) }); err != nil {
		return err
	}
	e.log.added()
	return b.Close()
}

// put fills a batch: entries, the number of the last one, and the outbox's log.
func (e *engine) put(b *pebble.Batch, s *settled) error {
	if err := e.fill(b, s.entries); err != nil {
		return err
	}
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], s.last)
	if err := b.Set(sequenceKey, seq[:], nil); err != nil {
		return err
	}
	start := 0
	for _, end := range s.ends {
		if err := e.log.add(b, s.entries[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// settled is batches read back from frames.
type settled struct {
	entries []trace.Entry
	ends    []int  // of each batch in entries
	last    uint64 // the number of the last one
}

// read reads some frames, of about most bytes, in place of what was read before.
func (s *settled) read(frames []byte, most int) (rest []byte, err error) {
	s.reset()
	for start := len(frames); len(frames) > 0 && start-len(frames) < most; {
		seq, body, rest, ok := readFrame(frames)
		if !ok {
			return frames, errors.New("records: a batch changed between journal and database")
		}
		if s.entries, err = frameEntries(s.entries, body); err != nil {
			return frames, err
		}
		s.ends = append(s.ends, len(s.entries))
		s.last, frames = seq, rest
	}
	return frames, nil
}

func (s *settled) reset() {
	clear(s.entries)
	s.entries, s.ends = s.entries[:0], s.ends[:0]
}
