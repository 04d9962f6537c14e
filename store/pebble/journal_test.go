package pebble

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
)

// never keeps what is appended in the journal until somebody asks.
const never = time.Hour

// crashed is the directory as a crash would leave it now.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	as := filepath.Join(t.TempDir(), "records")
	if err := os.CopyFS(as, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return as
}

func TestJournalSurvivesACrash(t *testing.T) {
	for name, c := range map[string]struct {
		records int
		o       Options
	}{
		"in the journal alone":     {100, Options{rest: never}},
		"in both":                  {100, Options{}},
		"the journal turned":       {2000, Options{rest: never, half: 8 << 10}},
		"larger than half of it":   {50, Options{rest: never, half: 1 << 10}},
		"all in the database":      {100, Options{rest: time.Nanosecond}},
		"one batch for every half": {50, Options{rest: never, half: 3 << 10}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "records")
			s := mustOpen(t, dir, c.o)
			for n := 10; n <= c.records; n += 10 {
				write(t, s, start.Add(time.Duration(n)*time.Minute), 10)
				if n%(c.records/10) != 0 {
					continue
				}
				as := crashed(t, dir)
				read := mustOpen(t, as, Options{ReadOnly: true})
				wantCount(t, read, n)
				_ = read.Close()
				again := mustOpen(t, as, c.o)
				if d := again.Damaged(); len(d) > 0 {
					t.Fatalf("set aside: %v", d)
				}
				wantCount(t, again, n)
				write(t, again, start, 10) // and it goes on
				wantCount(t, again, n+10)
				_ = again.Close()
			}
			wantCount(t, s, c.records)
		})
	}
}

// One flipped byte in a journal that the database has not taken over: the database is set
// aside, or everything is there. Never is a record missing in silence, and salvage finds
// all but the one batch that it hit.
func TestFlippedByteInTheJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{rest: never})
	write(t, s, start, 100)
	sample := crashed(t, dir)
	setAside := 0
	for at := int64(3); at < s.eng.journal.at; at += 1777 {
		as := crashed(t, sample)
		flip(t, filepath.Join(as, journalFile), at)
		again := mustOpen(t, as, Options{})
		if len(again.Damaged()) == 0 {
			wantCount(t, again, 100)
			continue
		}
		setAside++
		if n, _ := salvaged(t, again.Damaged()[0]); n < 90 {
			t.Errorf("%d of 100 records saved after a flip at %d", n, at)
		}
		_ = again.Close()
	}
	if setAside == 0 {
		t.Error("damage never seen")
	}
}

// What is read is what was appended, wherever it is.
func TestReadersSeeTheJournal(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{rest: never})
	for n := 10; n <= 50; n += 10 {
		write(t, s, start.Add(time.Duration(n)*time.Minute), 10)
		wantCount(t, s, n)
	}
	records, err := s.DropDays(t.Context(), trace.ServiceTelephony, trace.DayOf(start)+1)
	if err != nil || records != 50 {
		t.Errorf("%d dropped, %v", records, err)
	}
	wantCount(t, s, 0)
}

func TestFrames(t *testing.T) {
	batch := []trace.Entry{entry(start), entry(start.Add(time.Second))}
	b := appendFrame(nil, 7, batch)
	if len(b) != frameLen(batch) {
		t.Errorf("%d bytes, told %d", len(b), frameLen(batch))
	}
	seq, body, rest, ok := readFrame(append(b, 1, 2, 3))
	got, err := frameEntries(nil, body)
	if !ok || err != nil || seq != 7 || !bytes.Equal(rest, []byte{1, 2, 3}) || len(got) != 2 {
		t.Fatalf("%d %v %v %v %v", seq, rest, ok, err, len(got))
	}
	for i := range got {
		if got[i].ID != batch[i].ID || !bytes.Equal(got[i].Value, batch[i].Value) {
			t.Errorf("entry %d differs", i)
		}
	}
	for n := range b {
		if _, _, _, ok := readFrame(b[:n]); ok {
			t.Errorf("a frame of %d bytes is whole at %d", len(b), n)
		}
	}
}

// Frames count only from the one that follows the database, each after the one before,
// and the half with the lower numbers first.
func TestJournaled(t *testing.T) {
	frame := func(seqs ...uint64) (b []byte) {
		for _, seq := range seqs {
			b = appendFrame(b, seq, []trace.Entry{entry(start)})
		}
		return b
	}
	for name, c := range map[string]struct {
		halves [2][]byte
		seq    uint64 // of the database
		last   uint64
		frames int
	}{
		"none":              {[2][]byte{}, 5, 5, 0},
		"all new":           {[2][]byte{frame(1, 2, 3)}, 0, 3, 3},
		"some new":          {[2][]byte{frame(1, 2, 3)}, 2, 3, 1},
		"none new":          {[2][]byte{frame(1, 2, 3)}, 3, 3, 0},
		"both halves":       {[2][]byte{frame(1, 2), frame(3, 4)}, 1, 4, 3},
		"the other way":     {[2][]byte{frame(3, 4), frame(1, 2)}, 1, 4, 3},
		"old behind new":    {[2][]byte{append(frame(8, 9), frame(3)...), frame(6, 7)}, 6, 9, 3},
		"just turned":       {[2][]byte{frame(1, 2), frame(3, 4)}, 4, 4, 0},
		"one missing":       {[2][]byte{frame(5, 6)}, 3, 3, 0},
		"one missing later": {[2][]byte{frame(4, 6)}, 3, 4, 1},
	} {
		fsys := vfs.NewMem()
		f, err := fsys.Create(journalFile, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, 4<<10)
		for i, h := range c.halves {
			clear(half)
			copy(half, h)
			if _, err := f.WriteAt(half, int64(i*len(half))); err != nil {
				t.Fatal(err)
			}
		}
		_ = f.Close()
		frames, last, err := journaled(fsys, "", c.seq)
		n := 0
		for {
			_, _, rest, ok := readFrame(frames)
			if !ok {
				break
			}
			n, frames = n+1, rest
		}
		if err != nil || last != c.last || n != c.frames {
			t.Errorf("%s: %d frames up to %d, %v", name, n, last, err)
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, 1, []trace.Entry{entry(start)}), 2, nil), uint64(0))
	f.Add(bytes.Repeat([]byte{0}, 64), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seq uint64) {
		frames, last := following(nil, b, seq)
		if last < seq || len(frames) > len(b) {
			t.Fatalf("%d bytes up to %d", len(frames), last)
		}
		var s settled
		_, _ = s.read(frames, len(frames))
	})
}
