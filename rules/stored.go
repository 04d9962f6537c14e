package rules

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"clirgate/numbering"
)

// ErrNumber: a subscriber has an international number.
var ErrNumber = errors.New("rules: a subscriber has an international number")

// Key is the number's digits as an integer, the key of stores; ErrNumber for
// what is no subscriber's number.
func Key(n numbering.Number) (int64, error) {
	if n.Kind() != numbering.International {
		return 0, ErrNumber
	}
	var buf [20]byte
	key, err := strconv.ParseInt(string(n.Append(buf[:0])), 10, 64)
	if err != nil || KeyNumber(key) != n { // a leading 0 is no country code
		return 0, ErrNumber
	}
	return key, nil
}

// KeyNumber is the inverse of Key.
func KeyNumber(key int64) numbering.Number {
	var buf [20]byte
	return numbering.New(numbering.International, strconv.AppendInt(buf[:0], key, 10))
}

// stored is a subscriber as stores keep it in the history.
type stored struct {
	Document
	Then *Document `json:"then,omitempty"` // the standing rule beneath
}

// EncodeStored is a subscriber as JSON for the history, whole.
func EncodeStored(s *Subscriber) []byte {
	d := stored{Document: s.Document()}
	if then := s.Ended(); then != nil {
		doc := then.Document()
		d.Then = &doc
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings, bools and a time within range always marshal
	}
	return text
}

var errStored = errors.New("rules: a stored subscriber cannot be read")

// DecodeStored is the inverse of EncodeStored.
func DecodeStored(text []byte) (*Subscriber, error) {
	var d stored
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if dec.Decode(&d) != nil {
		return nil, errStored // its own text may quote a number
	}
	s, err := d.Document.stored()
	if err != nil {
		return nil, err
	}
	if d.Then != nil {
		then, err := d.Then.stored()
		if err != nil {
			return nil, err
		}
		s.Then = Standing{Exists: true, Services: then.Services(), Note: then.Note}
	}
	return &s, nil
}

func (d *Document) stored() (Subscriber, error) {
	d.MCID = cmp.Or(d.MCID, MCIDNone.String()) // written before there was one
	s, err := d.subscriber(map[string]bool{"number": true}, func(text string) numbering.Number {
		if len(text) < 2 || text[0] != '+' {
			return 0
		}
		return numbering.New(numbering.International, []byte(text[1:]))
	})
	if err != nil {
		return s, fmt.Errorf("%w: %w", errStored, err)
	}
	return s, nil
}
