package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
)

// Salvaged is what could be read of a damaged database.
type Salvaged struct {
	Records, Updates int
	Expired          int      // past their retention, and left where they are
	Damaged          []string // files that could be read in part, or not at all
}

// salvageBatch is how many entries are handed on at once.
const salvageBatch = 256

// Salvage reads what can be read of the database in dir, file by file, past whatever is
// damaged in them, and hands it on; the directory stays as it is. An entry may come more
// than once. take's bytes belong to Salvage again when it returns.
//
// A database does not know any more what was deleted from it: records that had expired
// are told by their own dates, and everything else by its age.
func Salvage(ctx context.Context, dir string, now time.Time, take func([]trace.Entry) error) (Salvaged, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return Salvaged{}, fmt.Errorf("records: cannot read %s: %w", dir, err)
	}
	s := salvage{ctx: ctx, now: now, oldest: trace.FirstKept(now, trace.MaxRetention), take: take}
	s.readJournal(filepath.Join(dir, journalFile))
	// Tables before logs, older before newer: mostly the newer of two versions of an entry
	// comes last. Not always, since merging makes new files of old entries: see Restore.
	for _, kind := range []string{".sst", ".log"} {
		for _, f := range numbered(files, kind) {
			whole, err := s.file(filepath.Join(dir, f.name), kind, f.number)
			if err != nil {
				return s.Salvaged, err
			}
			if !whole {
				s.Damaged = append(s.Damaged, f.name)
			}
		}
	}
	for key, in := range s.journaled {
		s.add([]byte(key), in.value)
	}
	return s.Salvaged, errors.Join(s.flush(), ctx.Err())
}

type numberedFile struct {
	name   string
	number uint64
}

// numbered lists the files of a kind in the order they were made.
func numbered(files []os.DirEntry, kind string) (list []numberedFile) {
	for _, f := range files {
		text, ok := strings.CutSuffix(f.Name(), kind)
		if n, err := strconv.ParseUint(text, 10, 64); ok && err == nil {
			list = append(list, numberedFile{f.Name(), n})
		}
	}
	slices.SortFunc(list, func(a, b numberedFile) int { return int(int64(a.number) - int64(b.number)) })
	return list
}

type salvage struct {
	Salvaged
	ctx    context.Context
	now    time.Time
	oldest trace.Day
	take   func([]trace.Entry) error
	batch  []trace.Entry
	failed error // of take

	journaled map[string]journaledEntry // what is in the journal, by key, and was not found in the database yet
}

// journaledEntry is the newest of an entry in the journal, and the number of its batch.
type journaledEntry struct {
	seq   uint64
	value []byte
}

// file reads one; false: not all of it.
func (s *salvage) file(path, kind string, number uint64) (whole bool, err error) {
	if kind == ".sst" {
		whole = s.table(path)
	} else {
		whole = s.log(path, number)
	}
	return whole, errors.Join(s.failed, s.ctx.Err())
}

// table reads a table from its front up to the first damage, and from its end back to
// the last.
func (s *salvage) table(path string) (whole bool) {
	f, err := vfs.Default.Open(path)
	if err != nil {
		return false
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		_ = f.Close() // opened to read
		return false
	}
	o := &pebble.Options{Logger: silent{}}
	o.EnsureDefaults()
	r, err := sstable.NewReader(s.ctx, readable, o.MakeReaderOptions())
	if err != nil {
		_ = readable.Close()
		return false
	}
	defer func() { _ = r.Close() }()
	if s.pass(r, false) {
		return true
	}
	s.pass(r, true)
	return false
}

// pass goes through a table in one direction as far as it can be read.
func (s *salvage) pass(r *sstable.Reader, back bool) (whole bool) {
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return false
	}
	start, next := it.First, it.Next
	if back {
		start, next = it.Last, it.Prev
	}
	for kv := start(); kv != nil && s.going(); kv = next() {
		if kv.Kind() != pebble.InternalKeyKindSet {
			continue
		}
		v, _, err := kv.Value(nil)
		if err != nil {
			break
		}
		s.add(kv.K.UserKey, v)
	}
	return it.Close() == nil
}

// logBlock is what a log is written in: after damage, reading goes on with the next one.
const logBlock = 32 << 10

