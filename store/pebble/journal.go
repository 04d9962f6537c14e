package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
)

// The journal makes batches durable; the database takes them over later, many at once.
// Waiting for the database's own log costs four hand-overs between goroutines and a file
// that grows with every batch; the journal is one write and one fdatasync of blocks that
// are there already, by the goroutine that appends.
//
// It is one file of two halves of the same size, filled in turn. A half may be filled anew
// when all it holds is in the database, and there on disk. A batch is a frame:
//
//	length of what follows the checksum (4), checksum of that (4)
//	number of the batch (8), then for each entry its ID (16), length (4) and value
//
// The first frame of a half whose checksum is wrong, or whose number does not follow,
// ends it: what is left of earlier fillings has lower numbers.
const (
	journalFile  = "JOURNAL"
	journalHalf  = 4 << 20 // bytes of a half that is made
	frameHeadLen = 4 + 4 + 8
	entryHeadLen = idLen + 4
)

// errJournalFull: the batch does not fit into what is left of the half.
var errJournalFull = errors.New("records: journal is full")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journal is of the goroutine that appends.
type journal struct {
	f     vfs.File
	to    direct
	size  int64 // of a half
	half  int64 // which one is filled, 0 or 1
	at    int64 // where in it the next frame goes
	frame []byte
}

// openJournal opens the journal in dir, made when there is none, with room on the disk for
// two halves of a size.
func openJournal(fsys vfs.FS, dir string, size int64) (*journal, error) {
	f, err := fsys.OpenReadWrite(filepath.Join(dir, journalFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("records: cannot open journal: %w", err)
	}
	j := &journal{f: f, size: size}
	if err := errors.Join(j.reserve(), syncDir(fsys, dir)); err != nil {
		return nil, errors.Join(fmt.Errorf("records: no room for the journal: %w", err), f.Close())
	}
	j.to = openDirect(f, j.size)
	return j, nil
}

// reserve fills a new file: room for holes would have to be found with every frame. One
// that is there keeps its size.
func (j *journal) reserve() error {
	info, err := j.f.Stat()
	if err != nil {
		return err
	}
	if n := info.Size(); n >= 2*j.size {
		j.size = n / 2
		return nil
	}
	if _, err := j.f.WriteAt(make([]byte, 2*j.size), 0); err != nil {
		return err
	}
	return j.f.Sync()
}

// syncDir makes a new file's name as durable as what is in it.
func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// append makes a batch durable. errJournalFull: nothing was written.
func (j *journal) append(seq uint64, batch []trace.Entry) error {
	j.frame = appendFrame(j.frame[:0], seq, batch)
	if j.at+int64(len(j.frame)) > j.size {
		return errJournalFull
	}
	if err := j.to.write(j.frame, j.half*j.size+j.at); err != nil {
		return fmt.Errorf("records: cannot write journal: %w", err)
	}
	if err := j.f.SyncData(); err != nil {
		return fmt.Errorf("records: cannot sync journal: %w", err)
	}
	j.at += int64(len(j.frame))
	return nil
}

// turn begins the other half.
func (j *journal) turn() { j.half, j.at = 1-j.half, 0 }

func (j *journal) close() error { return j.f.Close() }

// appendFrame adds a batch as a frame.
func appendFrame(dst []byte, seq uint64, batch []trace.Entry) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, seq)
	for _, e := range batch {
		dst = append(dst, e.ID[:]...)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(e.Value)))
		dst = append(dst, e.Value...)
	}
	frame := dst[start:]
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-8))
	binary.BigEndian.PutUint32(frame[4:], crc32.Checksum(frame[8:], castagnoli))
	return dst
}

// frameLen is the length of a batch's frame.
func frameLen(batch []trace.Entry) int {
	n := frameHeadLen
	for _, e := range batch {
		n += entryHeadLen + len(e.Value)
	}
	return n
}

// readFrame cuts the first frame off b; false: there is none, or it is not whole.
func readFrame(b []byte) (seq uint64, entries, rest []byte, ok bool) {
	if len(b) < frameHeadLen {
		return 0, nil, b, false
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n < 8 || n > uint64(len(b)-8) || crc32.Checksum(b[8:8+n], castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return 0, nil, b, false
	}
	return binary.BigEndian.Uint64(b[8:]), b[frameHeadLen : 8+n], b[8+n:], true
}

// frameEntries adds the entries of a frame to dst; their values are views.
func frameEntries(dst []trace.Entry, b []byte) ([]trace.Entry, error) {
	for len(b) > 0 {
		if len(b) < entryHeadLen {
			return dst, fmt.Errorf("records: a journal entry of %d bytes", len(b))
		}
		n := int64(binary.BigEndian.Uint32(b[idLen:]))
		if n > int64(len(b)-entryHeadLen) {
			return dst, fmt.Errorf("records: a journal entry is cut short")
		}
		end := int64(entryHeadLen) + n
		dst = append(dst, trace.Entry{ID: trace.ID(b), Value: b[entryHeadLen:end:end]})
		b = b[end:]
	}
	return dst, nil
}

// journaled is what a journal holds that follows batch seq, in order: frames, and the
// number of the last one. No journal is an empty one.
func journaled(fsys vfs.FS, dir string, seq uint64) (frames []byte, last uint64, err error) {
	f, err := fsys.Open(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrNotExist) {
		return nil, seq, nil
	}
	if err != nil {
		return nil, seq, fmt.Errorf("records: cannot open journal: %w", err)
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, seq, fmt.Errorf("records: cannot read journal: %w", err)
	}
	first, second := b[:len(b)/2], b[len(b)/2:]
	if a, _, _, ok := readFrame(first); ok {
		if b, _, _, ok := readFrame(second); ok && b < a {
			first, second = second, first
		}
	}
	frames, last = following(frames, first, seq)
	frames, last = following(frames, second, last)
	return frames, last, nil
}

// following adds those frames of a half that come after last, one after the other.
func following(frames, half []byte, last uint64) ([]byte, uint64) {
	before := uint64(0)
	for {
		seq, _, rest, ok := readFrame(half)
		if !ok || before != 0 && seq != before+1 || seq > last+1 {
			return frames, last
		}
		if seq == last+1 {
			frames = append(frames, half[:len(half)-len(rest)]...)
			last = seq
		}
		before, half = seq, rest
	}
}
