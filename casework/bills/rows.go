package bills

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// rowReader reads rows of CSV as they are, and finds their fields.
type rowReader struct {
	r      *bufio.Reader
	comma  byte
	buf    []byte
	fields []span
	line   int // on which the row begins
	next1  int // on which the next one does
	bytes  int64
}

// span is where a field stands in a row, quotes included.
type span struct{ start, end int }

func (f span) of(row []byte) []byte { return row[f.start:f.end] }

// maxRow bounds a row, so that a quote that is never closed does not fill the memory.
const maxRow = 1 << 20

var errRow = errors.New("the row is too long: is a quote not closed?")

// header reads the first row and finds out what separates fields.
func (r *rowReader) header() ([]byte, error) {
	row, err := r.read()
	if err != nil {
		return nil, err
	}
	r.comma = ','
	for _, c := range []byte{';', '\t'} {
		if bytes.Count(row, []byte{c}) > bytes.Count(row, []byte{r.comma}) {
			r.comma = c
		}
	}
	r.split(row)
	return row, nil
}

// next is the next row with its line end; io.EOF: there is none. It is valid until the
// next call.
func (r *rowReader) next() ([]byte, error) {
	row, err := r.read()
	if err == nil {
		r.split(row)
	}
	return row, err
}

// read reads up to a line end outside quotes. A quote opens only at the start of a
// field, as RFC 4180 has it; which separator is not known yet for the header.
func (r *rowReader) read() ([]byte, error) {
	r.buf = r.buf[:0]
	r.next1++
	r.line = r.next1
	quoted, fresh := false, true // within quotes; at the start of a field
	for {
		at := len(r.buf)
		part, err := r.r.ReadSlice('\n')
		r.buf = append(r.buf, part...)
		r.bytes += int64(len(part))
		for _, c := range r.buf[at:] {
			switch {
			case c == '"' && (quoted || fresh):
				quoted, fresh = !quoted, quoted // a doubled one opens again
			default:
				fresh = !quoted && r.separates(c)
			}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil && quoted:
			r.next1++
		case err == nil, errors.Is(err, io.EOF) && len(r.buf) > 0:
			return r.buf, nil
		default:
			return nil, err
		}
		if len(r.buf) > maxRow {
			return nil, errRow
		}
	}
}

func (r *rowReader) separates(c byte) bool {
	if r.comma == 0 {
		return c == ',' || c == ';' || c == '\t'
	}
	return c == r.comma
}

// split finds the fields of a row.
func (r *rowReader) split(row []byte) {
	end := len(bytes.TrimRight(row, "\r\n"))
	r.fields = r.fields[:0]
	start, quoted, fresh := 0, false, true
	for i, c := range row[:end] {
		switch {
		case c == '"' && (quoted || fresh):
			quoted, fresh = !quoted, quoted
		case c == r.comma && !quoted:
			r.fields = append(r.fields, span{start, i})
			start, fresh = i+1, true
		default:
			fresh = false
		}
	}
	r.fields = append(r.fields, span{start, end})
}
