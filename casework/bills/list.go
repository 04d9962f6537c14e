// Package bills keeps called numbers off other people's bills (promise 5; art. 4.2
// BUDE, STANDARDS 4.2): the list of numbers whose subscribers asked for it, its exchange
// with other providers, and the masking of call details.
package bills

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"clirgate/audit"
	"clirgate/numbering"
)

// Date is a calendar date, in days since 1 January 1970.
type Date int32

// NoDate is the zero Date: not given.
const NoDate Date = 0

// DateOf is the calendar date of t where it is.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// ParseDate reads 2006-01-02.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return NoDate, errors.New("date must be written as 2006-01-02")
	}
	return DateOf(t), nil
}

// String is the date as 2006-01-02.
func (d Date) String() string { return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly) }

// Entry is one number that is shielded from a date on.
type Entry struct {
	Number numbering.Number
	From   Date
	Until  Date   // the first day it no longer is; NoDate: for good
	Source string // the provider whose subscriber it is; empty: ours
}

func (e Entry) covers(d Date) bool { return e.From <= d && (e.Until == NoDate || d < e.Until) }

// List answers whether a number is shielded. It is immutable and safe for concurrent use.
type List struct{ entries map[numbering.Number][]Entry }

// NewList makes a list; a number may have several entries.
func NewList(entries []Entry) *List {
	l := &List{make(map[numbering.Number][]Entry, len(entries))}
	for _, e := range entries {
		l.entries[e.Number] = append(l.entries[e.Number], e)
	}
	return l
}

// Shielded tells whether a number is to be masked on the bill of a call on d. A call of
// unknown date (NoDate) counts as one on every date.
func (l *List) Shielded(n numbering.Number, d Date) bool {
	return slices.ContainsFunc(l.entries[n], func(e Entry) bool { return d == NoDate || e.covers(d) })
}

// Len is how many numbers the list has.
func (l *List) Len() int { return len(l.entries) }

// Export writes entries for other providers: a number and a date a line, in order of
// number, and nothing else (BNR-02). Those of other providers are theirs to send; those
// that have ended on day are left out.
func Export(w io.Writer, entries []Entry, day Date) error {
	out := bufio.NewWriter(w)
	own := slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return e.Source != "" || e.Until != NoDate && e.Until <= day
	})
	slices.SortFunc(own, func(a, b Entry) int { return bytes.Compare(a.Number.AppendDial(nil), b.Number.AppendDial(nil)) })
	var line []byte
	for _, e := range own {
		line = append(e.Number.AppendDial(line[:0]), ',')
		line = append(append(line, e.From.String()...), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// maxImport bounds an import: no provider has as many.
const maxImport = 20_000_000

// Import reads what another provider exports. Errors name the line, never what is on it.
func Import(r io.Reader, source string) (list []Entry, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 256), 256)
	seen := make(map[numbering.Number]bool)
	for n := 1; in.Scan(); n++ {
		line := bytes.TrimSpace(bytes.TrimPrefix(in.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		number, date, ok := bytes.Cut(line, []byte(","))
		e := Entry{Number: parse(number), Source: source}
		if e.From, err = ParseDate(string(date)); err != nil || !ok || e.Number == 0 {
			return nil, fmt.Errorf("line %d: must be a number and a date, +31201234567,2006-01-02, and nothing else", n)
		}
		if seen[e.Number] {
			return nil, fmt.Errorf("line %d: this number stands there twice", n)
		}
		if len(list) == maxImport {
			return nil, fmt.Errorf("line %d: more than %d numbers", n, maxImport)
		}
		seen[e.Number] = true
		list = append(list, e)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("shielded numbers cannot be read: %w", err)
	}
	return list, nil
}

// parse reads a number as exports write it: "+" and digits, or a short number.
func parse(text []byte) numbering.Number {
	if len(text) > 1 && text[0] == '+' && text[1] != '0' {
		return numbering.New(numbering.International, text[1:])
	}
	if len(text) >= 3 && len(text) <= 6 {
		return numbering.New(numbering.Short, text)
	}
	return 0
}

// Row is an entry as it is stored: the number as a keyed block, the same number always
// the same block.
type Row struct {
	Number [16]byte
	From   Date
	Until  Date
	Source string
}

// Change is what is done to the list in one transaction, in this order: all of it or
// nothing.
type Change struct {
	Source string     // all that this provider has goes, and what comes replaces nothing of ours; empty: neither
	Gone   [][16]byte // numbers whose rows go; those not there do no harm
	Put    []Row      // each replaces the row of its number
	Audit  []audit.Entry
}

// Store keeps the list, beside an audit log.
type Store interface {
	Save(ctx context.Context, c Change) error
	All(ctx context.Context, each func(Row) bool) error
	// Find answers one number's row; ok false: there is none.
	Find(ctx context.Context, number [16]byte) (r Row, ok bool, err error)
}

// ErrUnavailable: store or audit log do not answer; wraps the cause. Nothing changed.
var ErrUnavailable = errors.New("bills: store unavailable")
