package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// An export is JSON lines: first {"from": head before the first entry}, then the
// entries, last {"head": head of the last entry}. It is checked without the
// store; that it was cut off shows by the missing last line, that it ends early
// by comparing its head with one kept elsewhere.

type firstLine struct {
	From Head `json:"from"`
}

type lastLine struct {
	Head Head `json:"head"`
}

// ExportWriter writes an export.
type ExportWriter struct {
	w    io.Writer
	head Head
}

// NewExport begins an export of what follows a head; the zero Head is all.
func NewExport(w io.Writer, from Head) (*ExportWriter, error) {
	x := &ExportWriter{w: w, head: from}
	return x, x.line(firstLine{from})
}

// Add writes one entry.
func (x *ExportWriter) Add(e *Entry) error {
	x.head = e.Head()
	return x.line(e)
}

// End writes the last line.
func (x *ExportWriter) End() error { return x.line(lastLine{x.head}) }

func (x *ExportWriter) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = x.w.Write(append(text, '\n'))
	return err
}

// maxLine bounds one line of an export, in bytes: all fields full and escaped.
const maxLine = 8*6*maxField + 1024

// ErrCut is an export without its last line.
var ErrCut = errors.New("audit export: the last line is missing, it was cut off")

// VerifyExport checks an export and answers where it begins and ends. The error
// is a *BrokenError, ErrCut, or says which line is none of an export's.
func VerifyExport(r io.Reader) (from, head Head, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var v *Verifier
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		var last lastLine
		var first firstLine
		var e Entry
		switch {
		case v == nil:
			if !exact(line, &first) {
				return from, head, lineError(n, "is not the first of an audit export")
			}
			from, v = first.From, NewVerifier(first.From)
		case exact(line, &last):
			if lines.Scan() {
				return from, head, lineError(n+1, "stands behind the last of an audit export")
			}
			head, err = v.End(&last.Head)
			return from, head, errors.Join(err, lines.Err())
		case !exact(line, &e):
			return from, head, lineError(n, "is no entry of an audit export")
		default:
			v.Next(&e)
		}
	}
	if err := lines.Err(); err != nil {
		return from, head, fmt.Errorf("audit export: %w", err)
	}
	if v == nil {
		return from, head, ErrCut
	}
	head, err = v.End(nil)
	return from, head, errors.Join(ErrCut, err)
}

func lineError(n int, what string) error { return fmt.Errorf("audit export: line %d %s", n, what) }

// exact reads a line that is written exactly as an export writes it: what is
// shown of it is then what was hashed.
func exact(line []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return false
	}
	text, err := json.Marshal(into)
	return err == nil && bytes.Equal(text, line)
}
