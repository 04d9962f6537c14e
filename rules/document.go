package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"clirgate/numbering"
)

// Document is a subscriber as JSON (DESIGN 6.3), for the API, files and the
// history. It holds the number in clear: it is made by name, never by printing
// a Subscriber.
type Document struct {
	Number        string     `json:"number"`
	CLIR          string     `json:"clir"`
	CLIP          bool       `json:"clip"`
	ACR           bool       `json:"acr"`
	TIR           string     `json:"tir"`
	Override      bool       `json:"override"`
	ShieldOnBills bool       `json:"shield_on_bills"`
	MCID          string     `json:"mcid"`
	Note          string     `json:"note"`
	Until         *time.Time `json:"until"` // RFC 3339; null: for good
}

// Document makes the JSON form.
func (s *Subscriber) Document() Document {
	d := Document{
		Number: s.Number.E164(), CLIR: s.CLIR.String(), CLIP: !s.CLIPOff, ACR: s.ACR, TIR: s.TIR.String(),
		Override: s.Override, ShieldOnBills: s.ShieldOnBills, MCID: s.MCID.String(), Note: s.Note,
	}
	if !s.Until.IsZero() {
		until := s.Until.UTC()
		d.Until = &until
	}
	return d
}

// maxNote bounds a note, in bytes.
const maxNote = 1000

// FieldError says which field of a document is wrong and how to mend it. It
// does not hold the value, which may be a number.
type FieldError struct {
	Field string // "" when it is the document as a whole
	Wrong string
	Mend  string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Wrong + ": " + e.Mend
	}
	return fmt.Sprintf("%q %s: %s", e.Field, e.Wrong, e.Mend)
}

// DecodeSubscriber reads one document strictly: a field that is unknown, given
// twice or of another type is refused by name, as *FieldError. Missing fields
// have the values of a subscriber without services; a missing number is zero.
// parse reads the number in any spelling.
func DecodeSubscriber(data []byte, parse func(string) numbering.Number) (Subscriber, error) {
	d := Document{CLIR: CLIRNone.String(), CLIP: true, TIR: TIRNone.String(), MCID: MCIDNone.String()}
	given, err := d.decode(data)
	if err != nil {
		return Subscriber{}, err
	}
	return d.subscriber(given, parse)
}

func (d *Document) decode(data []byte) (given map[string]bool, err error) {
	fields := map[string]any{
		"number": &d.Number, "clir": &d.CLIR, "clip": &d.CLIP, "acr": &d.ACR, "tir": &d.TIR, "override": &d.Override,
		"shield_on_bills": &d.ShieldOnBills, "mcid": &d.MCID, "note": &d.Note, "until": &d.Until,
	}
	types := map[string]string{
		"clip": "true or false", "acr": "true or false", "override": "true or false", "shield_on_bills": "true or false",
		"until": "an RFC 3339 time such as 2026-12-31T23:00:00Z, or null",
	}
	if !utf8.Valid(data) {
		return nil, &FieldError{"", "the document is not UTF-8", "send JSON in UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil, malformed(dec)
	}
	given = map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, malformed(dec)
		}
		name := token.(string) // a key of an object is a string, or Token fails
		target, known := fields[name]
		switch {
		case !known:
			return nil, &FieldError{clip(name), "is unknown", "leave it out, or check its spelling: number, clir, clip, acr, tir, override, shield_on_bills, mcid, note, until"}
		case given[name]:
			return nil, &FieldError{name, "is given twice", "give it once"}
		}
		given[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, malformed(dec)
		}
		null := string(raw) == "null"
		if err := json.Unmarshal(raw, target); err != nil || null && name != "until" {
			want, ok := types[name]
			if !ok {
				want = "a string"
			}
			return nil, &FieldError{name, "has the wrong type or form", "give " + want}
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformed(dec)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &FieldError{"", "something stands behind the document", "send one JSON object"}
	}
	return given, nil
}

// malformed names the place only: the decoder's own text may quote the value.
func malformed(dec *json.Decoder) error {
	return &FieldError{"", fmt.Sprintf("not a JSON object (byte %d)", dec.InputOffset()), "send one JSON object"}
}

// clip bounds a field name that somebody else chose, and keeps digits out of it.
func clip(name string) string {
	const most = 40
	if len(name) > most {
		name = name[:most]
	}
	return string(bytes.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r < ' ' || r == utf8.RuneError {
			return '?'
		}
		return r
	}, []byte(name)))
}

var withNumber = map[string]bool{"number": true}

// Subscriber is the inverse of Subscriber.Document, checked; the number must be
// given. Errors are *FieldError.
func (d *Document) Subscriber(parse func(string) numbering.Number) (Subscriber, error) {
	return d.subscriber(withNumber, parse)
}

func (d *Document) subscriber(given map[string]bool, parse func(string) numbering.Number) (Subscriber, error) {
	s := Subscriber{
		CLIPOff: !d.CLIP, ACR: d.ACR, Override: d.Override, ShieldOnBills: d.ShieldOnBills, Note: d.Note,
	}
	var ok bool
	if given["number"] {
		if s.Number = parse(d.Number); s.Number.Kind() != numbering.International {
			return s, &FieldError{"number", "is no telephone number with a country code", "give it with + and country code, or as dialled at home"}
		}
	}
	if s.CLIR, ok = ParseCLIR(d.CLIR); !ok {
		return s, &FieldError{"clir", "has an unknown value", "give none, permanent, temporary-restricted or temporary-allowed"}
	}
	if s.TIR, ok = ParseTIR(d.TIR); !ok {
		return s, &FieldError{"tir", "has an unknown value", "give none, permanent or temporary"}
	}
	if s.MCID, ok = ParseMCID(d.MCID); !ok {
		return s, &FieldError{"mcid", "has an unknown value", "give none, temporary, permanent or unanswered"}
	}
	if len(d.Note) > maxNote {
		return s, &FieldError{"note", "is too long", fmt.Sprintf("at most %d bytes", maxNote)}
	}
	if strings.ContainsRune(d.Note, 0) || !utf8.ValidString(d.Note) {
		return s, &FieldError{"note", "is not UTF-8, or holds a NUL character", "send it in UTF-8"}
	}
	if d.Until != nil {
		// Whole seconds, rounded up: a rule holds at least as long as asked.
		s.Until = d.Until.UTC().Add(time.Second - 1).Truncate(time.Second)
		if s.Until.Year() > lastYear || s.Until.Unix() <= 0 {
			return s, &FieldError{"until", "is out of range", fmt.Sprintf("give a time before the year %d, or null", lastYear+1)}
		}
	}
	return s, nil
}

// lastYear is the last one whose seconds fit 32 bits whole.
const lastYear = 2105
