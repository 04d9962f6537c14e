package pebble

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const directHalf = 64 * blockLen

// directFile is a file of two halves in a directory, all zero.
func directFile(t *testing.T, dir string) vfs.File {
	t.Helper()
	f, err := vfs.Default.OpenReadWrite(filepath.Join(dir, "f"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.WriteAt(make([]byte, 2*directHalf), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// writePieces writes pieces of random lengths from an offset on and wants to find them.
func writePieces(t *testing.T, dir string, d *direct, rnd *rand.Rand, from int64) {
	t.Helper()
	var want []byte
	for {
		piece := bytes.Repeat([]byte{byte(1 + rnd.IntN(255))}, 1+rnd.IntN(3*blockLen))
		if len(want)+len(piece) > directHalf {
			break
		}
		if err := d.write(piece, from+int64(len(want))); err != nil {
			t.Fatal(err)
		}
		want = append(want, piece...)
	}
	info, err := d.f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, info.Name()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(got[from:], want) {
		t.Fatal("what is in the file is not what was written")
	}
}

func TestDirectWritesWhatItIsGiven(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	f := directFile(t, dir)
	d := openDirect(f, directHalf)
	for range 5 { // halves in turn, each filled anew
		writePieces(t, dir, &d, rnd, 0)
		writePieces(t, dir, &d, rnd, directHalf)
	}
	// Directly or not, nothing went beyond the file.
	if info, err := f.Stat(); err != nil || info.Size() != 2*directHalf {
		t.Fatalf("%v, %v", info.Size(), err)
	}
}

// large is a file system that wants larger blocks than these.
type large struct {
	vfs.File
	refused int
}

func (l *large) WriteAt(b []byte, at int64) (int, error) {
	if len(b)%blockLen == 0 && l.refused == 0 {
		l.refused++
		return 0, syscall.EINVAL
	}
	return l.File.WriteAt(b, at)
}

func TestDirectFallsBack(t *testing.T) {
	dir := t.TempDir()
	f := &large{File: directFile(t, dir)}
	d := direct{f: f, on: true} // also where the file system takes no direct writes
	writePieces(t, dir, &d, rand.New(rand.NewPCG(3, 4)), 0)
	if d.on || f.refused != 1 {
		t.Fatalf("direct %v, refused %d times", d.on, f.refused)
	}
}

func TestDirectNeedsWholeBlocks(t *testing.T) {
	if d := openDirect(directFile(t, t.TempDir()), 3<<10); d.on {
		t.Error("half a block would be written over")
	}
}