func (s *salvage) log(path string, number uint64) (whole bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	whole = true
	for at := 0; at < len(b) && s.going(); {
		read, err := s.logPart(b[at:], number)
		if err == nil {
			break
		}
		// Beyond its end a log may hold zeros, or what an older log left there.
		if len(bytes.TrimLeft(b[at+read:], "\x00")) > 0 {
			whole = false
		}
		at += (read/logBlock + 1) * logBlock
	}
	return whole
}

// logPart reads batches until the end or damage, and answers how far it came.
func (s *salvage) logPart(b []byte, number uint64) (read int, err error) {
	r := logReader(record.NewReader, bytes.NewReader(b), number)
	for s.going() {
		read = int(r.Offset())
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			return read, err
		}
		repr, err := io.ReadAll(part)
		s.addBatch(repr) // if need be what stands before the damage
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

// addBatch adds what a batch has, as far as it goes.
func (s *salvage) addBatch(repr []byte) {
	var batch pebble.Batch
	if batch.SetRepr(repr) != nil {
		return
	}
	entries := batch.Reader()
	for {
		kind, key, value, ok, err := entries.Next()
		if !ok || err != nil {
			return
		}
		if kind == pebble.InternalKeyKindSet {
			s.add(key, value)
		}
	}
}

// readJournal reads the batches of both halves, long taken over by the database or not.
func (s *salvage) readJournal(path string) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.Damaged = append(s.Damaged, journalFile)
	}
	s.journaled = map[string]journaledEntry{}
	var key [maxKeyLen]byte
	for half := range slices.Chunk(b, max(len(b)/2, 1)) {
		for seq, entries := range frames(half) {
			for _, e := range entries {
				k := appendKey(key[:0], e)
				if seq >= s.journaled[string(k)].seq { // either half may be the newer
					s.journaled[string(k)] = journaledEntry{seq, e.Value}
				}
			}
		}
	}
}

// frames yields the batches of a half, also those that come after damage. What is no
// frame is told by its entries, which must fill it exactly, before its checksum is
// reckoned: that keeps a byte-by-byte search cheap.
func frames(half []byte) iter.Seq2[uint64, []trace.Entry] {
	return func(yield func(uint64, []trace.Entry) bool) {
		for len(half) >= frameHeadLen {
			entries, ok := frameShape(half)
			seq, _, rest, sound := uint64(0), []byte(nil), []byte(nil), false
			if ok {
				seq, _, rest, sound = readFrame(half)
			}
			if !sound {
				half = half[1:]
				continue
			}
			if !yield(seq, entries) {
				return
			}
			half = rest
		}
	}
}

// frameShape reads the entries of what may be a frame; false: it is none.
func frameShape(b []byte) ([]trace.Entry, bool) {
	n := uint64(binary.BigEndian.Uint32(b))
	if n < 8 || n > uint64(len(b)-8) {
		return nil, false
	}
	entries, err := frameEntries(nil, b[frameHeadLen:8+n])
	return entries, err == nil
}

// logReader is newReader with a number whose type has no name outside of Pebble.
func logReader[N ~uint64](newReader func(io.Reader, N) *record.Reader, r io.Reader, number uint64) *record.Reader {
	return newReader(r, N(number))
}

func (s *salvage) going() bool { return s.failed == nil && s.ctx.Err() == nil }

// add takes what is an entry, is whole and has not expired.
func (s *salvage) add(key, value []byte) {
	if len(key) != recordLen && len(key) != updateLen || key[0] != prefixRecord && key[0] != prefixUpdate {
		return
	}
	var r trace.Record
	kind, err := trace.Decode(value, &r)
	if err != nil || trace.ID(key[len(key)-tailLen:]) != r.ID {
		return
	}
	if journaled, ok := s.journaled[string(key)]; ok && bytes.Equal(journaled.value, value) {
		delete(s.journaled, string(key))
	}
	if r.ID.Day() < s.oldest || kind == 0 && !r.Expires.After(s.now) {
		s.Expired++
		return
	}
	if kind == 0 {
		s.Records++
	} else {
		s.Updates++
	}
	s.batch = append(s.batch, trace.Entry{ID: r.ID, Value: bytes.Clone(value)})
	if len(s.batch) == salvageBatch {
		s.failed = s.flush()
	}
}

func (s *salvage) flush() error {
	if len(s.batch) == 0 || s.failed != nil {
		return s.failed
	}
	err := s.take(s.batch)
	s.batch = s.batch[:0]
	return err
}

// silent logs nothing.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}
