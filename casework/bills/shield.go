package bills

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"clirgate/numbering"
)

// Options of Shield.
type Options struct {
	Columns []string // names of the columns that hold called numbers
	Date    string   // name of the column that holds the date of the call
	Plan    *numbering.Plan
	// Progress is told after every rows written; nil: nobody is.
	Progress func(Result)
}

// Result counts what Shield has done.
type Result struct {
	Rows    int   // without the header
	Masked  int   // rows with at least one number masked
	NoDate  int   // rows whose date could not be read: shielded whatever the date
	Another int   // rows where a masked number stands in another column too, unmasked
	Bytes   int64 // read
}

// progressEvery is how many rows go between two calls of Progress.
const progressEvery = 100_000

// Shield copies call details (CSV as of RFC 4180, separated by comma, semicolon or tab,
// with a header), and writes "*" over the last four digits of called numbers that are
// shielded on the date of their call, however they are spelled. No other byte changes.
// It needs memory for one row. Errors name the line, never what is on it.
func Shield(ctx context.Context, in io.Reader, out io.Writer, l *List, o Options) (Result, error) {
	r, err := NewReader(in, l, o)
	if err != nil {
		return Result{}, err
	}
	r.s.ctx = ctx
	_, err = io.Copy(out, r)
	return r.Result(), err
}

// Reader is Shield as a reader of what it writes.
type Reader struct {
	s    shielding
	buf  []byte // masked already
	next int    // of buf, not yet read
	err  error  // behind buf
}

// NewReader reads the header; what is wrong with it is told at once.
func NewReader(in io.Reader, l *List, o Options) (*Reader, error) {
	r := &Reader{s: shielding{ctx: context.Background(), l: l, o: o, in: rowReader{r: bufio.NewReaderSize(in, 1<<16)}}}
	header, err := r.s.header()
	r.buf = append(r.buf, header...)
	return r, err
}

// Result is what has been done so far.
func (r *Reader) Result() Result {
	r.s.res.Bytes = r.s.in.bytes
	return r.s.res
}

// Read reads masked rows.
func (r *Reader) Read(p []byte) (int, error) {
	if r.next == len(r.buf) && r.err == nil {
		r.fill()
	}
	if r.next == len(r.buf) {
		return 0, r.err
	}
	n := copy(p, r.buf[r.next:])
	r.next += n
	return n, nil
}

// fillTo is how much is masked at a time, in bytes.
const fillTo = 1 << 15

func (r *Reader) fill() {
	r.buf, r.next = r.buf[:0], 0
	for len(r.buf) < fillTo && r.err == nil {
		var row []byte
		if row, r.err = r.s.step(); r.err == nil {
			r.buf = append(r.buf, row...)
		}
	}
}

type shielding struct {
	ctx    context.Context
	l      *List
	o      Options
	in     rowReader
	called []bool // by column
	date   int
	res    Result
	digits []byte
}

// step is the next row, masked; io.EOF: there is none.
func (s *shielding) step() ([]byte, error) {
	row, err := s.in.next()
	if errors.Is(err, io.EOF) {
		s.progress()
		return nil, io.EOF
	}
	if err == nil {
		if s.row(row); s.res.Rows%progressEvery == 0 {
			s.progress()
			err = s.ctx.Err()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", s.in.line, err)
	}
	return row, nil
}

func (s *shielding) progress() {
	s.res.Bytes = s.in.bytes
	if s.o.Progress != nil {
		s.o.Progress(s.res)
	}
}

var errNoHeader = errors.New("line 1: call details begin with a header that names the columns")

// header finds the columns.
func (s *shielding) header() ([]byte, error) {
	row, err := s.in.header()
	if err != nil {
		return nil, errors.Join(errNoHeader, err)
	}
	at := make(map[string]int)
	for i, f := range s.in.fields {
		name := columnName(row[f.start:f.end])
		if first, twice := at[name]; twice && name != "" { // not quoted: without a header it is a number
			return nil, fmt.Errorf("line 1: two columns have the same name, columns %d and %d", first+1, i+1)
		}
		at[name] = i
	}
	s.called = make([]bool, len(s.in.fields))
	for _, name := range append([]string{s.o.Date}, s.o.Columns...) {
		i, ok := at[columnName([]byte(name))]
		if !ok || name == "" {
			return nil, fmt.Errorf("line 1: there is no column %q", name)
		}
		if name == s.o.Date {
			s.date = i
			continue
		}
		s.called[i] = true
	}
	if len(s.o.Columns) == 0 {
		return nil, errors.New("no column of called numbers was named")
	}
	return row, nil
}

func columnName(b []byte) string {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	return strings.ToLower(strings.Trim(string(bytes.TrimSpace(b)), `" `))
}

// row masks in place.
func (s *shielding) row(row []byte) {
	if len(bytes.TrimSpace(row)) == 0 {
		return
	}
	s.res.Rows++
	date := NoDate
	if s.date < len(s.in.fields) {
		date = readDate(s.in.fields[s.date].of(row))
	}
	if date == NoDate {
		s.res.NoDate++
	}
	var masked []numbering.Number
	for i, f := range s.in.fields {
		if i < len(s.called) && s.called[i] {
			masked = s.mask(f.of(row), masked, func(n numbering.Number) bool { return s.l.Shielded(n, date) }, true)
		}
	}
	if len(masked) == 0 {
		return
	}
	s.res.Masked++
	for i, f := range s.in.fields {
		if i < len(s.called) && s.called[i] {
			continue
		}
		if len(s.mask(f.of(row), nil, func(n numbering.Number) bool { return n == masked[0] }, false)) > 0 {
			s.res.Another++
			return
		}
	}
}
