package marks

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// The file holds entries one after the other: length of the payload, its CRC-32, the
// payload. A payload is a kind, a sequence number and, of a mark, its sealed form. What is
// torn at the end by a crash was acknowledged to nobody; what is damaged before that loses
// no more than itself.
const (
	entryHead = 8
	entryMark = 'm'
	entryDone = 'd' // that mark is filed
	maxEntry  = 4096
)

func appendEntry(dst []byte, kind byte, seq uint64, sealed []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, entryHead)...)
	dst = append(dst, kind)
	dst = binary.BigEndian.AppendUint64(dst, seq)
	dst = append(dst, sealed...)
	payload := dst[at+entryHead:]
	binary.BigEndian.PutUint32(dst[at:], uint32(len(payload)))
	binary.BigEndian.PutUint32(dst[at+4:], crc32.ChecksumIEEE(payload))
	return dst
}

// readEntries yields whole entries and answers where the last one ends, and whether there
// is anything else before that.
func readEntries(b []byte, each func(kind byte, seq uint64, sealed []byte)) (whole int, damaged bool) {
	for at := 0; at < len(b); {
		payload, ok := entryAt(b[at:])
		if !ok {
			at++
			continue
		}
		each(payload[0], binary.BigEndian.Uint64(payload[1:]), bytes.Clone(payload[9:]))
		damaged = damaged || at > whole
		at += entryHead + len(payload)
		whole = at
	}
	return whole, damaged
}

// entryAt is the payload of the entry that b begins with.
func entryAt(b []byte) (payload []byte, ok bool) {
	if len(b) < entryHead {
		return nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if n < 9 || n > maxEntry || uint64(len(b)) < entryHead+uint64(n) {
		return nil, false
	}
	payload = b[entryHead : entryHead+n]
	return payload, crc32.ChecksumIEEE(payload) == binary.BigEndian.Uint32(b[4:])
}

// openFile reads what waits in a file, made when it is not there, and leaves it ready for
// appending: a torn end is cut off.
func openFile(path string, each func(kind byte, seq uint64, sealed []byte)) (f *os.File, damaged bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	b, err := io.ReadAll(f)
	if err == nil {
		var whole int
		whole, damaged = readEntries(b, each)
		err = f.Truncate(int64(whole))
		if _, seek := f.Seek(int64(whole), io.SeekStart); err == nil {
			err = seek
		}
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		return nil, damaged, err
	}
	return f, damaged, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
