package pebble

import (
	"unsafe"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// blockLen is what a direct write is a multiple of, in place, length and memory.
const blockLen = 4096

// direct writes small pieces one behind the other past the page cache: whole blocks, the
// last one again with the next piece. A commit is then spared the walk over dirty pages,
// a quarter of what it costs. A block that is written again begins with the same bytes, so
// a write that is torn by a crash harms nothing that is there already.
type direct struct {
	f   vfs.File
	on  bool
	buf []byte // aligned; begins with what is in the block that is written next
}

// openDirect uses a file directly where file system and size allow it.
func openDirect(f vfs.File, half int64) direct {
	return direct{f: f, on: half%blockLen == 0 && setDirect(f, true) == nil}
}

// write writes b at an offset where the last write ended, or that is a multiple of blockLen.
func (d *direct) write(b []byte, at int64) error {
	if !d.on {
		_, err := d.f.WriteAt(b, at)
		return err
	}
	before := int(at % blockLen)
	whole := (before + len(b) + blockLen - 1) / blockLen * blockLen
	d.grow(whole, before)
	clear(d.buf[before+copy(d.buf[before:], b) : whole])
	if _, err := d.f.WriteAt(d.buf[:whole], at-int64(before)); err != nil {
		return d.fallBack(err, b, at)
	}
	end := before + len(b)
	copy(d.buf, d.buf[end/blockLen*blockLen:end])
	return nil
}

// fallBack writes as usual from now on if the file system says that it is the way of
// writing that it cannot.
func (d *direct) fallBack(err error, b []byte, at int64) error {
	if !notDirect(err) || setDirect(d.f, false) != nil {
		return err
	}
	d.on = false
	return d.write(b, at)
}

// grow makes room for n bytes and keeps the first ones.
func (d *direct) grow(n, keep int) {
	if n <= len(d.buf) {
		return
	}
	raw := make([]byte, 2*n+blockLen)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % blockLen)
	buf := raw[skip : skip+2*n]
	copy(buf, d.buf[:keep])
	d.buf = buf
}
