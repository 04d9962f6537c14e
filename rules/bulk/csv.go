package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"clirgate/rules"
)

// Columns of the CSV form, in the order of an export. An import takes them in any
// order; number must be there, what is missing or empty has the value of a
// subscriber without services.
var Columns = []string{"number", "clir", "clip", "acr", "tir", "override", "shield_on_bills", "note", "until", "mcid"}

// HeaderError is a first line that names no columns. It does not repeat the line.
type HeaderError struct{ Wrong, Mend string }

func (e *HeaderError) Error() string { return "line 1: " + e.Wrong + ": " + e.Mend }

// csvRows is CSV (RFC 4180) with a header; spreadsheets of some countries put
// semicolons where others put commas.
type csvRows struct {
	*lines
	checker
	comma   byte
	columns []int // which of Columns each field is
	row     []byte
	fields  []string
}

func newCSVRows(l *lines, c checker) (*csvRows, error) {
	line, err := l.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &HeaderError{"is missing", "name the columns"}
	case errors.Is(err, errLong):
		return nil, &HeaderError{"is too long", "name the columns"}
	case err != nil:
		return nil, err
	}
	r := &csvRows{lines: l, checker: c, comma: ','}
	line = bytes.TrimSuffix(line, carriageReturn)
	if bytes.IndexByte(line, ';') >= 0 && bytes.IndexByte(line, ',') < 0 {
		r.comma = ';'
	}
	names, ok := split(string(line), r.comma, nil)
	if !ok {
		return nil, &HeaderError{"is no CSV", "name the columns: " + strings.Join(Columns, ",")}
	}
	return r, r.header(names)
}

func (r *csvRows) header(names []string) error {
	for i, name := range names {
		at := slices.Index(Columns, strings.ToLower(strings.TrimSpace(name)))
		switch {
		case at < 0:
			return &HeaderError{fmt.Sprintf("column %d is unknown", i+1), "the columns are " + strings.Join(Columns, ",")}
		case slices.Contains(r.columns, at):
			return &HeaderError{fmt.Sprintf("column %s is there twice", Columns[at]), "give it once"}
		}
		r.columns = append(r.columns, at)
	}
	if !slices.Contains(r.columns, 0) {
		return &HeaderError{"the column number is missing", "give it"}
	}
	return nil
}

func (r *csvRows) next() (*rules.Subscriber, *BadRow, error) {
	for {
		line, first, err := r.record()
		switch {
		case errors.Is(err, errLong):
			return nil, tooLong(first), nil
		case err != nil:
			return nil, nil, err
		case len(line) == 0:
			continue
		}
		fields, ok := split(string(line), r.comma, r.fields[:0])
		r.fields = fields
		if !ok || len(fields) != len(r.columns) {
			return nil, &BadRow{Line: first, Wrong: "is no row of this CSV", Mend: fmt.Sprintf("give %d fields, in quotes what holds quotes, commas or line ends", len(r.columns))}, nil
		}
		sub, err := r.subscriber(fields)
		return r.check(&sub, first, err)
	}
}

var quote, carriageReturn = []byte{'"'}, []byte{'\r'}

// record reads one row: a line, and those behind it while a quote is open.
func (r *csvRows) record() (row []byte, first uint64, err error) {
	line, err := r.lines.next()
	if err != nil || bytes.Count(line, quote)%2 == 0 {
		return bytes.TrimSuffix(line, carriageReturn), r.n, err
	}
	first = r.n
	r.row = append(r.row[:0], line...)
	for {
		line, err := r.lines.next()
		if err != nil || len(r.row)+len(line) > maxRow {
			return nil, first, errLong // a quote that nobody closes
		}
		r.row = append(append(r.row, '\n'), line...)
		if bytes.Count(line, quote)%2 == 1 {
			return bytes.TrimSuffix(r.row, carriageReturn), first, nil
		}
	}
}

// split cuts a row into its fields; false when its quotes are not those of
// RFC 4180.
func split(row string, comma byte, fields []string) ([]string, bool) {
	for {
		var field string
		quoted := strings.HasPrefix(row, `"`)
		if quoted {
			end := closing(row)
			if end < 0 {
				return fields, false
			}
			field, row = strings.ReplaceAll(row[1:end], `""`, `"`), row[end+1:]
		} else {
			end := strings.IndexByte(row, comma)
			if end < 0 {
				end = len(row)
			}
			if field, row = row[:end], row[end:]; strings.Contains(field, `"`) {
				return fields, false
			}
		}
		fields = append(fields, field)
		switch {
		case row == "":
			return fields, true
		case row[0] != comma:
			return fields, false
		}
		row = row[1:]
	}
}

// closing finds the quote that closes the one row begins with; -1 for none.
func closing(row string) int {
	for i := 1; i < len(row); i++ {
		if row[i] != '"' {
			continue
		}
		if i+1 < len(row) && row[i+1] == '"' {
			i++
			continue
		}
		return i
	}
	return -1
}

func (r *csvRows) subscriber(fields []string) (rules.Subscriber, error) {
	d := rules.Document{CLIR: rules.CLIRNone.String(), CLIP: true, TIR: rules.TIRNone.String(), MCID: rules.MCIDNone.String()}
	for i, at := range r.columns {
		value := fields[i]
		if Columns[at] != "note" {
			value = strings.TrimSpace(value)
		}
		if value == "" {
			continue
		}
		if err := set(&d, at, value); err != nil {
			return rules.Subscriber{}, err
		}
	}
	if d.Number == "" {
		return rules.Subscriber{}, nil // check says so
	}
	return d.Subscriber(r.parse)
}

// set puts a cell where it belongs.
func set(d *rules.Document, column int, value string) error {
	texts := [...]*string{0: &d.Number, 1: &d.CLIR, 4: &d.TIR, 7: &d.Note, 9: &d.MCID}
	flags := [...]*bool{2: &d.CLIP, 3: &d.ACR, 5: &d.Override, 6: &d.ShieldOnBills, 9: nil}
	switch {
	case texts[column] != nil:
		*texts[column] = unguard(value)
	case flags[column] != nil:
		return setFlag(flags[column], Columns[column], value)
	default:
		until, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return &rules.FieldError{Field: "until", Wrong: "is no time", Mend: "give an RFC 3339 time such as 2026-12-31T23:00:00Z, or nothing"}
		}
		d.Until = &until
	}
	return nil
}

func setFlag(flag *bool, name, value string) error {
	switch strings.ToLower(value) {
	case "true", "1":
		*flag = true
	case "false", "0":
		*flag = false
	default:
		return &rules.FieldError{Field: name, Wrong: "is neither true nor false", Mend: "give true or false"}
	}
	return nil
}

// Cells that a spreadsheet would take for a formula begin with an apostrophe in
// what is exported, numbers among them.
const formula = "=+-@\t\r'"

func guard(cell string) string {
	if cell != "" && strings.IndexByte(formula, cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// unguard is the inverse of guard; cells without a guard stay.
func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte(formula, cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}
