package bulk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"clirgate/numbering"
	"clirgate/rules"
)

// maxRow bounds one row, in bytes: a full note, escaped, and the rest.
const maxRow = 16 << 10

// rowReader answers rows one by one; bad is a row that cannot be taken, err ends
// the reading (io.EOF: well).
type rowReader interface {
	next() (sub *rules.Subscriber, bad *BadRow, err error)
}

func newRows(in io.Reader, o *Options) (rowReader, error) {
	l := &lines{in: bufio.NewReaderSize(in, 64<<10)}
	if b, err := l.in.Peek(3); err == nil && bytes.Equal(b, []byte("\ufeff")) {
		_, _ = l.in.Discard(len(b)) // a byte order mark; it was peeked
	}
	c := checker{o}
	switch o.Format {
	case JSONLines:
		return &jsonRows{lines: l, checker: c}, nil
	case CSV:
		return newCSVRows(l, c)
	}
	return nil, ErrFormat
}

// lines reads lines without their line feeds, and counts them.
type lines struct {
	in   *bufio.Reader
	n    uint64 // of the last line
	line []byte
}

// errLong: a line longer than maxRow, which was passed over.
var errLong = errors.New("is too long")

// next answers the next line, good until the call after.
func (l *lines) next() ([]byte, error) {
	l.line = l.line[:0]
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if long = long || len(l.line)+len(part) > maxRow; !long {
			l.line = append(l.line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(part) == 0 && len(l.line) == 0 && !long):
			return nil, err
		}
		l.n++
		if long {
			return nil, errLong
		}
		return bytes.TrimSuffix(l.line, []byte("\n")), nil
	}
}

// checker makes subscribers of what was read, and says what is wrong with them.
type checker struct{ o *Options }

func (c checker) parse(text string) numbering.Number {
	n := c.o.Plan.ParseText(text)
	if c.o.Plan.IsEmergency(n) || !c.o.Plan.Possible(n) {
		return 0
	}
	return n
}

// check answers what is wrong with a subscriber that was read.
func (c checker) check(sub *rules.Subscriber, line uint64, err error) (*rules.Subscriber, *BadRow, error) {
	var field *rules.FieldError
	switch {
	case errors.As(err, &field):
		return nil, &BadRow{Line: line, Field: field.Field, Wrong: field.Wrong, Mend: field.Mend}, nil
	case err != nil:
		return nil, nil, err
	case sub.Number == 0:
		return nil, &BadRow{Line: line, Field: "number", Wrong: "is missing", Mend: "give it with + and country code, or as dialled at home"}, nil
	case !sub.Until.IsZero() && !sub.Until.After(c.o.Now()):
		return nil, &BadRow{Line: line, Field: "until", Wrong: "is past", Mend: "give a time to come, or none"}, nil
	}
	return sub, nil, nil
}

func tooLong(line uint64) *BadRow {
	return &BadRow{Line: line, Wrong: "is too long", Mend: fmt.Sprintf("a row has at most %d bytes", maxRow)}
}

// jsonRows is JSON lines; empty lines are passed over.
type jsonRows struct {
	*lines
	checker
}

func (r *jsonRows) next() (*rules.Subscriber, *BadRow, error) {
	for {
		line, err := r.lines.next()
		switch {
		case errors.Is(err, errLong):
			return nil, tooLong(r.n), nil
		case err != nil:
			return nil, nil, err
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		sub, err := rules.DecodeSubscriber(line, r.parse)
		return r.check(&sub, r.n, err)
	}
}
