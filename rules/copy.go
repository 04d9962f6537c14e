package rules

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"time"

	"clirgate/numbering"
)

// CopyStore keeps a copy of the rules in force on a node's own disk, in pieces: what
// the node begins with when its shared store is away. It is a convenience that may be
// lost: the store is what counts.
type CopyStore interface {
	// Save replaces pieces, or with whole all there are, and the head, as one.
	Save(ctx context.Context, head CopyHead, whole bool, pieces func(yield func(id int, piece []byte) bool)) error
	// Load calls each for every piece; ErrNotFound: there is no copy.
	Load(ctx context.Context, each func(piece []byte) error) (CopyHead, error)
}

// CopyHead says of what a copy is.
type CopyHead struct {
	Revision uint64
	Pieces   int // into how many it is divided
	Saved    time.Time
}

// Copier keeps the copy of a service's rules.
type Copier struct {
	service *Service
	store   CopyStore
	log     *slog.Logger
	saved   *Snapshot // what the copy holds; nil: not known
}

// NewCopier makes the copier of a service.
func NewCopier(s *Service, store CopyStore, log *slog.Logger) *Copier {
	return &Copier{service: s, store: store, log: log}
}

// Load puts the copy in force, when nothing is. What the store holds takes its place
// with the next CatchUp that reaches it.
func (c *Copier) Load(ctx context.Context) (CopyHead, error) {
	s := c.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table.Snapshot() != nil {
		return CopyHead{}, nil
	}
	var head CopyHead
	err := s.table.load(func(put func(entry)) (revision uint64, err error) {
		head, err = c.store.Load(ctx, func(piece []byte) error { return unpackPiece(piece, put) })
		return head.Revision, err
	})
	if err != nil {
		return CopyHead{}, err
	}
	s.copied.Store(true)
	if head.Pieces == shards {
		c.saved = s.table.Snapshot()
	}
	s.tell()
	return head, nil
}

const (
	copyEvery = time.Second
	copyShare = 20 // a copy that takes long is made seldom: one part of the time in so many
	copyTime  = 5 * time.Minute
	copyLast  = 10 * time.Second // for the one at the end
)

// Run keeps the copy until ctx ends, and then once more.
func (c *Copier) Run(ctx context.Context) {
	failed := false
	for next := copyEvery; ; {
		going := pause(ctx, next)
		bound, within := context.WithoutCancel(ctx), copyLast
		if going {
			bound, within = ctx, copyTime
		}
		bound, cancel := context.WithTimeout(bound, within)
		began := time.Now()
		err := c.save(bound)
		cancel()
		next = max(copyEvery, copyShare*time.Since(began))
		if err != nil && !failed && !errors.Is(err, context.Canceled) {
			c.log.Error("the copy of the rules cannot be kept: a start without their store would withhold every caller", "error", err)
		}
		if failed = err != nil; !going {
			return
		}
	}
}

// save brings the copy up to date.
func (c *Copier) save(ctx context.Context) error {
	now := c.service.table.Snapshot()
	if now == nil || now == c.saved {
		return nil
	}
	head := CopyHead{Revision: now.revision, Pieces: shards, Saved: time.Now().UTC()}
	err := c.store.Save(ctx, head, c.saved == nil, func(yield func(int, []byte) bool) {
		var piece []byte
		for id := range shards {
			if !now.differs(c.saved, id) {
				continue
			}
			if piece = now.appendPiece(piece[:0], id); !yield(id, piece) {
				return
			}
		}
	})
	if err == nil {
		c.saved = now
	}
	return err
}

// differs tells whether a shard is another one than in old.
func (s *Snapshot) differs(old *Snapshot, id int) bool {
	a, ends := s.part(id)
	if old == nil {
		return len(a) > 0
	}
	b, before := old.part(id)
	return !same(a, b) || !same(ends, before)
}

func (s *Snapshot) part(id int) (shard, []ending) {
	b := s.blocks[id/fan]
	if b == nil {
		return nil, nil
	}
	return b.shards[id%fan], b.ends[id%fan]
}

// same tells whether two slices are the same memory.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// A piece is the entries of a shard, 16 bytes each: number, services, services after
// the end, end; and a CRC-32 of them.
const pieceEntry = 16

func (s *Snapshot) appendPiece(b []byte, id int) []byte {
	t, ends := s.part(id)
	for _, l := range t {
		for _, w := range l {
			if w == 0 {
				continue
			}
			h := w.hash(id)
			b = binary.LittleEndian.AppendUint64(b, uint64(h.number()))
			var e ending
			if w.ends() {
				e = endingOf(ends, h.key())
			}
			b = binary.LittleEndian.AppendUint16(b, uint16(w.services()))
			b = binary.LittleEndian.AppendUint16(b, uint16(e.then))
			b = binary.LittleEndian.AppendUint32(b, e.until)
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

var errPiece = errors.New("rules: a piece of the copy is damaged")

func unpackPiece(b []byte, put func(entry)) error {
	n := len(b) - 4
	if n < 0 || n%pieceEntry != 0 || crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return fmt.Errorf("%w (%d bytes)", errPiece, len(b))
	}
	for ; n > 0; b, n = b[pieceEntry:], n-pieceEntry {
		put(entry{
			number: numbering.Number(binary.LittleEndian.Uint64(b)), now: Services(binary.LittleEndian.Uint16(b[8:])),
			then: Services(binary.LittleEndian.Uint16(b[10:])), until: binary.LittleEndian.Uint32(b[12:]),
		})
	}
	return nil
}
