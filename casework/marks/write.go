package marks

import (
	"errors"
	"fmt"
	"io"

	"clirgate/trace"
)

// writing makes durable what comes, together what comes together.
func (q *Queue) writing() {
	for {
		select {
		case <-q.write:
			q.flush()
		case <-q.ctx.Done():
			q.flush()
			return
		}
	}
}

// flush writes marks that came and those filed, and tells who waits.
func (q *Queue) flush() {
	q.mu.Lock()
	list, done := q.coming, q.done
	q.coming, q.done = nil, nil
	q.mu.Unlock()
	if len(list) == 0 && len(done) == 0 {
		return
	}
	list = q.fresh(list)
	err := q.persist(list, done)
	if err != nil {
		q.o.Alarm(err)
	}
	q.mu.Lock()
	for _, c := range list {
		// Kept in memory even if it is not durable: it may be filed all the same.
		q.waiting = append(q.waiting, c.waiting)
	}
	idle := len(q.waiting) == 0 && len(q.coming) == 0
	q.mu.Unlock()
	for _, c := range list {
		c.told(err)
	}
	if idle && err == nil {
		q.empty()
	}
	signal(q.file)
}

// fresh leaves out marks of calls that wait already, and tells who brought them that they
// are kept: they are in the file.
func (q *Queue) fresh(list []coming) []coming {
	kept := list[:0]
	var again []coming
	q.mu.Lock()
	for _, c := range list {
		if _, waits := q.known[c.marking.Record]; waits {
			again = append(again, c)
			continue
		}
		kept = append(kept, c)
	}
	q.mu.Unlock()
	for _, c := range again {
		c.told(nil)
	}
	return kept
}

// persist seals and writes entries, and has them on the disk when it returns nil; if it
// does not, the file is as it was, or is tried anew.
func (q *Queue) persist(list []coming, done []uint64) error {
	if q.f == nil {
		if err := q.open(); err != nil {
			return err
		}
	}
	var b []byte
	for i := range list {
		c := &list[i]
		c.sealed = seal(q.o.Seal, c.marking)
		b = appendEntry(b, entryMark, c.seq, c.sealed)
	}
	for _, seq := range done {
		b = appendEntry(b, entryDone, seq, nil)
	}
	if len(list) > 0 {
		if err := q.o.Seal.Save(); err != nil {
			return fmt.Errorf("marks: keys: %w", err)
		}
	}
	at, err := q.f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = q.f.Write(b)
	}
	if err == nil && len(list) > 0 {
		err = q.f.Sync()
	}
	if err != nil {
		if cut := q.f.Truncate(at); cut != nil {
			err = errors.Join(err, cut, q.f.Close())
			q.f = nil
		}
		return fmt.Errorf("marks: %w", err)
	}
	q.mu.Lock()
	for _, c := range list {
		q.known[c.marking.Record] = c.marking.How
	}
	q.mu.Unlock()
	return nil
}

// empty cuts the file when all of it is filed.
func (q *Queue) empty() {
	if q.f == nil {
		return
	}
	if err := q.f.Truncate(0); err != nil {
		q.o.Alarm(fmt.Errorf("marks: %w", err))
	}
}

// seal is a mark under the key of its call's day.
func seal(s Sealer, m trace.Marking) []byte {
	return s.AppendSealed(nil, &trace.Record{
		ID: m.Record, Method: m.How.String(), Start: m.At, Called: m.Called, Status: int(m.How),
	})
}

// open is the inverse of seal.
func unseal(s Sealer, sealed []byte) (trace.Marking, error) {
	var r trace.Record
	if _, err := trace.Decode(sealed, &r); err != nil {
		return trace.Marking{}, errors.Join(ErrLost, err)
	}
	if err := s.Open(&r); err != nil {
		return trace.Marking{}, err
	}
	return trace.Marking{Record: r.ID, Called: r.Called, At: r.Start, How: trace.Mark(r.Status)}, nil
}
