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
// torn at the end by a crash was acknowledged to nobody.
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

// readEntries yields whole entries and answers how many bytes they take.
func readEntries(b []byte, each func(kind byte, seq uint64, sealed []byte)) (whole int) {
	for {
		rest := b[whole:]
		if len(rest) < entryHead {
			return whole
		}
		n := int(binary.BigEndian.Uint32(rest))
		if n < 9 || n > maxEntry || len(rest) < entryHead+n {
			return whole
		}
		payload := rest[entryHead : entryHead+n]
		if crc32.ChecksumIEEE(payload) != binary.BigEndian.Uint32(rest[4:]) {
			return whole
		}
		each(payload[0], binary.BigEndian.Uint64(payload[1:]), bytes.Clone(payload[9:]))
		whole += entryHead + n
	}
}

// openFile reads what waits in a file, made when it is not there, and leaves it ready for
// appending: a torn end is cut off.
func openFile(path string, each func(kind byte, seq uint64, sealed []byte)) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	if err == nil {
		whole := int64(readEntries(b, each))
		err = f.Truncate(whole)
		if _, seek := f.Seek(whole, io.SeekStart); err == nil {
			err = seek
		}
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
