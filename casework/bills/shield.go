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
func Shield(ctx context.Context, in io.Reader, out io.Writer, l *List, o Options) (res Result, err error) {
	s := &shielding{l: l, o: o, in: rowReader{r: bufio.NewReaderSize(in, 1<<16)}, out: bufio.NewWriterSize(out, 1<<16)}
	if err := s.header(); err != nil {
		return Result{}, err
	}
	for {
		row, err := s.in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			s.row(row)
			_, err = s.out.Write(row)
		}
		if err == nil && s.res.Rows%progressEvery == 0 {
			s.progress()
			err = ctx.Err()
		}
		if err != nil {
			return s.res, fmt.Errorf("line %d: %w", s.in.line, err)
		}
	}
	s.progress()
	return s.res, s.out.Flush()
}

type shielding struct {
	l      *List
	o      Options
	in     rowReader
	out    *bufio.Writer
	called []bool // by column
	date   int
	res    Result
	digits []byte
}

func (s *shielding) progress() {
	s.res.Bytes = s.in.bytes
	if s.o.Progress != nil {
		s.o.Progress(s.res)
	}
}

var errNoHeader = errors.New("line 1: call details begin with a header that names the columns")

// header finds the columns and copies the line.
func (s *shielding) header() error {
	row, err := s.in.header()
	if err != nil {
		return errors.Join(errNoHeader, err)
	}
	at := make(map[string]int)
	for i, f := range s.in.fields {
		name := columnName(row[f.start:f.end])
		if _, twice := at[name]; twice && name != "" {
			return fmt.Errorf("line 1: two columns are called %q", name)
		}
		at[name] = i
	}
	s.called = make([]bool, len(s.in.fields))
	for _, name := range append([]string{s.o.Date}, s.o.Columns...) {
		i, ok := at[columnName([]byte(name))]
		if !ok || name == "" {
			return fmt.Errorf("line 1: there is no column %q", name)
		}
		if name == s.o.Date {
			s.date = i
			continue
		}
		s.called[i] = true
	}
	if len(s.o.Columns) == 0 {
		return errors.New("no column of called numbers was named")
	}
	_, err = s.out.Write(row)
	return err
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
